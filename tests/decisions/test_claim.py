"""Given, when, then: claims, and which task a session gets."""

from typing import Any

import pytest

from domain.dispatch.choose import lacking, meets
from domain.dispatch.claim import ClaimedTasks
from domain.dispatch.errors import NothingReady, SessionAtCapacity, SessionNotCapable
from domain.dispatch.pick import STALE_MAX
from domain.dispatch.take import Claimed
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.values import Operator, Requirement
from domain.lock.errors import LockConflict
from domain.lock.events import LocksGranted
from domain.session.errors import NotSessionOwner, ProjectNotServed, SessionFenced
from domain.session.events import SessionAttemptStarted, SessionEnded
from domain.session.state import Session
from domain.task.commands import ClaimTasks, ReleaseTask
from domain.task.decider import phase_name
from domain.task.errors import TaskHeldByAnother, TaskNotReady
from domain.task.events import TaskClaimed
from tests.support.fleet import Fleet, a_task, accepted, events_of, refused

ERA_ONE = 1 << 40


def test_a_claim_writes_lock_space_task_and_session_under_one_token() -> None:
    fleet = Fleet()
    session = fleet.a_session()
    fleet.plan(a_task("a", scope=("path:shop//src/**",), body="text", run="make", timeout_seconds=9.0))
    decision = accepted(fleet.claim(session))
    granted, claimed, started = events_of(decision)
    assert isinstance(granted, LocksGranted)
    assert isinstance(claimed, TaskClaimed)
    assert isinstance(started, SessionAttemptStarted)
    assert granted.token == claimed.token == started.token == ERA_ONE + 1
    assert granted.task == started.task == fleet.id_of("a")
    plan, answer = fleet.task("a").plan, decision.answer
    assert answer == Claimed(
        project=fleet.project,
        task=fleet.id_of("a"),
        key="a",
        title=plan.title,
        body="text",
        kind="code",
        run="make",
        timeout_seconds=9.0,
        scope=plan.scope,
        token=str(ERA_ONE + 1),
        attempt=1,
        checkpoint=None,
        handover="",
        failure="",
        tried_by=(),
        artifacts=(),
        failed=(),
        evidence=(),
        deadline=None,
    )
    assert phase_name(fleet.task("a")) == "assigned"
    owners = [write.project for write in decision.writes]
    assert owners == [fleet.project, fleet.project, None], "the session belongs to the fleet"


def test_a_task_without_scope_mints_a_token_too_and_tokens_rise() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b"))
    tokens = [int(fleet.claimed(fleet.a_session(name)).token) for name in ("one", "two")]
    assert tokens == [ERA_ONE + 1, ERA_ONE + 2]


def test_the_choice_is_priority_then_longest_path_then_age() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=9)
    fleet.plan(a_task("old"))
    fleet.advance(1)
    fleet.plan(a_task("young"), a_task("long"), a_task("next", "long"), a_task("urgent", priority=5))
    assert [fleet.claimed(session).key for _ in range(4)] == ["urgent", "long", "old", "young"]
    assert refused(fleet.claim(session), NothingReady).ready == 0


def test_tasks_whose_locks_are_not_free_are_passed_over() -> None:
    fleet = Fleet()
    one, two = fleet.a_session("one", capacity=9), fleet.a_session("two")
    fleet.plan(
        a_task("a", scope=("path:shop//src/**",), priority=3),
        a_task("b", scope=("path:shop//src/b",), priority=2),
        a_task("c", scope=("path:shop//src/b",), priority=2),
        a_task("d", scope=("path:shop//docs/**",)),
    )
    assert fleet.claimed(one).key == "a"
    assert fleet.claimed(two).key == "d"
    rejection = refused(fleet.claim(one), NothingReady)
    assert (rejection.ready, rejection.unmatched, rejection.locked, rejection.unseen) == (2, 0, 2, 0)
    refused(fleet.claim(one, "b"), LockConflict)


def test_two_attempts_of_one_session_are_rivals_for_locks() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=2)
    fleet.plan(a_task("a", scope=("env:staging",)), a_task("b", scope=("env:staging",)))
    fleet.claimed(session)
    assert refused(fleet.claim(session), NothingReady).locked == 1


