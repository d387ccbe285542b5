"""Sessions that wait for a person or that are not heard, as something to look at."""

import json
from typing import assert_never

from domain.kernel.decider import Recorded
from domain.session.events import (
    SessionAttemptStarted,
    SessionEnded,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionStatusChanged,
    SessionSuspected,
)
from projections.attention.rows import AttentionRow, AttentionTopic
from projections.kernel.rows import json_text

SessionEvent = (
    SessionOpened
    | SessionStatusChanged
    | SessionAttemptStarted
    | SessionSuspected
    | SessionRecovered
    | SessionLost
    | SessionEnded
)


def session_row(row: AttentionRow | None, recorded: Recorded, key: str, event: SessionEvent) -> AttentionRow | None:
    """The row after the event: there from the session's opening, which says who may see it, until its end."""
    if isinstance(event, SessionOpened):
        return _opened(recorded, key, event)
    if row is None:
        return None
    match event:
        case SessionStatusChanged() if event.status == "waiting_for_person":
            return _over(row, "waiting_for_person", event.at, event.note or "it waits for a person")
        case SessionStatusChanged() | SessionAttemptStarted():
            return row._replace(beneath="null") if row.topic == "silent" and row.stands else _nothing(row)
        case SessionSuspected():
            beneath = json_text([row.topic, row.begun_at, row.why]) if row.stands else "null"
            silent = row._replace(stands=True, topic="silent", begun_at=event.renewed_at, beneath=beneath)
            return silent._replace(why="it missed a beat; nothing was taken from it yet")
        case SessionRecovered():
            return _recovered(row)
        case SessionLost() | SessionEnded():
            return None
        case _:
            assert_never(event)


def _opened(recorded: Recorded, key: str, event: SessionOpened) -> AttentionRow:
    return AttentionRow(
        key=key,
        project=recorded.project,
        projects=json_text(event.projects),
        stands=False,
        topic="waiting_for_person",
        subject="session",
        about=recorded.stream,
        session=recorded.stream,
        begun_at=event.at,
        why="",
        units="[]",
        beneath="null",
    )


def _over(row: AttentionRow, topic: AttentionTopic, since: int, why: str) -> AttentionRow:
    """Raised, or kept beneath while the session is not heard."""
    if row.stands and row.topic == "silent":
        return row._replace(beneath=json_text([topic, since, why]))
    return row._replace(stands=True, topic=topic, begun_at=since, why=why)


def _recovered(row: AttentionRow) -> AttentionRow:
    if row.topic != "silent":
        return row
    former = json.loads(row.beneath)
    if former is None:
        return _nothing(row)
    topic, since, why = former
    return row._replace(topic=topic, begun_at=since, why=why, beneath="null")


def _nothing(row: AttentionRow) -> AttentionRow:
    """Nothing to look at; the same row where there was nothing before."""
    return row._replace(stands=False, topic="waiting_for_person", why="", beneath="null") if row.stands else row
