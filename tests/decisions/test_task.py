"""Given, when, then: what becomes of tasks without a report of their holder, and what follows an attempt."""

from dataclasses import replace
from typing import Any

import pytest

from domain.kernel.errors import NotDueYet, UnknownThing
from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Command
from domain.kernel.work import RetryRule
from domain.lock.events import LocksLingered, LocksReleased
from domain.session.events import SessionAttemptEnded
from domain.task.commands import (
    AcknowledgeAttempt,
    CancelTask,
    ElapseBackoff,
    LapseDelivery,
    Need,
    RetryTask,
    SettleNeed,
    TimeOutAttempt,
)
from domain.task.decider import DELIVERY_SECONDS_MAX, TASK, after_attempt, phase_name
from domain.task.errors import Fenced, TaskAlreadySettled, TaskNotRetryable
from domain.task.events import (
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskFailed,
    TaskParked,
    TaskReadied,
    TaskStarted,
)
from domain.task.state import Absent, Backoff, Task
from tests.support.fleet import Fleet, a_task, accepted, events_of, names_of, refused

SCOPE = ("path:shop//src/**",)
LOST_MAX = RetryRule().max_lost


def an_attempt(fleet: Fleet, **fields: Any) -> str:
    """Plans and claims the task ``a``; answers the token."""
    fleet.plan(a_task("a", **fields))
    return fleet.claimed(fleet.a_session()).token


def test_a_cancelled_task_that_nobody_holds_just_settles() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    assert names_of(fleet.cancel("a")) == ["TaskCancelled"]
    assert not accepted(fleet.cancel("a")).writes, "cancelled already"
    assert not fleet.index.counts()


def test_cancelling_live_work_revokes_the_token_and_shuts_its_locks_for_a_while() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, scope=SCOPE)
    ended, cancelled, lingered, gone = events_of(accepted(fleet.cancel("a")))
    assert isinstance(ended, TaskAttemptEnded)
    assert (ended.kind, ended.consumed) == ("cancelled", False)
    assert isinstance(cancelled, TaskCancelled), "it settles at once"
    assert isinstance(lingered, LocksLingered)
    assert lingered.until == fleet.now + 30 * SECOND
    assert isinstance(gone, SessionAttemptEnded)
    assert gone.outcome == "cancelled"
    refused(fleet.complete("a", token), Fenced)


def test_locks_that_are_no_files_are_free_at_once() -> None:
    fleet = Fleet()
    an_attempt(fleet, scope=("env:staging",))
    assert any(isinstance(event, LocksReleased) for event in events_of(fleet.cancel("a")))


def test_completed_and_failed_tasks_cannot_be_cancelled() -> None:
    fleet = Fleet()
    fleet.complete("a", an_attempt(fleet, retry=RetryRule(max_attempts=1)))
    assert refused(fleet.cancel("a"), TaskAlreadySettled).status == "completed"
    fleet = Fleet()
    fleet.fail("a", an_attempt(fleet, retry=RetryRule(max_attempts=1)))
    assert refused(fleet.cancel("a"), TaskAlreadySettled).status == "failed"


def test_an_exhausted_task_fails_or_is_parked_and_a_retry_begins_a_generation() -> None:
    rules = (RetryRule(max_attempts=1), RetryRule(max_attempts=1, on_exhausted="park"))
    for rule, status in zip(rules, ("failed", "parked"), strict=True):
        fleet = Fleet()
        fleet.fail("a", an_attempt(fleet, retry=rule))
        assert phase_name(fleet.task("a")) == status
        seen = ["TaskAttentionCleared"] if status == "parked" else []
        assert names_of(fleet.ask(RetryTask(project="shop", task="a"))) == ["TaskRetried", "TaskReadied", *seen]
        task = fleet.task("a")
        assert (phase_name(task), task.generation, task.consumed, task.attempts) == ("ready", 2, 0, 1)
        assert fleet.claimed(fleet.a_session()).attempt == 2, "the index still knew what it needs"


def test_only_failed_and_parked_tasks_begin_anew() -> None:
    fleet = Fleet()
    token = an_attempt(fleet)
    assert refused(fleet.ask(RetryTask(project="shop", task="a")), TaskNotRetryable).status == "assigned"
    fleet.complete("a", token)
    assert refused(fleet.ask(RetryTask(project="shop", task="a")), TaskNotRetryable).status == "completed"