def test_a_session_gets_only_what_it_is_capable_of() -> None:
    fleet = Fleet()
    needs_gpu = (Requirement(key="gpu"),)
    fleet.plan(a_task("a", requires=needs_gpu, priority=9), a_task("b", requires=needs_gpu), a_task("c"))
    plain = fleet.a_session("plain", capacity=9)
    assert fleet.claimed(plain).key == "c"
    rejection = refused(fleet.claim(plain), NothingReady)
    assert (rejection.ready, rejection.unmatched, rejection.locked) == (2, 2, 0)
    assert refused(fleet.claim(plain, "a"), SessionNotCapable).lacking == "gpu = True"
    assert fleet.claimed(fleet.a_session("strong", gpu=True)).key == "a"


def test_the_index_is_only_a_hint() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", priority=2), a_task("b", priority=1), a_task("c"))
    stale = TaskClaimed(session="x", incarnation=1, token=1, attempt=1, strategy="", at=fleet.now)
    for key in ("a", "b"):
        fleet.given(fleet.id_of(key), stale, project=fleet.project)
    assert fleet.claimed(fleet.a_session()).key == "c"


def test_a_claim_gives_up_on_an_index_that_is_all_wrong() -> None:
    fleet = Fleet()
    fleet.plan(*(a_task(f"t{index}", priority=1) for index in range(STALE_MAX)), a_task("left"))
    stale = TaskClaimed(session="x", incarnation=1, token=1, attempt=1, strategy="", at=fleet.now)
    for index in range(STALE_MAX):
        fleet.given(fleet.id_of(f"t{index}"), stale, project=fleet.project)
    rejection = refused(fleet.claim(fleet.a_session()), NothingReady)
    assert (rejection.ready, rejection.unseen) == (STALE_MAX + 1, 1)
    fleet.index.observe(fleet.project, fleet.id_of("t0"), stale)
    assert fleet.claimed(fleet.a_session()).key == "left"


def test_a_session_has_a_capacity() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=2)
    fleet.plan(a_task("a"), a_task("b"), a_task("c"))
    first = fleet.claimed(session)
    fleet.claimed(session)
    assert refused(fleet.claim(session), SessionAtCapacity).live == 2
    fleet.complete(first.task, first.token)
    fleet.claimed(session)
    state = fleet.states[StreamId(session)]
    assert isinstance(state, Session)
    assert len(state.attempts) == 2


def claim_many(fleet: Fleet, session: str, most: int) -> Decision:
    return fleet.ask(ClaimTasks(project="shop", session=session, incarnation=1, most=most))


def test_one_decision_takes_several_tasks_each_under_its_own_token() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=9)
    fleet.plan(*(a_task(f"t{number}", priority=number) for number in range(5)))
    decision = accepted(claim_many(fleet, session, 3))
    assert isinstance(decision.answer, ClaimedTasks)
    assert [one.key for one in decision.answer.tasks] == ["t4", "t3", "t2"]
    tokens = [int(one.token) for one in decision.answer.tasks]
    assert tokens == [ERA_ONE + 1, ERA_ONE + 2, ERA_ONE + 3]
    streams = [write.stream for write in decision.writes]
    assert len(set(streams)) == len(streams) == 5, "lock space, three tasks, session, each written once"
    state = fleet.states[StreamId(session)]
    assert isinstance(state, Session)
    assert sorted(token for _, token in state.attempts) == tokens
    for one in decision.answer.tasks:
        accepted(fleet.complete(one.task, one.token))


def test_many_are_as_many_as_there_are_and_as_the_session_has_room_for() -> None:
    fleet = Fleet()
    one, two = fleet.a_session("one", capacity=2), fleet.a_session("two", capacity=9)
    fleet.plan(*(a_task(f"t{number}") for number in range(4)))
    for session, count in ((one, 2), (two, 2)):
        answer = accepted(claim_many(fleet, session, 8)).answer
        assert isinstance(answer, ClaimedTasks)
        assert len(answer.tasks) == count
    refused(claim_many(fleet, one, 8), SessionAtCapacity)
    refused(claim_many(fleet, two, 8), NothingReady)


def test_what_one_decision_takes_together_does_not_overlap() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=9)
    fleet.plan(
        *(a_task(f"same{number}", scope=("path:shop//src/**",), priority=2) for number in range(3)),
        a_task("below", scope=("path:shop//src/b",), priority=1),
        a_task("beside", scope=("path:shop//docs/**",)),
    )
    answer = accepted(claim_many(fleet, session, 8)).answer
    assert isinstance(answer, ClaimedTasks)
    assert [one.key[:4] for one in answer.tasks] == ["same", "besi"]
    assert refused(claim_many(fleet, session, 8), NothingReady).locked == 3


