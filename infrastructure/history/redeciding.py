"""A test over real history: do today's rules decide the recorded commands as they were decided?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Final, Literal

import orjson

from domain.catalogue import REGISTRY, SEALINGS
from domain.kernel.message import Event
from domain.kernel.sealing import ERASED, blanked
from domain.proposal.events import ProposalOpened
from domain.run.events import RunQueued
from domain.session.events import SessionOpened
from domain.task.events import TaskPlanned
from infrastructure.history.deciding import Again, AskedNoMore, Decider, NotDecidable
from infrastructure.history.port import Filter, History, KeptCommand
from infrastructure.history.searching import Progress, search
from infrastructure.log.erasures import ERASED_TYPE
from infrastructure.log.port import LogRow

RUNS_AT_ONCE: Final = 500
"""Commands whose receipts are read together."""
_CHOOSING: Final = frozenset({"claim_task", "claim_tasks", "claim_work"})

Kind = Literal["same", "same_choice", "different", "no_receipt", "not_decidable", "erased"]
"""``same_choice``: the same, once the tasks to choose from were those that were chosen; the index from which a server
chooses is a hint that is not in the log."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one recorded command."""

    kind: Kind
    command_id: str
    name: str
    position: int
    """Of its first event."""
    recorded: tuple[dict[str, Any], ...] = ()
    decided: tuple[dict[str, Any], ...] = ()
    """Only where they differ."""
    why: str = ""


def redecide(history: History, *, after: int, until: int, progress: Progress) -> Iterator[Verdict]:
    """One verdict for every command whose first event lies in a stretch of the log, in order; takes constant memory.

    What comes before the stretch is only read for what was ready then.
    """
    after, until = _end_of_command(history, after), _end_of_command(history, until)
    decider = Decider(history)
    erased = _erased_streams(history)
    for row in search(history, Filter(), None, after=0, until=after, progress=progress):
        decider.ready.observe(*_observed(row))
    rows = search(history, Filter(), None, after=after, until=until, progress=progress)
    runs = (list(run) for _, run in groupby(rows, key=lambda row: row.command_id))
    while batch := list(islice(runs, RUNS_AT_ONCE)):
        kept = history.commands([_asked_by(run) for run in batch])
        for run in batch:
            events = [REGISTRY.read(row.type, row.state) for row in run]
            yield _verdict(decider, kept.get(_asked_by(run)), run, events, erased)
            for row, event in zip(run, events, strict=True):
                decider.absorb(row, event)
            decider.hot.trim()


def _asked_by(run: Sequence[LogRow]) -> tuple[str, str]:
    """The id of the command that wrote the events, and whose it is."""
    return run[0].command_id or "", run[0].actor or ""


def _end_of_command(history: History, position: int) -> int:
    """The last position of the command that wrote the event at a position: nobody decides half of one."""
    rows = history.page(after=max(0, position - 1), limit=1)
    if not rows or rows[0].position != position:
        return position
    for row in search(history, Filter(), None, after=position, until=history.head()):
        if row.command_id != rows[0].command_id:
            break
        position = row.position
    return position


def _erased_streams(history: History) -> frozenset[str]:
    """Subjects that were erased by now: what was decided over their words cannot be decided again."""
    wanted, found, after, head = Filter(types=(ERASED_TYPE,)), set[str](), 0, history.head()
    while rows := history.found(wanted, after=after, until=head, limit=RUNS_AT_ONCE):
        found.update(row.stream for row in rows)
        after = rows[-1].position
    return frozenset(found)


def _verdict(
    decider: Decider,
    kept: KeptCommand | None,
    run: Sequence[LogRow],
    events: Sequence[Event],
    erased: frozenset[str],
) -> Verdict:
    first = run[0]
    place = (first.command_id or "", "", first.position)
    if kept is None:
        return Verdict("no_receipt", *place)
    try:
        again = decider.again(kept, run)
        place = (kept.command_id, again.name, first.position)
        if is_same(again, run, events):
            return Verdict("same", *place)
        if again.name in _CHOOSING and is_same(decider.again(kept, run, decider.pinned(run)), run, events):
            return Verdict("same_choice", *place)
    except AskedNoMore as problem:
        return Verdict("erased", *place, why=str(problem))
    except NotDecidable as problem:
        gone = not erased.isdisjoint(row.stream for row in run)
        return Verdict("erased" if gone else "not_decidable", *place, why=str(problem))
    if not erased.isdisjoint((*again.reads, *(row.stream for row in run))):
        return Verdict("erased", *place, why="it was decided over words that were erased")
    decided = tuple(_told(stream, version, event) for stream, version, event, _ in again.events)
    told = tuple(_told(row.stream, row.version, event) for row, event in zip(run, events, strict=True))
    why = "" if again.rejection is None else again.rejection.message()
    return Verdict("different", *place, recorded=told, decided=decided, why=why)


def is_same(again: Again, run: Sequence[LogRow], events: Sequence[Event]) -> bool:
    """Whether the events are the same, in the same order, of the same projects; words that were erased are any."""
    if len(again.events) != len(run):
        return False
    recorded = [(row.stream, row.version, event, row.project) for row, event in zip(run, events, strict=True)]
    decided = [
        (stream, version, _as_erased(event, known), project)
        for (stream, version, event, project), known in zip(again.events, events, strict=True)
    ]
    return recorded == decided


def _as_erased(event: Event, known: Event) -> Event:
    """The event without the words that the recorded one has no more, or does not have under a key."""
    sealing = SEALINGS.get(event.TYPE)
    if sealing is None or type(event) is not type(known):
        return event
    gone: dict[str, object] = {
        field: getattr(known, field)
        for field, kind in sealing.fields.items()
        if kind in ("text", "json") and getattr(known, field) == blanked(kind, "", ERASED)
    }
    if isinstance(known, TaskPlanned | RunQueued | SessionOpened | ProposalOpened):
        # Whether there were keys when it began is no decision about it.
        gone["under_key"] = known.under_key
    return event.model_copy(update=gone) if gone else event


def _observed(row: LogRow) -> Any:
    return row.project or "", row.stream, REGISTRY.read(row.type, row.state)


def _told(stream: str, version: int, event: Event) -> dict[str, Any]:
    return {"stream": stream, "version": version, "type": event.TYPE, "event": orjson.loads(event.stored())}