def test_a_timeout_ends_a_running_attempt_when_its_time_has_come() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, scope=SCOPE, timeout_seconds=10.0, retry=RetryRule(backoff_seconds_first=0))
    command = TimeOutAttempt(project="shop", task="a", token=token)
    fleet.advance(20)
    assert not accepted(fleet.ask(command)).writes, "it runs only since it was acknowledged"
    fleet.ask(AcknowledgeAttempt(project="shop", task="a", token=token))
    fleet.advance(9.9)
    assert not accepted(fleet.ask(command)).writes
    now = fleet.advance(0.1)
    ended, backed_off, lingered, gone = events_of(accepted(fleet.ask(command)))
    assert isinstance(ended, TaskAttemptEnded)
    assert (ended.kind, ended.consumed) == ("timeout", True)
    until = Instant(now + 30 * SECOND)
    assert backed_off == TaskBackedOff(until=until, reason="lock_delay", then="retry_due", at=now)
    assert isinstance(lingered, LocksLingered)
    assert lingered.until == until
    assert isinstance(gone, SessionAttemptEnded)
    assert not accepted(fleet.ask(command)).writes, "that attempt is over"


def test_an_assignment_that_nobody_names_is_taken_back() -> None:
    fleet = Fleet()
    token = an_attempt(fleet)
    command = LapseDelivery(project="shop", task="a", token=token)
    fleet.advance(DELIVERY_SECONDS_MAX - 0.1)
    refused(fleet.ask(command), NotDueYet)  # and so asked again: an accepted one would never be
    fleet.advance(0.1)
    assert names_of(fleet.ask(command)) == ["TaskAttemptEnded", "TaskReadied", "SessionAttemptEnded"]
    assert (fleet.task("a").consumed, fleet.task("a").lost) == (0, 0), "a lost delivery is no attempt"
    assert not accepted(fleet.ask(command)).writes


def test_a_lost_delivery_waits_for_the_lock_delay() -> None:
    fleet = Fleet(lock_delay_seconds=7)
    token = an_attempt(fleet, scope=SCOPE)
    now = fleet.advance(DELIVERY_SECONDS_MAX)
    decision = fleet.ask(LapseDelivery(project="shop", task="a", token=token))
    until = Instant(now + 7 * SECOND)
    assert events_of(decision)[1] == TaskBackedOff(until=until, reason="lock_delay", then="lost_delivery", at=now)
    fleet.advance(7)
    readied = events_of(fleet.ask(ElapseBackoff(project="shop", task="a", until=until)))
    assert readied == (TaskReadied(reason="lost_delivery", at=fleet.now),)


def test_an_acknowledged_assignment_does_not_lapse() -> None:
    fleet = Fleet()
    token = an_attempt(fleet)
    fleet.ask(AcknowledgeAttempt(project="shop", task="a", token=token))
    fleet.advance(DELIVERY_SECONDS_MAX)
    assert not accepted(fleet.ask(LapseDelivery(project="shop", task="a", token=token))).writes


def test_without_a_lock_delay_silence_frees_the_locks_at_once() -> None:
    fleet = Fleet(lock_delay_seconds=0)
    token = an_attempt(fleet, scope=SCOPE)
    fleet.advance(DELIVERY_SECONDS_MAX)
    decision = fleet.ask(LapseDelivery(project="shop", task="a", token=token))
    assert names_of(decision) == ["TaskAttemptEnded", "TaskReadied", "LocksReleased", "SessionAttemptEnded"]


def test_backoff_ends_at_its_instant_and_only_there() -> None:
    fleet = Fleet()
    fleet.fail("a", an_attempt(fleet))
    phase = fleet.task("a").phase
    assert isinstance(phase, Backoff)
    assert fleet.now <= phase.until <= fleet.now + 5 * SECOND
    command = ElapseBackoff(project="shop", task="a", until=phase.until)
    assert not accepted(fleet.ask(command)).writes, "too early"
    fleet.advance(5)
    other = ElapseBackoff(project="shop", task="a", until=phase.until + 1)
    assert not accepted(fleet.ask(other)).writes, "another backoff"
    assert events_of(fleet.ask(command)) == (TaskReadied(reason="retry_due", at=fleet.now),)
    assert not accepted(fleet.ask(command)).writes