def test_a_named_task_is_claimed_by_id_or_key() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", priority=5), a_task("b"), a_task("c"))
    session = fleet.a_session(capacity=2)
    assert fleet.claimed(session, "b").key == "b"
    assert fleet.claimed(session, fleet.id_of("c")).key == "c"


def test_a_named_task_that_is_not_ready_is_refused() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b", "a"))
    assert refused(fleet.claim(fleet.a_session("one"), "b"), TaskNotReady).status == "pending"
    fleet.claimed(fleet.a_session("one"), "a")
    rejection = refused(fleet.claim(fleet.a_session("two"), "a"), TaskHeldByAnother)
    assert (rejection.status, rejection.session) == ("assigned", fleet.a_session("one"))


def test_asking_again_for_a_named_task_repeats_the_assignment() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    session = fleet.a_session()
    first = fleet.claimed(session, "a")
    again = accepted(fleet.claim(session, "a"))
    assert not again.writes
    assert isinstance(again.answer, Claimed)
    assert (again.answer.token, again.answer.attempt) == (first.token, 1)


def test_a_task_of_another_project_is_answered_like_an_absent_one() -> None:
    fleet = Fleet()
    other = fleet.a_project("other")
    fleet.plan(a_task("far"), project=other)
    far = fleet.names[other, "task", "far"]
    session = fleet.a_session()
    for name in ("far", far, "task_00000000000000000000000000", "sess_x"):
        assert refused(fleet.claim(session, name), UnknownThing).name == name


def test_only_a_live_session_of_the_caller_that_serves_the_project_may_claim() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    session = fleet.a_session()
    refused(fleet.claim("sess_00000000000000000000000000"), UnknownThing)
    refused(fleet.claim(fleet.project), UnknownThing)
    refused(fleet.claim(session, by="key_stranger"), NotSessionOwner)
    refused(fleet.claim(session, incarnation=2), SessionFenced)
    refused(fleet.claim(session, project=fleet.a_project("other")), ProjectNotServed)
    fleet.given(session, SessionEnded(incarnation=1, at=fleet.now))
    assert fleet.claim(session).rejection is not None


def test_the_next_attempt_receives_what_the_last_one_left() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    one, two = fleet.a_session("one"), fleet.a_session("two")
    first = fleet.claimed(one)
    release = ReleaseTask(project="shop", task="a", token=first.token, note="see branch x", checkpoint="half")
    accepted(fleet.ask(release))
    second = fleet.claimed(two)
    assert (second.attempt, second.handover, second.checkpoint, second.tried_by) == (2, "see branch x", "half", (one,))


@pytest.mark.parametrize(
    ("operator", "value", "has", "holds"),
    [
        ("=", True, True, True),
        ("=", True, 1, False),
        ("=", 1, True, False),
        ("=", 1, 1.0, True),
        ("=", "1", 1, False),
        ("=", "a", ("a",), False),
        ("=", "a", None, False),
        ("!=", "a", "b", True),
        ("!=", "a", "a", False),
        ("!=", 1, "1", True),
        ("!=", "a", None, True),
        ("<", 8, 4, True),
        ("<", 8, 8, False),
        ("<=", 8, 8.0, True),
        (">", 8, 16, True),
        (">", 8, True, False),
        (">=", 8, "9", False),
        (">=", 8, None, False),
        (">=", 1.5, 10**400, True),
        ("in", ("linux", "mac"), "mac", True),
        ("in", ("linux", "mac"), "bsd", False),
        ("in", (1, 2), True, False),
        ("in", ("a",), ("a",), False),
        ("in", ("a",), None, False),
        ("contains", "go", ("go", "rust"), True),
        ("contains", ("go", "rust"), ("rust", "go", "c"), True),
        ("contains", ("go", "c"), ("go",), False),
        ("contains", 1, (True,), False),
        ("contains", "go", "golang", False),
        ("contains", "go", None, False),
        ("exists", True, "x", True),
        ("exists", True, False, True),
        ("exists", True, None, False),
        ("exists", False, None, True),
        ("exists", False, 0, False),
    ],
)
def test_requirements_compare_within_types(operator: Operator, value: Any, has: Any, holds: bool) -> None:
    requirement = Requirement(key="k", operator=operator, value=value)
    capabilities = {} if has is None else {"k": has}
    assert meets(requirement, capabilities) is holds
    assert lacking((requirement,), capabilities) == (() if holds else (requirement,))
