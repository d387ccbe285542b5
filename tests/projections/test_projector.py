"""The projector in its thread: read your writes, poison, halts, rows it cannot read or store, yielding."""

import asyncio
import time
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal

import pytest

from domain.kernel.decider import Recorded
from domain.kernel.message import Event
from domain.kernel.registry import UnknownEventType
from domain.task.events import TaskClaimed, TaskPlanned, TaskStarted
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow
from infrastructure.rows.memory import MemoryRows
from infrastructure.rows.port import Change, Parked, RowRefused
from infrastructure.runtime import projector_pace
from infrastructure.runtime.projector import Projector, ProjectorOptions, Round
from infrastructure.runtime.projector_pace import HOLD_EVENTS_MAX, Pace
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.replay import replay
from projections.lock_map.projection import LOCK_MAP
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskPage
from projections.timeline.projection import TIMELINE
from tests.projections.histories import History, append, decode

HELD_SECONDS = 120.0


@pytest.fixture
def history() -> History:
    history = History()
    history.connect(3)
    for number in range(4):
        history.plan(number * 3)
    for number in range(3):
        history.claim(number)
        history.work(number)
    return history


def live(store: MemoryRows, projection: AnyProjection) -> dict[str, Any]:
    rows = store.select(TaskPage(limit=200).selection()).rows if projection.name == "task_board" else ()
    return {row.key: row for row in rows}


def on_poison(
    projection: AnyProjection, poison: type[Event], what: Literal["park_stream", "halt"], stream: str = ""
) -> AnyProjection:
    def evolve(row: Any, recorded: Recorded, key: str) -> Any:
        if isinstance(recorded.event, poison) and recorded.stream == (stream or recorded.stream):
            raise ZeroDivisionError("planted")
        return projection.evolve(row, recorded, key)

    return replace(projection, evolve=evolve, on_poison=what)


def started(history: History, store: MemoryRows, *projections: AnyProjection, **hooks: Any) -> Projector:
    log = MemoryLog()
    append(log, history.log)
    return Projector(log, store, projections or PROJECTIONS, hooks.pop("decode", decode), ProjectorOptions(**hooks))


def test_whoever_wrote_reads_it_after_waiting(history: History) -> None:
    log, store = MemoryLog(), MemoryRows()
    projector = Projector(log, store, PROJECTIONS, decode)
    projector.start()

    async def write_and_read() -> None:
        assert not await projector.wait_for(1, timeout_seconds=0.01)
        waiting = asyncio.create_task(projector.wait_for(len(history.log)))
        await asyncio.sleep(0)
        append(log, history.log)
        assert await waiting
        assert await projector.wait_for(1)

    try:
        asyncio.run(write_and_read())
        assert projector.position() == len(history.log)
        events = [decode(row) for row in log.page(after=0, limit=1_000)]
        assert live(store, TASK_BOARD) == replay(TASK_BOARD, events)
    finally:
        projector.stop()


def test_poison_parks_its_stream_in_its_projection_and_the_others_go_on(history: History) -> None:
    task = next(recorded.stream for recorded in history.log if isinstance(recorded.event, TaskClaimed))
    claimed = next(recorded for recorded in history.log if isinstance(recorded.event, TaskClaimed))
    store = MemoryRows()
    projector = started(history, store, on_poison(TASK_BOARD, TaskClaimed, "park_stream", task), LOCK_MAP)
    projector.open()
    assert projector.catch_up() == len(history.log)
    board, locks = projector.status()
    assert (board.parked_streams, locks.parked_streams) == (1, 0)
    assert store.parked(store.open(TASK_BOARD, "")) == (
        Parked(task, claimed.position, "task.claimed.v1", "ZeroDivisionError: planted"),
    )
    rows = live(store, TASK_BOARD)
    assert rows.pop(task).status == "ready"
    assert {row.status for row in rows.values()} >= {"running"}
    again = started(history, store, TASK_BOARD)  # with the bug mended the stream still waits for somebody to look
    again.open()
    again.catch_up()
    assert live(store, TASK_BOARD)[task].status == "ready"


def test_an_event_that_fails_only_once_is_folded(history: History) -> None:
    failures = iter([True])

    def evolve(row: Any, recorded: Recorded, key: str) -> Any:
        if isinstance(recorded.event, TaskClaimed) and next(failures, False):
            raise MemoryError
        return TASK_BOARD.evolve(row, recorded, key)

    store = MemoryRows()
    projector = started(history, store, replace(TASK_BOARD, evolve=evolve))
    projector.open()
    projector.catch_up()
    assert projector.status()[0].parked_streams == 0
    assert next(failures, None) is None


def test_a_projection_that_spans_streams_halts_in_front_of_poison(history: History) -> None:
    first = next(recorded.position for recorded in history.log if isinstance(recorded.event, TaskStarted))
    store = MemoryRows()
    projector = started(history, store, on_poison(TIMELINE, TaskStarted, "halt"), TASK_BOARD)
    projector.open()
    assert projector.catch_up() == len(history.log)
    timeline, board = projector.status()
    assert (timeline.state, timeline.checkpoint) == ("halted", first - 1)
    assert timeline.error == f"@{first} ZeroDivisionError: planted"
    assert (board.state, board.checkpoint) == ("following", len(history.log))


def test_a_row_that_cannot_be_read_is_parked_only_where_it_concerns(history: History) -> None:
    planned = next(recorded for recorded in history.log if isinstance(recorded.event, TaskPlanned))

    def reading(row: LogRow) -> Recorded:
        if row.position == planned.position:
            raise ValueError("not JSON")
        return decode(row)

    projector = started(history, MemoryRows(), TASK_BOARD, LOCK_MAP, decode=reading)
    projector.open()
    assert projector.catch_up() == len(history.log)
    assert [status.parked_streams for status in projector.status()] == [1, 0]