def test_the_last_satisfied_need_readies_a_task() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b"), a_task("c", "a", Need(task="b", accept=("failed", "cancelled"))))
    token = fleet.claimed(fleet.a_session(), "a").token
    settle = SettleNeed(project="shop", task=fleet.id_of("c"), need=fleet.id_of("a"), outcome="completed")
    assert not accepted(fleet.ask(settle)).writes, "only what the needed task says itself is believed"
    fleet.complete("a", token)
    assert names_of(fleet.ask(settle)) == ["TaskNeedSettled"]
    assert not accepted(fleet.ask(settle)).writes
    fleet.cancel("b")
    other = SettleNeed(project="shop", task=fleet.id_of("c"), need=fleet.id_of("b"), outcome="cancelled")
    assert names_of(fleet.ask(other)) == ["TaskNeedSettled", "TaskReadied"]


def test_a_need_that_settled_badly_blocks_until_it_is_retried_with_success() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", retry=RetryRule(max_attempts=1)), a_task("b", "a"))
    fleet.fail("a", fleet.claimed(fleet.a_session()).token)
    settle = SettleNeed(project="shop", task="b", need="a", outcome="failed")
    assert names_of(fleet.ask(settle)) == ["TaskNeedSettled", "TaskAttentionRaised"]
    assert phase_name(fleet.task("b")) == "pending"
    assert not accepted(fleet.ask(settle)).writes, "told already"
    fleet.ask(RetryTask(project="shop", task="a"))
    assert not accepted(fleet.ask(settle)).writes, "it began anew meanwhile"
    fleet.complete("a", fleet.claimed(fleet.a_session()).token)
    again = fleet.ask(SettleNeed(project="shop", task="b", need="a", outcome="completed"))
    assert names_of(again) == ["TaskNeedSettled", "TaskReadied", "TaskAttentionCleared"]


def test_a_need_settled_of_a_cancelled_task_readies_nothing() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b", "a"))
    fleet.cancel("b")
    fleet.complete("a", fleet.claimed(fleet.a_session()).token)
    decision = accepted(fleet.ask(SettleNeed(project="shop", task="b", need="a", outcome="completed")))
    assert not decision.writes
    assert phase_name(fleet.task("b")) == "cancelled"


@pytest.mark.parametrize(
    "command",
    [
        CancelTask(project="shop", task="nothing"),
        RetryTask(project="shop", task="nothing"),
        SettleNeed(project="shop", task="nothing", need="nothing", outcome="failed"),
        ElapseBackoff(project="shop", task="nothing", until=1),
        TimeOutAttempt(project="shop", task="nothing", token="1"),
        LapseDelivery(project="shop", task="nothing", token="1"),
    ],
    ids=lambda command: command.NAME,
)
def test_absent_and_foreign_tasks_are_unknown_alike(command: Command) -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    other = fleet.a_project("other")
    assert refused(fleet.ask(command), UnknownThing).name == "nothing"
    foreign = command.model_copy(update={"task": fleet.id_of("a")})
    assert refused(fleet.ask(foreign, project=other), UnknownThing).name == fleet.id_of("a")


def a_running_task(**state: Any) -> Task:
    """A running task with the counters given."""
    fleet = Fleet()
    fleet.plan(a_task("a", retry=RetryRule(backoff_seconds_first=8.0, backoff_factor=2.0, backoff_seconds_max=20.0)))
    claimed = TaskClaimed(session="s", incarnation=1, token=4, attempt=1, strategy="", at=fleet.now)
    fleet.given(fleet.id_of("a"), claimed, TaskStarted(token=4, at=fleet.now))
    task = fleet.task("a")
    bare = Task(plan=task.plan, phase=task.phase, unmet=task.unmet, attempts=1)
    return replace(bare, **state)


def after(task: Task, kind: Any, locks_free_at: int | None = None, seed: str = "x") -> tuple[TaskAttemptEnded, Any]:
    """The attempt's end and what follows it at the instant 1,000 s."""
    ended, followed, *_ = after_attempt(
        task,
        kind=kind,
        reason="why",
        checkpoint="here",
        at=Instant(1_000 * SECOND),
        locks_free_at=None if locks_free_at is None else Instant(locks_free_at * SECOND),
        seed=seed,
    )
    assert isinstance(ended, TaskAttemptEnded)
    return ended, followed


