"""`signalbox replay why`: what led to an event, and what it led to."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from api.cli.replay.source import Bundle, Store, past
from api.cli.replay.telling import event_document, event_line
from api.cli.terminal import Terminal
from domain.kernel.past.causes import Causes, walked


def why(
    terminal: Terminal,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="@POSITION or STREAM@VERSION.")],
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """The causes of an event back to whoever asked, and everything that policies did because of it."""
    with past(terminal, store, bundle) as replay:
        causes = replay.causes(replay.event(event))
        kept = replay.command(causes.chain[-1] if causes.chain else causes.event)
        document: dict[str, Any] = {
            "event": event_document(causes.event),
            "asked": kept,
            "causes": [event_document(one) for one in causes.chain],
            "same_command": [event_document(one) for one in causes.siblings],
            "effects": [{"depth": depth, **event_document(one.recorded)} for depth, one in walked(causes.effects)],
        }
        terminal.show(document, *_lines(causes, kept))


def _lines(causes: Causes, kept: dict[str, Any] | None) -> Iterator[str]:
    root = causes.chain[-1] if causes.chain else causes.event
    asked = f": {kept['name']}" if kept else ", whose receipt is not kept here"
    yield f"{root.actor} asked {root.command_id}{asked}"
    for depth, one in enumerate(reversed(causes.chain)):
        yield event_line(one, indent="  " * (depth + 1))
    yield event_line(causes.event, indent="  " * (len(causes.chain) + 1) + "> ")
    for one in causes.siblings:
        yield event_line(one, indent="  " * (len(causes.chain) + 1) + "= ")
    for depth, effect in walked(causes.effects):
        yield event_line(effect.recorded, indent="  " * (len(causes.chain) + 1 + depth))
