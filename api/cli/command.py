"""What every command has: where the server is, `--json`, readable errors and an exit code."""

import inspect
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, ParamSpec

import typer

from api.cli.completion_command import project_names
from api.cli.exits import Exit, exit_of
from api.cli.help import NAMES, Worded, worded
from api.cli.terminal import Terminal
from signalbox.client.errors import SignalboxError

P = ParamSpec("P")

Url = Annotated[str | None, typer.Option("--url", help="Server; else SIGNALBOX_URL, else that of the data folder.")]
ApiKey = Annotated[str | None, typer.Option("--key", help="API key; else SIGNALBOX_KEY, else that of the data folder.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder; else SIGNALBOX_DATA, else .signalbox here or above.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object, or one a line when following.")]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        envvar="SIGNALBOX_PROJECT",
        help="Project; may be left out where there is one.",
        autocompletion=project_names,
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        help="As it was at a point: @POSITION, 2026-11-22T14:03:00Z, -15m, STREAM@VERSION or PROJECT/BOOKMARK.",
    ),
]
_COMMON: Final[dict[str, Any]] = {
    "server_url": (Url, None),
    "api_key": (ApiKey, None),
    "data_folder": (Data, None),
    "as_json": (AsJson, False),
}


SERVER: Final = ("server_url", "api_key")
"""Common options that mean nothing to a command which asks no server."""


def statuses(said: list[str] | None, known: str) -> list[str] | None:
    """The values of `--status` as GraphQL names them, each once; None where nothing is said.

    Raises typer.BadParameter for a word that is none of the known ones.
    """
    words = sorted({word.strip().lower() for one in said or [] for word in one.split(",")})
    unknown = [word for word in words if word not in known.split(", ")]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is none of {known}", param_hint="--status")
    return [word.upper() for word in words] or None


def group(help_text: str) -> typer.Typer:
    """A noun with its verbs."""
    settings = {"help_option_names": NAMES}
    return typer.Typer(
        help=help_text, no_args_is_help=True, rich_markup_mode=None, add_completion=False, context_settings=settings
    )


def command(
    app: typer.Typer, name: str, without: tuple[str, ...] = ()
) -> Callable[[Callable[Concatenate[Terminal, P], None]], None]:
    """Register a function as a command: it gets a Terminal first, and its own parameters as options and arguments.

    ``without`` names common options that would do nothing.
    """

    def register(function: Callable[Concatenate[Terminal, P], None]) -> None:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            said: dict[str, Any] = {option: kwargs.pop(option, None) for option in _COMMON}
            terminal = Terminal(**said)
            try:
                function(terminal, *args, **kwargs)
            except SignalboxError as error:
                terminal.tell_error(error)
                raise typer.Exit(exit_of(error)) from None
            except KeyboardInterrupt:
                raise typer.Exit(Exit.INTERRUPTED) from None
            except BrokenPipeError:
                # Whoever read our output has seen enough.
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            finally:
                terminal.close()

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        common = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for option, (kind, default) in _COMMON.items()
            if option not in without
        ]
        keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        signature = inspect.Signature([worded(each) for each in (*keyword, *common)])
        # Typer reads these two; the wrapped function's own would lack the common options.
        vars(run).pop("__wrapped__")
        run.__dict__["__signature__"] = signature
        run.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
        app.command(name, cls=Worded, context_settings={"help_option_names": NAMES})(run)

    return register
