"""What happens by itself: dependants are told, and what time brings about is asked when it is due and not moot."""

import pytest

from domain.kernel.decider import Recorded
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, derived_id
from domain.kernel.message import Command, Event
from domain.kernel.policy import Cause, derived_stamp
from domain.lock.commands import EndLockDelay
from domain.lock.events import LocksLingered, LocksReleased
from domain.policies.agenda import Agenda, AgendaRows
from domain.policies.lock_timers import LOCK_DELAY_OVER
from domain.policies.ready_dependants import READY_DEPENDANTS
from domain.policies.timers import ATTEMPT_TIMEOUT, LAPSED_DELIVERY, RETRY_DUE, STARTS
from domain.task.commands import ElapseBackoff, LapseDelivery, Outcome, SettleNeed, TimeOutAttempt
from domain.task.decider import TASK
from domain.task.events import (
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDependantAdded,
    TaskFailed,
    TaskParked,
    TaskPlanned,
    TaskReadied,
    TaskRetried,
    TaskStarted,
)
from tests.support.planned import planned_task
from tests.support.world import World

T0 = Instant(1_700_000_000_000_000)
PROJECT = ProjectId(derived_id("proj", T0, ("p",)))
TASK_ID, SPACE = derived_id("task", T0, ("t",)), derived_id("locks", T0, ("p",))


def at(seconds: float) -> Instant:
    return Instant(T0 + int(seconds * SECOND))


def planned(timeout: float | None = None) -> TaskPlanned:
    return planned_task(project=PROJECT, timeout_seconds=timeout, at=T0)


def claimed(token: int = 5, seconds: float = 0) -> TaskClaimed:
    return TaskClaimed(session="sess_1", incarnation=1, token=token, attempt=1, strategy="priority", at=at(seconds))


def started(seconds: float = 0) -> TaskStarted:
    return TaskStarted(token=5, at=at(seconds))


def ended() -> TaskAttemptEnded:
    return TaskAttemptEnded(token=5, kind="agent", reason="", consumed=True, checkpoint=None, at=T0)


def completed() -> TaskCompleted:
    return TaskCompleted(token=5, summary="", artifacts=(), usage=None, at=T0)


def backed_off(seconds: float = 10) -> TaskBackedOff:
    return TaskBackedOff(until=at(seconds), reason="retry", then="retry_due", at=T0)


def lingered(token: int = 5, seconds: float = 30) -> LocksLingered:
    return LocksLingered(token=token, reason="lost", until=at(seconds), at=T0)


FAILED, CANCELLED = TaskFailed(reason="", at=T0), TaskCancelled(reason="", at=T0)


def agenda_of(*events: Event, stream: StreamId = TASK_ID, agenda: Agenda | None = None) -> Agenda:
    """The agenda after the events of one stream."""
    found = Agenda() if agenda is None else agenda
    for version, event in enumerate(events, 1):
        found.observe(Cause(stream, version, event, PROJECT))
    return found


def asked(agenda: Agenda, now: Instant) -> list[tuple[str, Command]]:
    return [(policy, derived.command) for policy, _, derived in agenda.due(now)]


@pytest.mark.parametrize(
    ("event", "outcome"), [(completed(), "completed"), (FAILED, "failed"), (CANCELLED, "cancelled")]
)
def test_a_settled_task_tells_everybody_who_needs_it(event: Event, outcome: Outcome) -> None:
    world = World({"task": TASK})
    dependants = [derived_id("task", T0, (name,)) for name in ("a", "b")]
    added = [TaskDependantAdded(dependant=dependant) for dependant in dependants]
    world.given(TASK_ID, planned(), *added, event, project=PROJECT)
    cause = Cause(TASK_ID, world.version(TASK_ID), event, PROJECT)
    found = READY_DEPENDANTS.react(cause, world)
    assert [derived.target for derived in found] == dependants
    assert [derived.command for derived in found] == [
        SettleNeed(project=PROJECT, task=dependant, need=TASK_ID, outcome=outcome) for dependant in dependants
    ]
    stamps = [derived_stamp(READY_DEPENDANTS.name, cause, derived, T0, "c") for derived in found]
    assert len({stamp.command_id for stamp in stamps}) == 2
    assert type(event) in READY_DEPENDANTS.answers


