"""How the events of a credential pool become its row on the roster."""

import json
from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.quota.events import (
    QuotaClosed,
    QuotaHalfOpened,
    QuotaOpened,
    QuotaProbed,
    QuotaProbeEnded,
    QuotaSessionJoined,
    QuotaSessionLeft,
)
from projections.kernel.projection import Projection
from projections.kernel.rows import json_text
from projections.quota_roster.rows import QuotaRosterRow

_Members = QuotaSessionJoined | QuotaSessionLeft
_Breaker = QuotaOpened | QuotaHalfOpened | QuotaProbed | QuotaProbeEnded | QuotaClosed
QuotaRosterEvent = _Members | _Breaker


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The pool is its stream."""
    return (recorded.stream,)


def evolve(row: QuotaRosterRow | None, recorded: Recorded, key: str) -> QuotaRosterRow | None:
    """The row after the event."""
    event = cast(QuotaRosterEvent, recorded.event)
    match event:
        case QuotaSessionJoined():
            return _joined(row or _begun(event, recorded, key), event)
        case QuotaSessionLeft():
            return None if row is None else _with_sessions(row, _texts(row.sessions) - {event.session})
        case QuotaOpened() | QuotaHalfOpened() | QuotaProbed() | QuotaProbeEnded() | QuotaClosed():
            return None if row is None else _turned(row, event)._replace(changed_at=event.at)
        case _:
            assert_never(event)


def _begun(event: QuotaSessionJoined, recorded: Recorded, key: str) -> QuotaRosterRow:
    return QuotaRosterRow(
        key=key,
        project=recorded.project,
        projects="[]",
        name=event.pool,
        state="closed",
        kind="",
        reason="",
        reported_by="",
        failures=0,
        due_at=None,
        probed_by=None,
        sessions="[]",
        sessions_live=0,
        changed_at=event.at,
    )


def _joined(row: QuotaRosterRow, event: QuotaSessionJoined) -> QuotaRosterRow:
    served = row._replace(projects=json_text(sorted(_texts(row.projects) | set(event.projects))))
    return _with_sessions(served, _texts(row.sessions) | {event.session})


def _turned(row: QuotaRosterRow, event: _Breaker) -> QuotaRosterRow:
    match event:
        case QuotaOpened():
            opened = row._replace(state="open", kind=event.kind, reason=event.reason, reported_by=event.session)
            return opened._replace(failures=event.failures, due_at=event.until, probed_by=None)
        case QuotaHalfOpened() | QuotaProbeEnded():
            return row._replace(state="half_open", due_at=None, probed_by=None)
        case QuotaProbed():
            return row._replace(state="half_open", due_at=event.until, probed_by=event.session)
        case QuotaClosed():
            return row._replace(state="closed", failures=0, due_at=None, probed_by=None)
        case _:
            assert_never(event)


def _texts(text: str) -> set[str]:
    return set(json.loads(text))


def _with_sessions(row: QuotaRosterRow, sessions: set[str]) -> QuotaRosterRow:
    return row._replace(sessions=json_text(sorted(sessions)), sessions_live=len(sessions))


QUOTA_ROSTER: Final = Projection(
    name="quota_roster",
    version=1,
    row=QuotaRosterRow,
    handles=frozenset(get_args(QuotaRosterEvent)),
    begins=frozenset(),
    keys=keys,
    evolve=evolve,
)
