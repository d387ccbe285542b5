"""States of long streams on the way to now: kept sparingly, found by point, and never believed where they are wrong."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from domain.catalogue import AGGREGATES
from domain.kernel.ids import Instant, ProjectId, StreamId, prefix
from domain.kernel.message import Event
from domain.kernel.past.steps import Blame
from domain.project.events import ProjectBookmarkSet, ProjectCreated
from infrastructure.history.folds import PAGE_EVENTS, Folded, Folds
from infrastructure.history.reading import blamed
from infrastructure.log.mapper import new_event
from infrastructure.log.memory import MemoryLog
from infrastructure.log.past_states import SPACING_EVENTS_MIN, PastState, spacing_events
from infrastructure.log.port import Log, LogRow
from infrastructure.runtime.snapshots import Snapshotter
from infrastructure.runtime.state_codec import freeze, shape_of
from tests.contracts.groups import NOW, member

PROJECT = StreamId("proj_" + "0" * 26)
OTHER = StreamId("proj_" + "0" * 25 + "1")
EVENTS = 9_000
AGGREGATE = AGGREGATES["proj"]
SHAPE = shape_of(AGGREGATE)


def kept(version: int, position: int, kind: str = SHAPE) -> PastState:
    return PastState(PROJECT, version, position, kind, b'{"version":%d}' % version)


def test_the_last_kept_state_before_a_point_is_found(log_store: Log) -> None:
    for version in (100, 200, 300):
        log_store.keep_state(kept(version, version * 2), spacing_events=100)

    def found(version: int, position: int, kind: str = SHAPE) -> PastState | None:
        return log_store.state_before(PROJECT, kind, version=version, position=position)

    assert found(1_000, 1_000) == kept(300, 600)
    assert found(299, 1_000) == kept(200, 400)
    assert found(1_000, 399) == kept(100, 200)
    assert found(1_000, 199) is found(99, 1_000) is found(1_000, 1_000, "proj.s0") is None
    assert log_store.state_before(OTHER, SHAPE, version=1_000, position=1_000) is None


def test_what_is_too_near_is_not_kept_and_another_shape_takes_the_place(log_store: Log) -> None:
    log_store.keep_state(kept(100, 100), spacing_events=100)
    log_store.keep_state(kept(199, 199), spacing_events=100)
    log_store.keep_state(kept(50, 50), spacing_events=10)
    assert log_store.state_before(PROJECT, SHAPE, version=1_000, position=1_000) == kept(100, 100)
    assert log_store.state_before(PROJECT, SHAPE, version=99, position=1_000) is None
    log_store.keep_state(kept(100, 100, "proj.s9"), spacing_events=100)
    assert log_store.state_before(PROJECT, SHAPE, version=1_000, position=1_000) is None
    assert log_store.state_before(PROJECT, "proj.s9", version=1_000, position=1_000) == kept(100, 100, "proj.s9")


def test_states_are_kept_a_64th_of_the_stream_apart_and_weigh_a_part_of_it() -> None:
    for state_bytes in (0, 50_000, 5_000_000):
        version, states = 0, 0
        while version < 1_000_000:
            version += spacing_events(version, state_bytes)
            states += 1
        assert states <= 400
        assert states * state_bytes <= 100 * version
    assert spacing_events(1_000_000, 0) == 15_625
    assert spacing_events(10, 10) == SPACING_EVENTS_MIN


class CountingLog(MemoryLog):
    """A log that tells how many events were read of it."""

    read = 0

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        rows = super().events_of(stream, after=after, limit=limit)
        self.read += len(rows)
        return rows


def facts() -> Iterator[Event]:
    yield ProjectCreated(name="shop", lock_delay_seconds=1, at=Instant(NOW))
    for number in range(1, EVENTS):
        yield ProjectBookmarkSet(name=f"m{number % 7}", position=number, by="key_1", at=Instant(NOW))


@pytest.fixture(scope="module")
def history() -> tuple[CountingLog, list[Folded]]:
    """A long stream with another one between its events, and each state that it went through."""
    log = CountingLog()
    states = [Folded(0, 0, AGGREGATE.initial)]
    for version, event in enumerate(facts(), start=1):
        written = new_event(PROJECT, version, event, ProjectId(PROJECT))
        beside = new_event(OTHER, version, event, ProjectId(OTHER))
        reads = ((PROJECT, version - 1), (OTHER, version - 1))
        log.append([member(f"m{version}")._replace(reads=reads, events=(written, beside))], now=NOW)
        states.append(Folded(version, version * 2 - 1, AGGREGATE.evolve(states[-1].state, event)))
    return log, states


class Held:
    """States in memory, as the committer has them."""

    def __init__(self, states: list[Folded]) -> None:
        self.states = states
        self.now = 0

    def get(self, stream: str) -> tuple[int, Any] | None:
        return self.now, self.states[self.now].state

    def weigh(self, stream: str, weight: int) -> None:
        """Nobody asks."""


def short_log() -> CountingLog:
    """The first 3,000 of the same events, and nothing kept."""
    log = CountingLog()
    for version, event in enumerate(islice(facts(), 3_000), start=1):
        written = new_event(PROJECT, version, event, ProjectId(PROJECT))
        log.append([member(f"m{version}")._replace(reads=((PROJECT, version - 1),), events=(written,))], now=NOW)
    return log


def test_a_state_of_the_past_costs_what_lies_behind_the_nearest_kept_one(
    history: tuple[CountingLog, list[Folded]],
) -> None:
    log, states = history
    held: Any = Held(states)
    snapshotter = Snapshotter(log, held, AGGREGATES)
    for version in range(AGGREGATE.snapshot_every, EVENTS + 1, AGGREGATE.snapshot_every):
        held.now = version
        # The group ended some events later than this one.
        snapshotter.committed([(PROJECT, version, next(facts()), PROJECT)], version * 2 + 9)
    snapshotter.stop()

    for version in (1, 1_999, 2_500, 6_003, EVENTS):
        log.read = 0
        assert Folds(log).at_version(PROJECT, version) == states[version]
        assert log.read <= 3 * PAGE_EVENTS
    for position in (2, 4_004, 12_001, 17_990):
        log.read = 0
        assert Folds(log).at_position(PROJECT, position) == states[(position + 1) // 2]
        assert log.read <= 3 * PAGE_EVENTS
    log.read = 0
    folds = Folds(log)
    folds.at_version(PROJECT, EVENTS)
    log.read = 0
    assert folds.at_version(PROJECT, EVENTS - 1) == states[EVENTS - 1]
    assert log.read <= PAGE_EVENTS


def test_who_set_a_field_lately_costs_what_lies_behind_the_nearest_kept_state(
    history: tuple[CountingLog, list[Folded]],
) -> None:
    _, states = history
    log = short_log()
    whole = blamed(log, Folds(log), PROJECT, 3_000)
    log.keep_state(PastState(PROJECT, 2_500, 2_500, SHAPE, freeze(states[2_500].state)), spacing_events=1)
    log.read = 0
    lately = blamed(log, Folds(log), PROJECT, 3_000, events_max=1)
    assert isinstance(whole, Blame)
    assert isinstance(lately, Blame)
    assert log.read < 2 * 3_000
    assert lately.found()
    assert lately.found() == {path: by for path, by in whole.found().items() if by[1].version > 2_500}
    told: list[int] = []
    again = blamed(log, Folds(log), PROJECT, 3_000, progress=told.append)
    assert isinstance(again, Blame)
    assert again.found() == whole.found()
    assert told == sorted(told)
    assert {500, 3_000} <= set(told)


def test_a_kept_state_that_cannot_be_of_the_past_is_passed_over(history: tuple[CountingLog, list[Folded]]) -> None:
    _, states = history
    log = short_log()
    wrong = AGGREGATES[prefix(PROJECT)].initial
    # Beyond the point although it says otherwise; of no event at all; of another shape.
    log.keep_state(PastState(PROJECT, 2_900, 1, SHAPE, freeze(states[2_900].state)), spacing_events=1)
    log.keep_state(PastState(PROJECT, 9_999, 1, SHAPE, freeze(wrong)), spacing_events=1)
    assert Folds(log).at_position(PROJECT, 2_500).state == states[2_500].state
    assert Folds(log).at_position(PROJECT, 3_000).state == states[3_000].state


def test_memory_holds_a_few_states_of_a_few_streams(history: tuple[CountingLog, list[Folded]]) -> None:
    log, states = history
    folds = Folds(log, streams_max=1, waypoints_max=4)
    for stream in (PROJECT, OTHER, PROJECT):
        for version in (EVENTS, 700, 5_000):
            assert folds.at_version(stream, version).state == states[version].state
    [way] = folds._ways.values()
    assert 0 < len(way.points) <= 4
    assert [point.state for point in way.points] == [states[point.version].state for point in way.points]
