"""`signalbox`: nouns and verbs; what a command needs is imported when it runs."""

import os
import sys
import traceback
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Final

from api.cli.exits import Exit

if TYPE_CHECKING:
    import typer

COMPLETE_VARIABLE: Final = "_SIGNALBOX_COMPLETE"
"""Set by the completion script when a shell asks what could come next."""
MODULES: Final = {
    "up": "server_commands",
    "demo": "server_commands",
    "status": "server_commands",
    "watch": "watch_command",
    "top": "top_command",
    "worker": "worker_command",
    "hook": "hook_command",
    "mcp": "mcp_command",
    "connect": "connect_commands",
    "disconnect": "connect_commands",
    "doctor": "doctor_command",
    "plan": "plan_commands",
    "pipeline": "pipeline_commands",
    "run": "run.commands",
    "gate": "gate_commands",
    "proposal": "proposal_commands",
    "fact": "fact_commands",
    "import": "import_commands",
    "task": "task_commands",
    "session": "session_commands",
    "lock": "lock_commands",
    "note": "note_commands",
    "inbox": "note_commands",
    "git-guard": "git_guard_commands",
    "attention": "attention_command",
    "explain": "explain_commands",
    "quota": "quota_commands",
    "node": "node_commands",
    "project": "project_commands",
    "events": "event_commands",
    "replay": "replay.commands",
    "debug": "debug.commands",
    "bookmark": "bookmark_commands",
    "key": "key_commands",
    "audit": "audit_commands",
    "projections": "projection_commands",
    "completion": "completion_command",
}
"""The module of every first word, in the order of the help; each has ``register(app)``."""


def main() -> None:
    """Run the command of this process's arguments and exit with its code."""
    try:
        if sys.argv[1:2] == ["worker"]:
            from api.cli.worker_command import run

            sys.exit(run(sys.argv[2:]))
        application(sys.argv[1:])(prog_name="signalbox")
    except Exception as error:
        if os.environ.get("SIGNALBOX_TRACE"):
            traceback.print_exc()
        else:
            print(f"fault: {type(error).__name__}: {error}", file=sys.stderr)
            print("next: run it again with SIGNALBOX_TRACE=1 and report what it prints", file=sys.stderr)
        sys.exit(Exit.FAULT)


def application(arguments: Iterable[str] = ()) -> "typer.Typer":
    """The command that the arguments begin with, or all of them.

    Typer prepares every option of every command that it knows, which takes longer than most commands run.
    """
    import typer

    from api.cli.help import NAMES, Grouped

    app = typer.Typer(
        name="signalbox",
        cls=Grouped,
        context_settings={"help_option_names": NAMES},
        help="Coordinates fleets of coding agents: tasks, pipelines, sessions and locks on one log.",
        no_args_is_help=True,
        add_completion=COMPLETE_VARIABLE in os.environ,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback()
    def whole(
        *, version: Annotated[bool, typer.Option("--version", help="Tell the version and end.", is_eager=True)] = False
    ) -> None:
        """Keep a single command from standing for the whole program."""
        if version:
            from signalbox import __version__

            print(f"signalbox {__version__}")
            raise typer.Exit

    first = next(iter(arguments), "")
    modules = [MODULES[first]] if first in MODULES else dict.fromkeys(MODULES.values())
    for module in modules:
        import_module(f"api.cli.{module}").register(app)
    return app