def test_a_task_that_nobody_needs_or_knows_tells_nobody() -> None:
    world = World({"task": TASK})
    assert READY_DEPENDANTS.react(Cause(TASK_ID, 1, completed(), PROJECT), world) == ()
    world.given(TASK_ID, planned(), project=PROJECT)
    assert READY_DEPENDANTS.react(Cause(TASK_ID, 2, completed(), PROJECT), world) == ()


def test_a_backoff_is_asked_about_when_it_is_over_and_not_before() -> None:
    agenda = agenda_of(planned(), backed_off(10))
    assert agenda.next_at() == at(10)
    assert agenda.due(Instant(at(10) - 1)) == ()
    ((policy, cause, derived),) = agenda.due(at(10))
    assert policy == RETRY_DUE
    assert (cause.stream, cause.version, cause.event) == (TASK_ID, 2, backed_off(10))
    assert derived.command == ElapseBackoff(project=PROJECT, task=TASK_ID, until=at(10))
    assert (derived.target, derived.project) == (TASK_ID, PROJECT)


def test_an_assignment_is_asked_about_after_thirty_seconds() -> None:
    agenda = agenda_of(planned(), claimed(token=7))
    assert asked(agenda, Instant(at(30) - 1)) == []
    assert asked(agenda, at(30)) == [(LAPSED_DELIVERY, LapseDelivery(project=PROJECT, task=TASK_ID, token="7"))]


def test_a_timeout_runs_from_the_start_of_an_attempt() -> None:
    agenda = agenda_of(planned(timeout=2.5), claimed(), started(20))
    assert agenda.next_at() == at(22.5)
    assert asked(agenda, at(22.5)) == [(ATTEMPT_TIMEOUT, TimeOutAttempt(project=PROJECT, task=TASK_ID, token="5"))]


def test_a_task_without_a_timeout_never_times_out() -> None:
    agenda = agenda_of(planned(), claimed(), started())
    assert agenda.next_at() is None
    assert len(agenda) == 0


def test_each_token_of_a_lock_space_has_its_own_delay() -> None:
    agenda = agenda_of(lingered(5, 30), lingered(6, 10), stream=SPACE)
    assert asked(agenda, at(60)) == [
        (LOCK_DELAY_OVER, EndLockDelay(project=PROJECT, token="6", until=at(10))),
        (LOCK_DELAY_OVER, EndLockDelay(project=PROJECT, token="5", until=at(30))),
    ]
    agenda.observe(Cause(SPACE, 3, LocksReleased(token=6, reason="lock_delay_over", at=at(10)), PROJECT))
    assert agenda.next_at() == at(30)


@pytest.mark.parametrize(
    ("events", "moot"),
    [
        ((backed_off(),), TaskReadied(reason="retry_due", at=T0)),
        ((backed_off(),), CANCELLED),
        ((backed_off(),), FAILED),
        ((backed_off(),), TaskParked(reason="", at=T0)),
        ((backed_off(),), TaskRetried(generation=2, at=T0)),
        ((claimed(),), started()),
        ((claimed(),), ended()),
        ((claimed(),), completed()),
        ((claimed(),), CANCELLED),
        ((claimed(), started()), ended()),
        ((claimed(), started()), completed()),
        ((claimed(), started()), CANCELLED),
    ],
)
def test_a_wait_disappears_when_a_later_event_makes_it_moot(events: tuple[Event, ...], moot: Event) -> None:
    timeout = 60.0 if moot != started() else None
    waiting = agenda_of(planned(timeout), *events)
    assert len(waiting) == 1
    over = agenda_of(planned(timeout), *events, moot)
    assert len(over) == 0
    assert over.next_at() is None
    assert over.due(at(10_000)) == ()


def test_a_later_start_replaces_the_wait() -> None:
    agenda = agenda_of(planned(), backed_off(10), TaskReadied(reason="retry_due", at=T0), backed_off(5))
    ((_, cause, _),) = agenda.due(at(60))
    assert cause.version == 4
    assert agenda.next_at() == at(5)


def test_what_is_due_stays_until_it_is_forgotten_and_only_then() -> None:
    agenda = agenda_of(planned(), backed_off(10))
    ((policy, cause, _),) = agenda.due(at(10))
    assert len(agenda.due(at(10))) == 1
    agenda.forget(LAPSED_DELIVERY, cause)
    assert len(agenda.due(at(10))) == 1
    agenda.forget(policy, cause)
    assert agenda.due(at(10)) == ()
    assert agenda.next_at() is None


