"""Losing a session is one decision: its locks stay shut for a while, and its tasks run again when they are free."""

import pytest

from domain.dispatch import lose_session
from domain.kernel.decider import Decision
from domain.kernel.decisions import Rules
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, derived_id, with_prefix
from domain.kernel.values import ScopeClaim
from domain.lock.decider import LOCKS
from domain.lock.events import LocksGranted, LocksLingered, LocksReleased
from domain.node.decider import OUTAGES
from domain.project.decider import PROJECT
from domain.project.events import ProjectCreated
from domain.session.commands import EndSession, LoseSession
from domain.session.decider import SESSION
from domain.session.events import (
    SessionAttemptEnded,
    SessionAttemptStarted,
    SessionEnded,
    SessionGrantGone,
    SessionGrantTaken,
    SessionLost,
    SessionOpened,
)
from domain.session.state import Session
from domain.task.decider import TASK
from domain.task.events import (
    TaskAttemptEnded,
    TaskAttentionRaised,
    TaskBackedOff,
    TaskClaimed,
    TaskParked,
    TaskReadied,
    TaskStarted,
)
from domain.task.state import Backoff, Ready, Task
from infrastructure.runtime.state_codec import freeze, thaw
from tests.support.planned import planned_task
from tests.support.world import World

TTL = 60
RULES = Rules({LoseSession: lose_session.lose, EndSession: lose_session.end})
AGGREGATES = {aggregate.prefix: aggregate for aggregate in (PROJECT, SESSION, LOCKS, TASK, OUTAGES)}
T0 = World(AGGREGATES).now
SESS = derived_id("sess", T0, ("s",))
ALPHA, BETA = (ProjectId(derived_id("proj", T0, (name,))) for name in ("alpha", "beta"))
PATH, ENV = ScopeClaim(claim="path:r//src/**"), ScopeClaim(claim="env:staging")


@pytest.fixture
def world() -> World:
    world = World(AGGREGATES, RULES)
    for project, delay in ((ALPHA, 30), (BETA, 0)):
        created = ProjectCreated(name="p", lock_delay_seconds=delay, at=T0)
        world.given(project, created, project=project)
    return world.given(
        SESS,
        SessionOpened(
            incarnation=1,
            projects=(ALPHA, BETA),
            name="",
            tool="shell",
            model="",
            host="",
            capabilities={},
            capacity=9,
            ttl_seconds=TTL,
            owner="key_test",
            at=T0,
        ),
    )


def running(world: World, name: str, token: int, *claims: ScopeClaim, project: ProjectId = ALPHA) -> StreamId:
    """A task that the session works on."""
    task = derived_id("task", T0, (name,))
    planned = planned_task(project=project, key=name, scope=claims, at=T0)
    fresh = world.version(task) == 0
    events = (planned, TaskReadied(reason="planned", at=T0)) if fresh else (TaskReadied(reason="released", at=T0),)
    claimed = TaskClaimed(session=SESS, incarnation=1, token=token, attempt=1, strategy="priority", at=T0)
    world.given(task, *events, claimed, TaskStarted(token=token, at=T0), project=project)
    world.given(SESS, SessionAttemptStarted(project=project, task=task, token=token))
    held(world, token, *claims, task=task, project=project)
    return task


def held(world: World, token: int, *claims: ScopeClaim, task: str | None = None, project: ProjectId = ALPHA) -> None:
    """Locks of the session itself, or of its attempt."""
    granted = LocksGranted(token=token, session=SESS, incarnation=1, task=task, claims=claims, purpose="", at=T0)
    world.given(with_prefix("locks", project), granted, project=project)
    if task is None:
        world.given(SESS, SessionGrantTaken(project=project, token=token))


def lose(world: World) -> Decision:
    world.advance(TTL)
    decision = world.when(LoseSession(session=SESS, incarnation=1, renewed_at=T0), world.stamp(principal="policy:x"))
    assert decision.rejection is None
    return decision


def events_of(decision: Decision, stream: str) -> tuple[object, ...]:
    return next((write.events for write in decision.writes if write.stream == stream), ())


def phase(world: World, task: StreamId) -> object:
    found = world.read(TASK, task)
    assert isinstance(found, Task)
    return found.phase


def test_a_lost_sessions_task_waits_until_its_locks_are_free(world: World) -> None:
    task = running(world, "a", 5, PATH)
    decision = lose(world)
    until = Instant(world.now + 30 * SECOND)
    ended, backed_off = events_of(decision, task)
    assert isinstance(ended, TaskAttemptEnded)
    assert (ended.kind, ended.token, ended.consumed) == ("session_lost", 5, False)
    assert isinstance(backed_off, TaskBackedOff)
    assert (backed_off.until, backed_off.reason, backed_off.then) == (until, "lock_delay", "lock_delay_over")
    (lingered,) = events_of(decision, with_prefix("locks", ALPHA))
    assert lingered == LocksLingered(token=5, reason="lost", until=until, at=world.now)
    assert isinstance(phase(world, task), Backoff)


