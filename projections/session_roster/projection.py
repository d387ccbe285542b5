"""How the events of a session become its row on the roster."""

from collections.abc import Mapping
from typing import Final, assert_never, cast, get_args

from domain.kernel.activity import after_attempt, after_claim, status_of
from domain.kernel.decider import Recorded
from domain.kernel.values import Scalar
from domain.session.events import (
    SessionAttemptEnded,
    SessionAttemptStarted,
    SessionDrainBegun,
    SessionDrainEnded,
    SessionEnded,
    SessionGrantGone,
    SessionGrantTaken,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionReparented,
    SessionStatusChanged,
    SessionSuspected,
)
from projections.kernel.projection import Projection, worded
from projections.kernel.rows import entries, json_text
from projections.session_roster.rows import SessionRosterRow

_Liveness = SessionSuspected | SessionRecovered | SessionLost | SessionEnded
_Work = SessionAttemptStarted | SessionAttemptEnded | SessionGrantTaken | SessionGrantGone
_Manner = SessionStatusChanged | SessionDrainBegun | SessionDrainEnded | SessionReparented
SessionRosterEvent = SessionOpened | _Liveness | _Work | _Manner


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The session is its stream."""
    return (recorded.stream,)


def evolve(row: SessionRosterRow | None, recorded: Recorded, key: str) -> SessionRosterRow | None:
    """The row after the event."""
    event = cast(SessionRosterEvent, recorded.event)
    if isinstance(event, SessionOpened):
        return _opened(row, event, recorded, key)
    if row is None:
        return None
    match event:
        case SessionSuspected() | SessionRecovered() | SessionLost() | SessionEnded():
            return _with_status(_liveness(row, event))
        case SessionAttemptStarted() | SessionAttemptEnded() | SessionGrantTaken() | SessionGrantGone():
            return _with_status(_work(_busy_until(row, recorded.recorded_at), event))
        case SessionStatusChanged() | SessionDrainBegun() | SessionDrainEnded() | SessionReparented():
            return _with_status(_manner(row, event))
        case _:
            assert_never(event)


def _with_status(row: SessionRosterRow) -> SessionRosterRow:
    status = status_of(row.liveness, row.activity, draining=row.draining)
    return row if status == row.status else row._replace(status=status)


def _opened(row: SessionRosterRow | None, event: SessionOpened, recorded: Recorded, key: str) -> SessionRosterRow:
    return SessionRosterRow(
        key=key,
        project=recorded.project,
        begun_position=recorded.position if row is None else row.begun_position,
        projects=json_text(event.projects),
        name=event.name,
        tool=event.tool,
        model=event.model,
        host=event.host,
        role=event.role,
        worktree=event.worktree,
        owner=event.owner,
        parent=event.parent,
        credential_pool=event.credential_pool,
        status="idle",
        liveness="live",
        activity="idle",
        draining=False,
        running_tool="",
        tool_until=None,
        began=event.began,
        incarnation=event.incarnation,
        capacity=event.capacity,
        ttl_seconds=event.ttl_seconds,
        capabilities=json_text(event.capabilities),
        labels=json_text(_labels(event.capabilities)),
        attempts="[]" if row is None else row.attempts,
        attempts_live=0 if row is None else row.attempts_live,
        grants="[]" if row is None else row.grants,
        grants_live=0 if row is None else row.grants_live,
        completed_total=0 if row is None else row.completed_total,
        failed_total=0 if row is None else row.failed_total,
        lost_total=0 if row is None else row.lost_total,
        busy_microseconds=0,
        busy_until=event.at,
        renewed_at=None,
        opened_at=event.at,
        first_opened_at=event.at if row is None else row.first_opened_at,
        closed_at=None,
        changed_at=event.at,
        takes_pushed=event.takes_pushed,
    )


def _liveness(row: SessionRosterRow, event: _Liveness) -> SessionRosterRow:
    match event:
        case SessionSuspected():
            return row._replace(liveness="suspect", renewed_at=event.renewed_at, changed_at=event.at)
        case SessionRecovered():
            return row._replace(liveness="live", renewed_at=None, changed_at=event.at)
        case SessionLost():
            at = event.at
            return row._replace(liveness="lost", renewed_at=event.renewed_at, closed_at=at, changed_at=at)
        case SessionEnded():
            return row._replace(liveness="ended", closed_at=event.at, changed_at=event.at)
        case _:
            assert_never(event)


def _manner(row: SessionRosterRow, event: _Manner) -> SessionRosterRow:
    match event:
        case SessionStatusChanged():
            told = row._replace(activity=event.status, running_tool=event.tool, tool_until=event.tool_until)
            return told._replace(changed_at=event.at)
        case SessionDrainBegun():
            return row._replace(draining=True, changed_at=event.at)
        case SessionDrainEnded():
            return row._replace(draining=False, changed_at=event.at)
        case SessionReparented():
            return row._replace(parent=event.parent)
        case _:
            assert_never(event)


def _labels(capabilities: Mapping[str, Scalar | tuple[Scalar, ...]]) -> list[str]:
    """What a session is found by: each key, and each key with each of its values."""
    found: list[str] = []
    for key, value in sorted(capabilities.items()):
        values = value if isinstance(value, tuple) else (value,)
        found += [key, *(label(key, one) for one in values)]
    return found


def label(key: str, value: Scalar) -> str:
    """``gpu=true``, ``memory_gb=8``, ``os=linux``."""
    if isinstance(value, bool):
        return f"{key}={'true' if value else 'false'}"
    return f"{key}={value}"


def _work(row: SessionRosterRow, event: _Work) -> SessionRosterRow:
    match event:
        case SessionAttemptStarted():
            started: dict[str, object] = {"token": event.token, "project": event.project, "task": event.task}
            claimed = row._replace(activity=after_claim(row.activity))
            return _with_attempts(claimed, [*_others(row.attempts, event), started])
        case SessionAttemptEnded():
            left = _others(row.attempts, event)
            over = len(left) < row.attempts_live
            counted = _counted(row, event)
            after = counted._replace(activity=after_attempt(row.activity, len(left))) if over else counted
            return _with_attempts(after, left)
        case SessionGrantTaken():
            taken: dict[str, object] = {"token": event.token, "project": event.project}
            return _with_grants(row, [*_others(row.grants, event), taken])
        case SessionGrantGone():
            return _with_grants(row, _others(row.grants, event))
        case _:
            assert_never(event)


def _busy_until(row: SessionRosterRow, at: int) -> SessionRosterRow:
    spent = row.attempts_live * (at - row.busy_until)
    return row._replace(busy_microseconds=row.busy_microseconds + spent, busy_until=at)


def _others(text: str, event: _Work) -> list[object]:
    """Entries under other tokens; a token is unique inside its project only."""
    mine = (event.project, event.token)
    return [entry for entry in entries(text) if (entry["project"], entry["token"]) != mine]


def _counted(row: SessionRosterRow, event: SessionAttemptEnded) -> SessionRosterRow:
    match event.outcome:
        case "completed":
            return row._replace(completed_total=row.completed_total + 1)
        case "failed" | "timeout":
            return row._replace(failed_total=row.failed_total + 1)
        case "lost" | "lost_delivery":
            return row._replace(lost_total=row.lost_total + 1)
        case "released" | "cancelled" | "reassigned":
            return row
        case _:
            assert_never(event.outcome)


def _with_attempts(row: SessionRosterRow, attempts: list[object]) -> SessionRosterRow:
    return row._replace(attempts=json_text(attempts), attempts_live=len(attempts))


def _with_grants(row: SessionRosterRow, grants: list[object]) -> SessionRosterRow:
    return row._replace(grants=json_text(grants), grants_live=len(grants))


SESSION_ROSTER: Final = Projection(
    name="session_roster",
    version=5,
    row=SessionRosterRow,
    handles=frozenset(get_args(SessionRosterEvent)),
    # A session may be opened again under its id, so its first event is not told apart here.
    begins=frozenset(),
    keys=keys,
    evolve=evolve,
    words=worded(name="text", worktree="text"),
    begun="begun_position",
    indexes=(("begun_position",), ("status", "begun_position"), ("parent", "begun_position")),
    past_indexes=(("begun_position",),),
)