def test_what_was_asked_too_early_is_due_later_and_holds_up_nothing_meanwhile() -> None:
    agenda = agenda_of(planned(), backed_off(10))
    ((policy, cause, derived),) = agenda.due(at(10))
    agenda.postpone(policy, cause, at(40))
    assert agenda.next_at() == at(40)
    assert agenda.due(at(39)) == ()
    ((_, _, again),) = agenda.due(at(40))
    assert again.command == derived.command
    agenda.observe(Cause(TASK_ID, 3, backed_off(50), PROJECT))
    agenda.postpone(policy, cause, at(90))
    assert agenda.next_at() == at(50), "that is another wait"


def test_forgetting_a_former_wait_leaves_one_that_began_since() -> None:
    agenda = agenda_of(planned(), backed_off(10))
    ((policy, cause, _),) = agenda.due(at(10))
    agenda.observe(Cause(TASK_ID, 3, TaskReadied(reason="retry_due", at=at(10)), PROJECT))
    agenda.observe(Cause(TASK_ID, 4, backed_off(20), PROJECT))
    agenda.forget(policy, cause)
    assert agenda.next_at() == at(20)


def test_a_look_is_bounded_and_takes_the_longest_due_first() -> None:
    agenda = agenda_of(*(lingered(token, 100 - token) for token in range(50)), stream=SPACE)
    found = agenda.due(at(200), most=3)
    assert [derived.command for _, _, derived in found] == [
        EndLockDelay(project=PROJECT, token=str(token), until=at(100 - token)) for token in (49, 48, 47)
    ]
    assert len(agenda) == 50


def test_seeing_an_event_twice_asks_once() -> None:
    agenda = agenda_of(planned(), backed_off(10))
    agenda.observe(Cause(TASK_ID, 2, backed_off(10), PROJECT))
    assert len(agenda.due(at(10))) == 1


def test_the_heap_does_not_grow_with_waits_that_are_over() -> None:
    agenda = Agenda()
    for number in range(2_000):
        agenda_of(claimed(seconds=number), started(number), stream=TASK_ID, agenda=agenda)
    assert len(agenda) == 0
    assert len(agenda._order) < 200


def test_an_agenda_survives_as_plain_json() -> None:
    agenda = agenda_of(planned(timeout=60), claimed(), started(1))
    agenda_of(lingered(), lingered(9, 40), stream=SPACE, agenda=agenda)
    text = agenda.dump().model_dump_json()
    again = Agenda.load(AgendaRows.model_validate_json(text, strict=False))
    assert again.dump() == agenda.dump()
    assert asked(again, at(1_000)) == asked(agenda, at(1_000))
    again.observe(Cause(TASK_ID, 4, ended(), PROJECT))
    agenda_of(planned(), backed_off(), stream=derived_id("task", T0, ("other",)), agenda=again)
    assert {policy for policy, _ in asked(again, at(1_000))} == {LOCK_DELAY_OVER, RETRY_DUE}


def test_timeouts_are_remembered_across_attempts_and_forgotten_when_the_task_settles() -> None:
    again = agenda_of(planned(timeout=60), claimed(), started(), ended(), claimed(), started(100))
    assert again.next_at() == at(160)
    assert agenda_of(planned(timeout=60), claimed(), started(), completed()).dump().timeouts == {}
    assert agenda_of(planned(timeout=60), FAILED).dump().timeouts == {TASK_ID: 60.0}


def test_recorded_events_are_taken_as_they_come_from_the_log() -> None:
    agenda = Agenda()
    agenda.observe(
        Recorded(
            position=1,
            stream=TASK_ID,
            version=3,
            event=backed_off(10),
            recorded_at=T0,
            project=PROJECT,
            actor="a",
            command_id="c",
            correlation_id="c",
        )
    )
    ((_, cause, _),) = agenda.due(at(10))
    assert cause == Cause(TASK_ID, 3, backed_off(10), PROJECT)


def test_what_starts_a_wait_is_asked_of_one_family_of_timers_alone() -> None:
    assert len(STARTS) == len(frozenset(STARTS))
