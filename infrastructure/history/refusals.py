"""Why a command was refused: what it asked, the states that the decision saw, the rule that spoke, and its witness."""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import orjson

from domain.catalogue import REGISTRY
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.past.trees import Tree, Trees
from domain.kernel.text import shown
from domain.refusal.events import CommandRefused
from infrastructure.history.deciding import Decider, NotDecidable
from infrastructure.history.folds import Folds
from infrastructure.history.port import Filter, History
from infrastructure.history.reading import stood_at
from infrastructure.history.searching import search
from infrastructure.log.mapper import recorded
from infrastructure.log.port import LogRow

REFUSED: tuple[str, ...] = (CommandRefused.TYPE,)


@dataclass(frozen=True, slots=True)
class Explained:
    """A refusal with what led to it."""

    event: Recorded
    """The record of it."""
    name: str
    command: dict[str, Any] | None
    """What was asked; None where the refusal came before a decision, or the receipt is gone."""
    rule: str
    """File and function that refused; empty where it is not known any more."""
    rejection: Rejection | None
    """The refusal as today's rules speak it, with its witness in its fields."""
    states: dict[str, tuple[int, Tree]]
    """Version and state of every stream that the decision looked at."""
    note: str


def explain(history: History, folds: Folds, command_id: str) -> Explained | UnknownThing:
    """The refusal of a command by its id, or by that of the command that recorded it.

    Only refusals that matter for audit are on record.
    """
    row = _record_of(history, command_id)
    if row is None:
        return UnknownThing(kind="recorded refusal of command", name=shown(command_id))
    event = recorded(row, REGISTRY)
    said = event.event
    name = said.command if isinstance(said, CommandRefused) else ""
    kept = history.commands([(event.command_id, event.actor)]).get((event.command_id, event.actor))
    if event.command_id != command_id or _is_of_another(event):
        note = "it was refused before anything was decided: who asked may not"
        return Explained(event, name, None, "", None, _principal(history, folds, event), note)
    if kept is None or not kept.body:
        return Explained(
            event,
            name,
            None,
            "",
            None,
            {},
            "its receipt is not here: receipts are kept for 8 days, and bundles have none",
        )
    run = list(search(history, Filter(command=command_id), None, after=0, until=history.head()))
    command: dict[str, Any] = orjson.loads(kept.body)["command"]
    decider, tracer = Decider(history), RuleFinder()
    try:
        with tracer:
            again = decider.again(kept, run)
    except NotDecidable as problem:
        return Explained(event, name, command, "", None, {}, f"it cannot be decided again: {problem}")
    states = {stream: _state(history, folds, stream, run[0].position - 1) for stream in again.reads}
    note = "" if again.rejection is not None else "today's rules would accept it"
    return Explained(event, name, command, tracer.rule_of(again.rejection), again.rejection, states, note)


class RuleFinder:
    """Notes which function of the domain first returned each refusal, while it is entered."""

    def __init__(self) -> None:
        self._returned: list[tuple[Rejection, CodeType, int]] = []

    def __enter__(self) -> None:
        sys.setprofile(self._look)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def rule_of(self, rejection: Rejection | None) -> str:
        """``domain/…/file.py:LINE function`` of the innermost function that returned it."""
        for found, code, line in self._returned:
            parts = Path(code.co_filename).parts
            # What makes a tuple of it is no rule.
            if found is rejection and "domain" in parts:
                return f"{'/'.join(parts[parts.index('domain') :])}:{line} {code.co_name}"
        return ""

    def _look(self, frame: FrameType, happening: str, argument: Any) -> None:
        if happening != "return":
            return
        found = argument if isinstance(argument, Rejection) else getattr(argument, "rejection", None)
        if isinstance(found, Rejection):
            self._returned.append((found, frame.f_code, frame.f_lineno))


def _record_of(history: History, command_id: str) -> LogRow | None:
    until = history.head()
    own = search(history, Filter(command=command_id, types=REFUSED), None, after=0, until=until)
    found = next(own, None)
    if found is not None:
        return found
    rows = search(history, Filter(types=REFUSED), None, after=0, until=until)
    return next((row for row in rows if row.causation_id == command_id), None)


def _is_of_another(event: Recorded) -> bool:
    """Whether it was recorded by a command of its own, because of the one that was refused; policies name events."""
    return event.causation_id is not None and "@" not in event.causation_id


def _principal(history: History, folds: Folds, event: Recorded) -> dict[str, tuple[int, Tree]]:
    return {event.actor: _state(history, folds, event.actor, event.position)} if event.actor.startswith("key_") else {}


def _state(history: History, folds: Folds, stream: str, position: int) -> tuple[int, Tree]:
    stood = stood_at(history, folds, stream, position)
    return (0, Trees().of(None)) if isinstance(stood, UnknownThing) else (stood.version, stood.tree)