def test_no_grant_event_follows_the_loss(world: World) -> None:
    running(world, "a", 5, PATH)
    held(world, 6, ScopeClaim(claim="path:r//docs"))
    decision = lose(world)
    attempt, grant, lost = events_of(decision, SESS)
    assert attempt == SessionAttemptEnded(project=ALPHA, token=5, outcome="lost")
    assert grant == SessionGrantGone(project=ALPHA, token=6)
    assert isinstance(lost, SessionLost)


def test_locks_that_fence_are_released_at_once_and_the_task_is_ready(world: World) -> None:
    task = running(world, "a", 5, ENV)
    decision = lose(world)
    assert events_of(decision, with_prefix("locks", ALPHA)) == (LocksReleased(token=5, reason="lost", at=world.now),)
    assert phase(world, task) == Ready(world.now)


def test_a_task_without_locks_is_ready_at_once(world: World) -> None:
    task = running(world, "a", 5)
    decision = lose(world)
    assert events_of(decision, with_prefix("locks", ALPHA)) == ()
    assert phase(world, task) == Ready(world.now)


def test_each_project_has_its_own_lock_delay_and_its_own_writes(world: World) -> None:
    here = running(world, "a", 5, PATH)
    also_here = running(world, "b", 6, ScopeClaim(claim="path:r//docs"))
    there = running(world, "c", 5, PATH, project=BETA)
    held(world, 7, ScopeClaim(claim="path:r//docs"), project=BETA)
    decision = lose(world)
    assert len({write.stream for write in decision.writes}) == len(decision.writes)
    owners = {write.stream: write.project for write in decision.writes}
    assert owners[here] == owners[also_here] == owners[with_prefix("locks", ALPHA)] == ALPHA
    assert owners[there] == owners[with_prefix("locks", BETA)] == BETA
    assert owners[SESS] is None
    assert isinstance(phase(world, here), Backoff)
    assert phase(world, there) == Ready(world.now)
    assert len(events_of(decision, with_prefix("locks", ALPHA))) == 2
    assert all(isinstance(event, LocksReleased) for event in events_of(decision, with_prefix("locks", BETA)))
    assert not world.read(LOCKS, with_prefix("locks", BETA)).grants


def test_a_session_snapshot_keeps_tokens_of_two_projects_apart(world: World) -> None:
    running(world, "a", 5)
    running(world, "c", 5, project=BETA)
    held(world, 6, PATH)
    session = world.read(SESSION, SESS)
    assert isinstance(session, Session)
    assert len(session.attempts) == 2
    assert thaw(SESSION, freeze(session)) == session


def test_the_third_loss_parks_the_task(world: World) -> None:
    task = running(world, "a", 5)
    for token in (6, 7):
        ended = TaskAttemptEnded(
            token=token - 1, kind="session_lost", reason="", consumed=False, checkpoint=None, at=T0
        )
        world.given(task, ended, project=ALPHA)
        world.given(SESS, SessionAttemptEnded(project=ALPHA, token=token - 1, outcome="lost"))
        running(world, "a", token)
    decision = lose(world)
    _, parked, attention = events_of(decision, task)
    assert isinstance(attention, TaskAttentionRaised)
    assert isinstance(parked, TaskParked)


def test_a_goodbye_ends_what_still_lives_by_the_same_rule(world: World) -> None:
    task = running(world, "a", 5, PATH)
    decision = world.when(EndSession(session=SESS, incarnation=1))
    (lingered,) = events_of(decision, with_prefix("locks", ALPHA))
    assert isinstance(lingered, LocksLingered)
    assert lingered.reason == "ended"
    ended, _ = events_of(decision, task)
    assert isinstance(ended, TaskAttemptEnded)
    assert ended.reason == "the session ended without a report"
    assert isinstance(events_of(decision, SESS)[-1], SessionEnded)


def test_a_task_that_another_attempt_owns_by_now_is_left_alone(world: World) -> None:
    task = running(world, "a", 5)
    moved_on = TaskAttemptEnded(token=5, kind="timeout", reason="", consumed=True, checkpoint=None, at=T0)
    claimed = TaskClaimed(session="sess_other", incarnation=1, token=8, attempt=2, strategy="priority", at=T0)
    world.given(task, moved_on, TaskReadied(reason="retry_due", at=T0), claimed, project=ALPHA)
    decision = lose(world)
    assert events_of(decision, task) == ()
    assert SessionAttemptEnded(project=ALPHA, token=5, outcome="lost") in events_of(decision, SESS)
