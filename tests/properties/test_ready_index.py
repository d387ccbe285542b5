"""The ready index says what a search through all states would say."""

import pickle
from collections import Counter
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dispatch.ageing import BONUS_MAX, STEP_SECONDS
from domain.dispatch.ready import ReadyIndex, ReadyRows
from domain.dispatch.ready_buckets import TESTS_MAX, Requires, Scope
from domain.dispatch.rising import RISING_SPARE
from domain.kernel.decider import fold
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.kernel.values import Requirement, ScopeClaim
from domain.task.decider import TASK
from domain.task.events import (
    TaskAttemptEnded,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskParked,
    TaskPlanned,
    TaskReadied,
    TaskRetried,
)
from domain.task.state import Absent, Ready, Settled, Task, TaskState
from tests.support.planned import planned_task

PROJECTS = (ProjectId("proj_a"), ProjectId("proj_b"))
REQUIRES: tuple[Requires, ...] = (
    (),
    (Requirement(key="gpu"),),
    (Requirement(key="gpu", value=1),),
    (Requirement(key="os", value="linux"), Requirement(key="gpu")),
)
SCOPES: tuple[Scope, ...] = (
    (),
    (ScopeClaim(claim="env:a"),),
    (ScopeClaim(claim="env:a", mode="shared"),),
    (ScopeClaim(claim="env:a"), ScopeClaim(claim="path:r//x")),
)
AT = Instant(1)
T = TypeVar("T")


class Draw(Protocol):
    """Draws a value from a strategy."""

    def __call__(self, strategy: st.SearchStrategy[T], /) -> T: ...


def place(needed: Requires | Scope) -> int:
    """Place among those above; by text, because true equals 1."""
    return [repr(one) for one in (*REQUIRES, *SCOPES)].index(repr(needed))


def claimed() -> TaskClaimed:
    return TaskClaimed(session="s", incarnation=1, token=1, attempt=1, strategy="", at=AT)


def following(state: TaskState, draw: Draw) -> tuple[Event, ...]:
    """One step that some decision could take from the state."""
    readied = TaskReadied(reason="planned", at=Instant(draw(st.integers(1, 3))))
    ended = TaskAttemptEnded(token=1, kind="agent", reason="", consumed=True, checkpoint=None, at=AT)
    cancelled = TaskCancelled(reason="", at=AT)
    if isinstance(state, Absent):
        return draw(st.sampled_from([(), (readied,)]))
    if isinstance(state.phase, Settled):
        again = TaskRetried(generation=state.generation + 1, at=AT)
        return (again, readied) if state.phase.outcome == "failed" else ()
    if isinstance(state.phase, Ready):
        return draw(st.sampled_from([(claimed(),), (cancelled,)]))
    backed_off = TaskBackedOff(until=Instant(5), reason="retry", then="retry_due", at=AT)
    completed = TaskCompleted(token=1, summary="", artifacts=(), usage=None, at=AT)
    failed, parked = TaskFailed(reason="", at=AT), TaskParked(reason="", at=AT)
    choices = [(readied,), (cancelled,), (completed,), (ended, backed_off), (ended, failed), (ended, parked)]
    return draw(st.sampled_from(choices))


def planned(draw: Draw, project: ProjectId) -> TaskPlanned:
    return planned_task(
        project=project,
        priority=draw(st.integers(-1, 1)),
        scope=draw(st.sampled_from(SCOPES)),
        requires=draw(st.sampled_from(REQUIRES)),
        path_length=draw(st.integers(1, 2)),
    )


@dataclass
class Expected:
    """What a walk yields, found by looking at every state."""

    yielded: list[str]
    unmatched: int
    locked: int


def brute_force(states: dict[str, TaskState], project: ProjectId, matching: set[int], free: set[int]) -> Expected:
    expected = Expected([], 0, 0)
    ranked = []
    for stream, state in states.items():
        if isinstance(state, Task) and isinstance(state.phase, Ready) and state.plan.project == project:
            plan = state.plan
            if place(plan.requires) not in matching:
                expected.unmatched += 1
            elif place(plan.scope) not in free:
                expected.locked += 1
            else:
                ranked.append((-plan.priority, -plan.path_length, state.phase.since, stream))
    expected.yielded = [rank[3] for rank in sorted(ranked)]
    return expected


@dataclass
class Asked:
    """Answers whether requirements hold, and counts how often it was asked."""

    matching: set[int]
    asked: Counter[int]

    def __call__(self, requires: Requires) -> bool:
        self.asked[place(requires)] += 1
        return place(requires) in self.matching


def agrees(index: ReadyIndex, states: dict[str, TaskState], matching: set[int], free: set[int]) -> None:
    for project in PROJECTS:
        expected = brute_force(states, project, matching, free)
        asked: Counter[int] = Counter()
        search = index.candidates(project, Asked(matching, asked), lambda scope: place(scope) in free)
        assert list(search) == expected.yielded
        assert (search.unmatched, search.locked, search.unseen) == (expected.unmatched, expected.locked, 0)
        assert set(asked.values()) <= {1}, "asked once per set of requirements"
        ready = len(expected.yielded) + expected.unmatched + expected.locked
        assert search.ready == ready == index.counts().get(project, 0)


