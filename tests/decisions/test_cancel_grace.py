"""Cancelling what somebody works on: the task settles at once, its holder is told and may end it within a grace."""

from typing import Any

import pytest

from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision
from domain.kernel.ids import SECOND, StreamId
from domain.kernel.policy import Cause
from domain.lock.decider import LOCKS
from domain.lock.events import LocksLingered, LocksReleased
from domain.policies.timers import waits_of
from domain.session.commands import LoseSession
from domain.session.decider import SESSION
from domain.session.events import SessionAttemptEnded, SessionRevokeNoticed
from domain.session.state import LiveAttempt, Session
from domain.task.commands import CancelTask, CompleteTask, FailTask, ReleaseTask, ReportProgress, Usage
from domain.task.decider import phase_name
from domain.task.derived import RevokeAttempt
from domain.task.errors import Fenced, TaskWasCancelled
from domain.task.events import LateReportDiscarded, TaskAttemptEnded, TaskCancelled, TaskProgressed
from tests.support.fleet import Fleet, a_task

PATH = "path:repo//src"
GRACE = 30


@pytest.fixture
def fleet() -> Fleet:
    made = Fleet()
    made.plan(a_task("build", scope=(PATH,)), a_task("after", "build"))
    return made


def kinds(decision: Decision) -> list[type]:
    return [type(event) for write in decision.writes for event in write.events]


def cancel(fleet: Fleet, grace: int = GRACE) -> Decision:
    return fleet.ask(CancelTask(project="shop", task="build", reason="not wanted", grace_seconds=grace))


def attempts(fleet: Fleet, session: str) -> list[LiveAttempt]:
    state = fleet.read(SESSION, StreamId(session))
    assert isinstance(state, Session)
    return list(state.attempts.values())


def held(fleet: Fleet) -> int:
    return sum(not one.is_orphaned for one in fleet.read(LOCKS, lock_stream(fleet.project)).grants.values())


def test_the_task_settles_at_once_and_its_holder_is_told(fleet: Fleet) -> None:
    session = fleet.a_session()
    fleet.claimed(session)
    assert kinds(cancel(fleet)) == [TaskCancelled, SessionRevokeNoticed]
    assert phase_name(fleet.task("build")) == "cancelled"
    (attempt,) = attempts(fleet, session)
    assert (attempt.revoked_at, attempt.revoked_because) == (fleet.now + GRACE * SECOND, "not wanted")
    assert held(fleet) == 1, "its locks are its own until it ends"
    assert cancel(fleet) == Decision()


@pytest.mark.parametrize("report", [FailTask, ReleaseTask])
def test_within_the_grace_the_holder_leaves_a_checkpoint_and_what_it_spent(
    fleet: Fleet, report: type[FailTask] | type[ReleaseTask]
) -> None:
    session = fleet.a_session()
    token = fleet.claimed(session).token
    cancel(fleet)
    fields: Any = {"project": "shop", "task": "build", "token": token}
    said = ReportProgress(**fields, checkpoint="half way", usage=Usage(input_tokens=3))
    assert kinds(fleet.ask(said)) == [TaskProgressed]
    ended = fleet.ask(report(**fields, usage=Usage(input_tokens=5)))
    assert kinds(ended) == [TaskAttemptEnded, LocksReleased, SessionAttemptEnded]
    task = fleet.task("build")
    assert (phase_name(task), task.checkpoint, task.used.input_tokens) == ("cancelled", "half way", 5)
    assert held(fleet) == 0
    assert attempts(fleet, session) == []
    assert isinstance(fleet.ask(report(**fields)).rejection, Fenced)


def test_a_completion_comes_too_late_but_ends_the_attempt(fleet: Fleet) -> None:
    session = fleet.a_session()
    token = fleet.claimed(session).token
    cancel(fleet)
    late = fleet.ask(CompleteTask(project="shop", task="build", token=token, usage=Usage(input_tokens=9)))
    assert late.rejection == TaskWasCancelled(task="build")
    assert (phase_name(fleet.task("build")), fleet.task("build").used.input_tokens) == ("cancelled", 9)
    assert (held(fleet), attempts(fleet, session)) == (0, [])


def test_after_the_grace_the_token_is_revoked_and_the_locks_follow_the_loss_rule(fleet: Fleet) -> None:
    session = fleet.a_session()
    token = fleet.claimed(session).token
    cancelled = cancel(fleet)
    (event,) = (one for write in cancelled.writes for one in write.events if isinstance(one, TaskCancelled))
    cause = Cause(fleet.id_of("build"), 9, event, fleet.project)
    (wait,) = waits_of(cause, None)
    assert wait.at == fleet.now + GRACE * SECOND
    fleet.advance(GRACE - 1)
    assert fleet.ask(RevokeAttempt(project="shop", task="build")) == Decision()
    fleet.advance(1)
    over = fleet.ask(wait.derived.command)
    assert kinds(over) == [TaskAttemptEnded, LocksLingered, SessionAttemptEnded]
    assert fleet.ask(wait.derived.command) == Decision()
    late = fleet.ask(ReleaseTask(project="shop", task="build", token=token))
    assert isinstance(late.rejection, Fenced)
    assert kinds(late) == [LateReportDiscarded]
    assert (held(fleet), attempts(fleet, session)) == (0, [])


def test_without_a_grace_it_ends_at_once_and_a_grace_can_be_cut_short(fleet: Fleet) -> None:
    fleet.claimed(fleet.a_session())
    cancel(fleet)
    assert kinds(cancel(fleet, 0)) == [TaskAttemptEnded, LocksLingered, SessionAttemptEnded]
    assert cancel(fleet, 0) == Decision()
    other = Fleet()
    other.plan(a_task("build", scope=(PATH,)))
    other.claimed(other.a_session())
    assert TaskAttemptEnded in kinds(cancel(other, 0))
    assert held(other) == 0


def test_a_session_that_is_lost_within_the_grace_ends_the_attempt(fleet: Fleet) -> None:
    session = fleet.a_session()
    fleet.claimed(session)
    renewed_at = int(fleet.now)
    fleet.advance(59)
    cancel(fleet)
    fleet.advance(1)
    lost = fleet.ask(LoseSession(session=session, incarnation=1, renewed_at=renewed_at))
    assert TaskAttemptEnded in kinds(lost)
    assert phase_name(fleet.task("build")) == "cancelled"
    fleet.advance(GRACE)
    assert fleet.ask(RevokeAttempt(project="shop", task="build")) == Decision()


def test_what_leaves_still_takes_its_sessions_place(fleet: Fleet) -> None:
    session = fleet.a_session()
    fleet.plan(a_task("other"))
    token = fleet.claimed(session, "build").token
    cancel(fleet)
    assert fleet.claim(session, "other").rejection is not None
    fleet.ask(ReleaseTask(project="shop", task="build", token=token))
    assert fleet.claim(session, "other").rejection is None