def test_a_log_newer_than_the_program_is_waited_for(history: History) -> None:
    end = history.log[-1].position

    def reading(row: LogRow) -> Recorded:
        if row.position == end:
            raise UnknownEventType(row.type)
        return decode(row)

    projector = started(history, MemoryRows(), decode=reading)
    projector.open()
    with pytest.raises(UnknownEventType):
        projector.catch_up()
    assert projector.position() == end - 1
    assert all(status.parked_streams == 0 for status in projector.status())


class Picky(MemoryRows):
    """Refuses one row, as a database refuses a number beyond its columns."""

    def write(self, changes: Any) -> bool:
        for change in changes:
            if any(getattr(version.row, "title", "") == "Do 3" for version in change.versions):
                raise RowRefused(change.generation.projection.name)
        return super().write(changes)


def test_a_row_that_cannot_be_stored_parks_its_stream(history: History) -> None:
    store = Picky()
    projector = started(history, store, TASK_BOARD, LOCK_MAP)
    projector.open()
    assert projector.catch_up() == len(history.log)
    assert [status.parked_streams for status in projector.status()] == [1, 0]
    assert len(live(store, TASK_BOARD)) == 3


def test_rows_ahead_of_a_restored_log_are_reported_and_left_alone(history: History) -> None:
    store = MemoryRows()
    store.write([Change(store.open(TASK_BOARD, ""), 10_000)])
    projector = started(history, store, TASK_BOARD)
    projector.open()
    assert projector.status()[0].state == "ahead_of_log"
    assert not live(store, TASK_BOARD)


def test_other_code_is_reported_and_nothing_rebuilt(history: History) -> None:
    store = MemoryRows()
    store.open(TASK_BOARD, "of other code")
    projector = started(history, store, TASK_BOARD, replace(LOCK_MAP, version=1))
    projector.open()
    projector.catch_up()
    assert [status.drifted for status in projector.status()] == [True, False]
    assert [status.generation for status in projector.status()] == [1, 1]


def test_a_table_of_another_version_is_outdated(history: History) -> None:
    store = MemoryRows()
    store.open(TASK_BOARD, "")
    projector = started(history, store, replace(TASK_BOARD, version=TASK_BOARD.version + 1), LOCK_MAP)
    projector.open()
    projector.catch_up()
    assert [status.state for status in projector.status()] == ["outdated", "following"]


def test_a_node_that_does_not_lead_only_follows_the_checkpoints(history: History) -> None:
    log, store = MemoryLog(), MemoryRows()
    append(log, history.log)
    leading = iter([False] * 3)
    follower = Projector(log, store, PROJECTIONS, decode, ProjectorOptions(leads=lambda: next(leading, True)))
    follower.open()
    assert follower._follow()
    assert follower.position() == 0
    leader = Projector(log, store, PROJECTIONS, decode)
    leader.open()
    leader.catch_up()
    assert not follower._follow()
    assert follower.position() == len(history.log)


def test_metrics_get_their_figures(history: History) -> None:
    rounds: list[Round] = []
    for number in range(600):
        history.plan(number)
    projector = started(history, MemoryRows(), measure=rounds.append)
    projector.open()
    projector.catch_up()
    assert sum(round_.events for round_ in rounds) >= len(history.log)
    assert rounds[0].lag_events > 0
    assert rounds[-1].lag_events == 0


def test_rows_that_nobody_waits_for_come_later_and_in_larger_pages_while_commands_are_written(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector_pace, "HOLD_SECONDS_MIN", HELD_SECONDS)
    log, rounds = MemoryLog(), list[Round]()
    asked: list[int] = []

    def busy() -> bool:
        asked.append(1)
        return True

    projector = Projector(log, MemoryRows(), PROJECTIONS, decode, ProjectorOptions(busy=busy, measure=rounds.append))
    projector.start()
    try:
        first, *others = [list(group) for _, group in groupby(history.log, key=lambda one: one.command_id)]
        append(log, first)
        while projector.position() < len(first):  # nothing was before it, so nothing is held back
            time.sleep(0.01)
        for group in others:
            append(log, group)
            time.sleep(0.01)
        assert projector.position() == len(first)
        assert asked
        assert asyncio.run(projector.wait_for(len(history.log), timeout_seconds=HELD_SECONDS / 2))
    finally:
        projector.stop()
    assert [round_.events for round_ in rounds] == [len(first), len(history.log) - len(first)]


def test_whoever_is_far_behind_yields_no_more() -> None:
    slept: list[float] = []
    pace = Pace(busy=lambda: True, wanted=lambda: False)
    pace.begin_page(HOLD_EVENTS_MAX + 1)
    pace.breathe()
    slept.append(pace.yielded_seconds)
    pace.begin_page(0)
    pace.breathe()
    slept.append(pace.yielded_seconds)
    assert slept[0] == 0 < slept[1]


def test_the_thread_outlives_a_store_that_breaks(history: History) -> None:
    class Breaking(MemoryRows):
        failures = 2

        def write(self, changes: Any) -> bool:
            if self.failures:
                self.failures -= 1
                raise OSError("gone")
            return super().write(changes)

    projector = started(history, Breaking())
    projector.start()
    try:
        assert asyncio.run(projector.wait_for(len(history.log), timeout_seconds=60))
    finally:
        projector.stop()


def test_a_nul_in_a_title_does_not_reach_the_rows() -> None:
    history = History()
    history.plan(0)
    rows = replay(TASK_BOARD, history.log)
    assert [row.title for row in rows.values()] == ["Do\ufffd 0"]
