"""`signalbox audit keys lost`: the keys of what was said are gone for good, and the log goes on with others."""

import sys
from typing import Annotated

import typer

from api.cli.command import SERVER, command
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused


def register(nouns: typer.Typer) -> None:
    command(nouns, "lost", without=SERVER)(lost)


def lost(
    terminal: Terminal,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays readable for ever.")],
    store: Annotated[str | None, typer.Option("--store", help="sqlite, sqlite:///PATH or postgresql://….")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Declare it without asking.")] = False,
) -> None:
    """Declare, while no server runs, that the keys of what was said are gone for good: all of it reads as erased from
    then on, and servers start with new keys. Nothing brings the words back."""
    from api.composition.start import CannotStartError, declare_keys_lost

    if not yes:
        if terminal.as_json or not sys.stdin.isatty():
            raise Refused("not_confirmed", "Nothing was declared.", "Say --yes: it cannot be undone.")
        if not typer.confirm("Give up everything that was said under the keys that are missing?"):
            raise Refused("not_confirmed", "Nothing was declared.", "Look for a copy of the keys.")
    try:
        said = declare_keys_lost({"store": store, "data": terminal.data}, reason)
    except CannotStartError as error:
        raise Refused(error.code, str(error), error.advice) from error
    words = f"what was said until @{said.through} reads as erased; that its keys are lost stands at @{said.position}"
    terminal.show({"position": said.position, "through": said.through, "lost": said.lost, "new": said.new}, words)