def test_backoff_grows_to_its_cap_with_full_jitter() -> None:
    for consumed, bound in ((0, 8), (1, 16)):
        chosen = {after(a_running_task(consumed=consumed), "agent", seed=str(n))[1].until for n in range(200)}
        assert len(chosen) > 190
        assert all(1_000 * SECOND <= until <= (1_000 + bound) * SECOND for until in chosen)
        assert max(chosen) > (1_000 + 0.9 * bound) * SECOND
        assert min(chosen) < (1_000 + 0.1 * bound) * SECOND
    limited = {after(a_running_task(attempts=10_000), "rate_limited", seed=str(n))[1].until for n in range(200)}
    assert (1_000 + 18) * SECOND < max(limited) <= (1_000 + 20) * SECOND


@pytest.mark.parametrize(
    ("kind", "consumed", "followed"),
    [
        ("agent", True, TaskBackedOff),
        ("invalid_result", True, TaskBackedOff),
        ("timeout", True, TaskBackedOff),
        ("rate_limited", False, TaskBackedOff),
        ("session_lost", False, TaskReadied),
        ("lost_delivery", False, TaskReadied),
        ("released", False, TaskReadied),
        ("cancelled", False, TaskCancelled),
        ("budget", True, TaskParked),
    ],
)
def test_what_an_end_consumes_and_what_follows_it(kind: Any, consumed: bool, followed: type) -> None:
    ended, event = after(a_running_task(), kind)
    assert (ended.kind, ended.consumed, ended.checkpoint, ended.token) == (kind, consumed, "here", 4)
    assert type(event) is followed


@pytest.mark.parametrize("kind", ["agent", "invalid_result", "timeout"])
def test_the_last_attempt_of_the_rule_exhausts_it(kind: Any) -> None:
    assert isinstance(after(a_running_task(consumed=2), kind)[1], TaskFailed)
    assert isinstance(after(a_running_task(consumed=2), "rate_limited")[1], TaskBackedOff)


def test_losses_have_a_counter_of_their_own() -> None:
    assert isinstance(after(a_running_task(lost=LOST_MAX - 2, consumed=2), "session_lost")[1], TaskReadied)
    assert isinstance(after(a_running_task(lost=LOST_MAX - 1), "session_lost")[1], TaskParked)


def test_a_task_that_runs_again_waits_for_lingering_locks() -> None:
    lost = after(a_running_task(), "session_lost", 1_030)[1]
    assert (lost.until, lost.reason, lost.then) == (1_030 * SECOND, "lock_delay", "lock_delay_over")
    failed = after(a_running_task(), "timeout", 1_030)[1]
    assert (failed.until, failed.reason, failed.then) == (1_030 * SECOND, "lock_delay", "retry_due")
    soon = after(a_running_task(consumed=1), "timeout", 1_000, seed="3")[1]
    assert soon.reason == "retry"
    assert isinstance(after(a_running_task(consumed=2), "timeout", 1_030)[1], TaskFailed), "it settles at once"


def test_nothing_follows_where_no_attempt_lives() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    arguments: dict[str, Any] = {"reason": "", "checkpoint": None, "at": fleet.now, "locks_free_at": None}
    assert after_attempt(fleet.task("a"), kind="session_lost", seed="", **arguments) == ()


def test_evolve_takes_every_event_in_every_state() -> None:
    fleet = Fleet()
    fleet.plan(a_task("z", retry=RetryRule(max_attempts=1)), a_task("a", "z"))
    fleet.fail("z", fleet.claimed(fleet.a_session()).token)
    fleet.complete("z", "1")
    fleet.ask(RetryTask(project="shop", task="z"))
    fleet.ask(AcknowledgeAttempt(project="shop", task="z", token=fleet.claimed(fleet.a_session()).token))
    fleet.cancel("z")
    events = [one.event for one in fleet.log if one.stream.startswith("task_")]
    states = [Absent(), *(state for stream, state in fleet.states.items() if stream.startswith("task_"))]
    for state in states:
        for event in events:
            assert isinstance(TASK.evolve(state, event), Task | Absent)
