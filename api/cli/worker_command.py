"""`signalbox worker`: turns any command into an agent that does tasks.

Parsed by the standard library: a fleet starts many of these on few cores, and typer takes several times as long to load
as a worker takes to start.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.cli.exits import Exit, exit_of
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from api.cli.worker.settings import BadCapabilityError, WorkerSettings, capabilities_of
from signalbox.client.errors import Refused, SignalboxError
from signalbox.worktrees import Worktrees, beside

if TYPE_CHECKING:
    import typer

SUMMARY: Final = "Claim tasks and run a command for each."
LABEL_CHARACTERS_MAX: Final = 200
WORKTREE_CHARACTERS_MAX: Final = 1_000
_DESCRIPTION: Final = """Claim tasks and run a command for each; the task is on its standard input as JSON and in
SIGNALBOX_... variables. Exit code 0 completes the task, 75 asks for another try later, any other fails the attempt.
Lines on standard output that begin with ::progress PERCENT NOTE, ::checkpoint TEXT, ::summary TEXT,
::evidence KIND REF, ::artifact NAME URI, ::output JSON or ::usage {JSON} are reported."""


def register(app: "typer.Typer") -> None:
    """Appear in the list of commands; ``main`` hands the word over before typer sees it."""
    everything = {"allow_extra_args": True, "ignore_unknown_options": True}

    @app.command("worker", help=SUMMARY, context_settings=everything, add_help_option=False)
    def worker() -> None:
        sys.exit(run(sys.argv[2:]))


def run(arguments: Sequence[str]) -> Exit:
    """Work until stopped or idle. Leaves with code 2 where the arguments are wrong."""
    parser = _parser()
    said = parser.parse_args(arguments)
    try:
        capabilities = capabilities_of(said.capability)
    except BadCapabilityError as error:
        parser.error(f"--capability: {error}")
    terminal = Terminal(server_url=said.url, api_key=said.key, data_folder=said.data, as_json=said.json)
    try:
        project = project_of(terminal.client, said.project or os.environ.get("SIGNALBOX_PROJECT"))
        settings = WorkerSettings(
            project=project,
            command=said.exec,
            name=said.name,
            host=os.uname().nodename[:200] if hasattr(os, "uname") else "",
            tool=said.tool,
            model=said.model,
            role=said.role,
            worktree=str(Path.cwd())[:WORKTREE_CHARACTERS_MAX],
            parent=said.parent,
            credential_pool=said.pool,
            capacity=said.capacity,
            capabilities=capabilities,
            ttl_seconds=said.ttl,
            worktrees=_worktrees(said) if said.worktree else None,
            until_idle=said.until_idle,
            push=said.push,
            grace_seconds=said.grace,
        )
        done = _work(terminal, settings)
    except SignalboxError as error:
        terminal.tell_error(error)
        return exit_of(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    finally:
        terminal.close()
    return Exit.OK if done else Exit.IN_VAIN


def _worktrees(said: argparse.Namespace) -> Worktrees:
    repository: Path = said.repository.resolve()
    folder: Path = beside(repository) if said.worktrees is None else said.worktrees.resolve()
    return Worktrees(repository, said.worktree_pool, folder, said.base)


def _work(terminal: Terminal, settings: WorkerSettings) -> bool:
    if os.name != "posix":
        raise Refused("not_here", "workers need process groups", "Run them on Linux or macOS.")
    from api.cli.worker.running import run_worker

    return run_worker(terminal.endpoint, settings, as_json=terminal.as_json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="signalbox worker", description=_DESCRIPTION, allow_abbrev=False)
    add = parser.add_argument
    add("--exec", metavar="CMD", help="run by the shell for each task that has no `run` of its own")
    add("-p", "--project", help="may be left out where there is one project; else SIGNALBOX_PROJECT")
    add("--tool", type=_label, default="shell", help="what does the work, such as claude-code (default shell)")
    add("--model", type=_label, default="", help="the model behind it")
    add("--role", type=_label, default="", help="its part in the work, such as reviewer; a label")
    add("--parent", metavar="SESSION", help="id of the session above it")
    add("--pool", metavar="NAME", help="credentials whose quota it spends; a worker whose quota is used up pauses all")
    add("--capacity", type=_whole(1, 256), default=1, metavar="N", help="tasks at a time (1-256, default 1)")
    add("--capability", action="append", default=[], metavar="K=V", help="what tasks may require; repeatable")
    add("--until-idle", action="store_true", help="end when no task of the project can move any more")
    add("--push", action="store_true", help="wait for work that the server gives, instead of asking for it")
    add("--worktree", action="store_true", help="give each attempt a git worktree of its own, a unit of a pool")
    add("--worktree-pool", default="worktrees", metavar="NAME", help="the pool (default worktrees)")
    add("--repository", type=Path, default=Path(), metavar="FOLDER", help="that worktrees are made of (default: here)")
    add("--worktrees", type=Path, metavar="FOLDER", help="where they are (default: REPOSITORY.worktrees, beside it)")
    add("--base", default="HEAD", metavar="COMMIT", help="where each attempt begins (default HEAD)")
    add("--name", default=f"worker-{os.getpid()}", type=_label, help="shown in lists")
    add("--ttl", type=_whole(10, 86_400), default=60, metavar="SECONDS", help="of the lease (10-86400, default 60)")
    grace = "that work may go on after SIGTERM (0-86400, default 30)"
    add("--grace", type=_whole(0, 86_400), default=30, metavar="SECONDS", help=grace)
    add("--url", help="server; else SIGNALBOX_URL, else that of the data folder")
    add("--key", help="API key; else SIGNALBOX_KEY, else that of the data folder")
    add("--data", type=Path, help="data folder; else SIGNALBOX_DATA, else .signalbox here or above")
    add("--json", action="store_true", help="print JSON lines")
    return parser


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return number

    return parse


def _label(text: str) -> str:
    if len(text) > LABEL_CHARACTERS_MAX:
        raise argparse.ArgumentTypeError(f"at most {LABEL_CHARACTERS_MAX} characters")
    return text