@settings(max_examples=150)
@given(st.data())
def test_the_index_equals_a_search_through_all_states(data: st.DataObject) -> None:
    index = ReadyIndex()
    streams = [StreamId(f"task_{number}") for number in range(6)]
    home = {stream: PROJECTS[number % 2] for number, stream in enumerate(streams)}
    states: dict[str, TaskState] = dict.fromkeys(streams, TASK.initial)
    for _ in range(data.draw(st.integers(0, 30))):
        stream = data.draw(st.sampled_from(streams))
        before = states[stream]
        unborn = isinstance(before, Absent)
        events = (planned(data.draw, home[stream]),) if unborn else following(before, data.draw)
        for event in events:
            index.observe(home[stream], stream, event)
        states[stream] = fold(TASK, events, before)
        if data.draw(st.booleans()) and data.draw(st.booleans()):
            states[stream] = before
            index.restore(stream, before)
    matching = {0, *data.draw(st.sets(st.integers(0, 3)))}
    free = {0, *data.draw(st.sets(st.integers(len(REQUIRES), len(REQUIRES) + 3)))}
    agrees(index, states, matching, free)
    loaded = ReadyIndex.load(ReadyRows.model_validate_json(index.dump().model_dump_json()))
    agrees(loaded, states, matching, free)
    assert loaded.dump() == index.dump()


def test_what_is_settled_for_good_is_forgotten() -> None:
    index = ReadyIndex()
    for number, last in enumerate(
        (TaskCompleted(token=1, summary="", artifacts=(), usage=None, at=AT), TaskCancelled(reason="", at=AT))
    ):
        stream = StreamId(f"task_{number}")
        for event in (a_plan(SCOPES[0]), TaskReadied(reason="planned", at=AT), claimed(), last):
            index.observe(PROJECTS[0], stream, event)
    assert index.dump().rows == ()
    assert not index.shares.holds(StreamId("task_0"))


def come_and_go(index: ReadyIndex, count: int) -> None:
    for number in range(count):
        stream = StreamId(f"task_gone{number}")
        completed = TaskCompleted(token=1, summary="", artifacts=(), usage=None, at=AT)
        for event in (a_plan(SCOPES[0]), TaskReadied(reason="planned", at=Instant(number)), claimed(), completed):
            index.observe(PROJECTS[0], stream, event)


def test_what_was_done_long_before_it_rose_leaves_nothing_behind() -> None:
    few, many = ReadyIndex(), ReadyIndex()
    come_and_go(few, 1)
    come_and_go(many, 2_000)
    assert len(pickle.dumps(many)) < len(pickle.dumps(few)) + 100 * RISING_SPARE


def test_tasks_rise_as_they_would_beside_fewer_others() -> None:
    alone, beside = ReadyIndex(), ReadyIndex()
    for number in range(3):
        stream, since = StreamId(f"task_{number}"), Instant(number * BONUS_MAX * STEP_SECONDS * SECOND)
        for index in (alone, beside):
            index.observe(PROJECTS[0], stream, a_plan(SCOPES[0]))
            index.observe(PROJECTS[0], stream, TaskReadied(reason="planned", at=since))
        come_and_go(beside, 3 * RISING_SPARE)
    for steps in range(0, 4 * BONUS_MAX, 7):
        now = Instant(steps * STEP_SECONDS * SECOND)
        assert list(alone.candidates(PROJECTS[0], now=now)) == list(beside.candidates(PROJECTS[0], now=now))


def a_plan(scope: Scope) -> TaskPlanned:
    return planned_task(project=PROJECTS[0], scope=scope)


def test_a_walk_tests_a_bounded_number_of_scopes_and_says_what_it_left_out() -> None:
    index = ReadyIndex()
    for number in range(TESTS_MAX + 7):
        stream = StreamId(f"task_{number}")
        index.observe(PROJECTS[0], stream, a_plan((ScopeClaim(claim=f"env:e{number}"),)))
        index.observe(PROJECTS[0], stream, TaskReadied(reason="planned", at=AT))
    search = index.candidates(PROJECTS[0], free=lambda _: False)
    assert list(search) == []
    assert (search.ready, search.locked, search.unseen) == (TESTS_MAX + 7, TESTS_MAX, 7)


def test_tasks_with_the_same_needs_are_tested_once() -> None:
    index = ReadyIndex()
    for number in range(100):
        stream = StreamId(f"task_{number}")
        index.observe(PROJECTS[0], stream, a_plan(SCOPES[1]))
        index.observe(PROJECTS[0], stream, TaskReadied(reason="planned", at=AT))
    asked: list[Scope] = []

    def free(scope: Scope) -> bool:
        asked.append(scope)
        return True

    assert len(list(index.candidates(PROJECTS[0], free=free))) == 100
    assert asked == [SCOPES[1]]


def test_buckets_interleave_by_rank() -> None:
    index = ReadyIndex()
    streams = [StreamId(f"task_{number}") for number in range(6)]
    for number, stream in enumerate(streams):
        index.observe(PROJECTS[0], stream, a_plan(SCOPES[number % 2]))
        index.observe(PROJECTS[0], stream, TaskReadied(reason="planned", at=Instant(number)))
    assert list(index.candidates(PROJECTS[0])) == streams
