"""The hints as they were at one position, kept beside the log so that a start need not read all of it."""

from typing import Final

from pydantic import ValidationError

from domain.catalogue import REGISTRY
from domain.dispatch.manners import MannerRows, Manners
from domain.dispatch.ready import ReadyIndex, ReadyRows
from domain.dispatch.serving import Serving, ServingRow
from domain.kernel.ids import Instant
from domain.kernel.message import Message
from domain.policies.agenda import Agenda, AgendaRows
from domain.session.liveness import Standing
from domain.session.state import Status
from infrastructure.log.port import Log, StoredSnapshot
from infrastructure.runtime.hints import HintFolds
from infrastructure.runtime.standings import Standings

STREAM: Final = "hints_00000000000000000000000000"
KIND: Final = "hints.s4"
"""Raise the number whenever a fold learns something new from old events; a checkpoint of another kind is ignored."""
KEEP_EVERY_EVENTS: Final = 20_000


class KeyEvent(Message):
    """An event of an API key; keys are few, so their history is kept whole."""

    stream: str
    type: str
    event: str


class StandingRow(Message):
    """How one session stands."""

    session: str
    incarnation: int
    status: Status
    tool_until: int | None = None


class HintRows(Message):
    """Everything that the hints know, as plain JSON."""

    ready: ReadyRows
    agenda: AgendaRows
    keys: tuple[KeyEvent, ...]
    standings: tuple[StandingRow, ...]
    serving: tuple[ServingRow, ...]
    outage_ended_at: int
    manners: MannerRows


def checkpoint(folds: HintFolds, position: int) -> StoredSnapshot:
    """The folds as they are. Only between groups: the ready index runs ahead of what is committed."""
    rows = HintRows(
        ready=folds.ready.dump(),
        agenda=folds.agenda.dump(),
        keys=tuple(
            KeyEvent(stream=stream, type=name, event=event.stored().decode())
            for (stream, name), event in folds.key_events.items()
        ),
        standings=tuple(
            StandingRow(session=session, incarnation=one.incarnation, status=one.status, tool_until=one.tool_until)
            for session, one in folds.standings.by_session.items()
        ),
        serving=folds.serving.dump(),
        outage_ended_at=folds.standings.outage_ended_at,
        manners=folds.manners.dump(),
    )
    return StoredSnapshot(STREAM, position, KIND, rows.model_dump_json().encode())


def resume(log: Log) -> tuple[HintFolds, int]:
    """The folds of the latest checkpoint with its position; empty ones at 0 where there is none that can be read."""
    kept = log.snapshots([STREAM]).get(STREAM)
    if kept is None or kept.kind != KIND or kept.version > log.head():
        return HintFolds(), 0
    try:
        rows = HintRows.model_validate_json(kept.state)
    except ValidationError:
        return HintFolds(), 0
    folds = HintFolds(
        ready=ReadyIndex.load(rows.ready),
        agenda=Agenda.load(rows.agenda),
        standings=_standings(rows),
        serving=Serving.load(rows.serving),
        manners=Manners.load(rows.manners),
    )
    for one in rows.keys:
        folds.key_events[one.stream, one.type] = REGISTRY.read(one.type, one.event.encode())
    return folds, kept.version


def _standings(rows: HintRows) -> Standings:
    standings = Standings()
    standings.outage_ended_at = Instant(rows.outage_ended_at)
    for row in rows.standings:
        tool_until = None if row.tool_until is None else Instant(row.tool_until)
        standings.by_session[row.session] = Standing(row.incarnation, row.status, tool_until)
    return standings
