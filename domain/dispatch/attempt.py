"""The end of an attempt over its three streams: the task, the lock space and the session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from domain.dispatch.lookup import lock_stream
from domain.dispatch.shares import cost_of
from domain.kernel.decider import View, Write
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Event, Stamp
from domain.lock.decider import LOCKS, keep, linger, release
from domain.lock.events import LocksLingered
from domain.lock.state import LockSpace
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.session.decider import SESSION
from domain.session.events import SessionAttemptEnded
from domain.session.state import Session
from domain.task.decider import after_attempt
from domain.task.state import Attempt, Task

Reported = Literal["completed", "failed", "released"]
"""Ends that the holder itself reports."""
Silent = Literal["cancelled", "timeout", "lost_delivery", "reassigned", "budget"]
"""Ends that the holder may not know of."""
_Outcome = Reported | Literal["cancelled", "timeout", "lost_delivery", "reassigned"]


NO_TOKEN: Final = 0
"""Under which what was spent is settled, where the locks of the attempt go their own way."""


@dataclass(frozen=True, slots=True)
class Held:
    """A task with its live attempt."""

    stream: StreamId
    task: Task
    attempt: Attempt


def end_by_report(
    held: Held, events: Sequence[Event], outcome: Reported, stamp: Stamp, view: View
) -> tuple[Write, ...]:
    """The holder's own report: its locks are free at once, unless a gate keeps them."""
    space, cost = view.read(LOCKS, lock_stream(stamp.project)), cost_of(held.attempt, events, stamp.time)
    kept = _kept(held, space, stamp) if outcome == "completed" else ()
    if kept:
        spent = () if cost is None else release(space, NO_TOKEN, "ended", stamp.time, cost)
        return _written(held, events, (*kept, *spent), outcome, stamp, view)
    freed = release(space, held.attempt.token, outcome, stamp.time, cost)
    return _written(held, events, freed, outcome, stamp, view)


def _kept(held: Held, space: LockSpace, stamp: Stamp) -> Sequence[Event]:
    """Its locks stay shut, where a gate judges what it has done and keeps them so long."""
    origin = held.task.plan.origin
    if origin is None or origin.keeps_locks_seconds is None:
        return ()
    until = Instant(stamp.time + int(origin.keeps_locks_seconds * SECOND))
    return keep(space, held.attempt.token, until, stamp.time)


def end_in_silence(held: Held, kind: Silent, reason: str, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """Somebody else ended the attempt: the lock-delay applies, and a task that runs again waits for it."""
    space, project = view.read(LOCKS, lock_stream(stamp.project)), view.read(PROJECT, StreamId(stamp.project))
    delay = project.lock_delay_seconds if isinstance(project, Project) else 0
    word = "timeout" if kind == "budget" else kind
    shut = linger(space, held.attempt.token, word, Instant(stamp.time + delay * SECOND), stamp.time)
    followed = after_attempt(
        held.task,
        kind=kind,
        reason=reason,
        checkpoint=None,
        at=stamp.time,
        locks_free_at=max((event.until for event in shut if isinstance(event, LocksLingered)), default=None),
        seed=stamp.seed,
    )
    cost = cost_of(held.attempt, followed, stamp.time)
    # Under no token: the locks themselves may have to stay shut, and what was spent is spent.
    settled = () if cost is None else release(space, NO_TOKEN, "ended", stamp.time, cost)
    return _written(held, followed, (*shut, *settled), word, stamp, view)


def _written(
    held: Held, events: Sequence[Event], locks: Sequence[Event], outcome: _Outcome, stamp: Stamp, view: View
) -> tuple[Write, ...]:
    writes = [Write(held.stream, tuple(events), stamp.project)]
    if locks:
        writes.append(Write(lock_stream(stamp.project), tuple(locks), stamp.project))
    stream, token = StreamId(held.attempt.session), held.attempt.token
    session = view.read(SESSION, stream)
    if isinstance(session, Session) and (stamp.project, token) in session.attempts:
        ended = SessionAttemptEnded(project=stamp.project, token=token, outcome=outcome)
        writes.append(Write(stream, (ended,)))
    return tuple(writes)
