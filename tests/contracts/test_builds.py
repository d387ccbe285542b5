"""Read models built anew beside the live ones, on every store: compared, promoted, taken back, mended."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection
from domain.task.events import TaskClaimed
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow
from infrastructure.rows.builds import Build, Scanned
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.generations import Generation
from infrastructure.rows.memory import MemoryRows
from infrastructure.rows.port import RowStore
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.builds import worker
from infrastructure.runtime.builds.desk import BuildDesk, Report
from infrastructure.runtime.builds.errors import (
    BuildUnderWay,
    DifferencesNotAccepted,
    NothingBuilt,
    NothingToReturnTo,
    StillPoisoned,
    StreamNotParked,
)
from infrastructure.runtime.builds.worker import Around
from infrastructure.runtime.projector import Projector
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.kernel.replay import replay
from projections.kernel.rows import Versioned
from projections.lock_map.projection import LOCK_MAP
from projections.task_board.projection import TASK_BOARD
from projections.timeline.projection import TIMELINE
from tests.contracts.test_rows import BUSY, everything, rebased
from tests.projections.histories import append, decode, history_of

Stores = Callable[[], RowStore]
EVENTS = rebased(history_of(BUSY))


def whole(events: int) -> int:
    """So many events, and what is left of the last command."""
    while events < len(EVENTS) and EVENTS[events - 1].command_id == EVENTS[events].command_id:
        events += 1
    return events


SOME, MORE, MANY = whole(400), whole(500), whole(600)
CHOSEN = (TASK_BOARD, LOCK_MAP, TIMELINE, FLEET_METRICS)
"""Versions, lines, and one that keeps only the latest."""


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RowStore]:
    match request.param:
        case "memory":
            opened: RowStore = MemoryRows()
        case "sqlite":
            opened = SqliteRows(tmp_path / "rows.db")
        case _:
            opened = PostgresRows(request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


class Place:
    """A log with rows, the projector that keeps them level, and a desk whose worker is stepped by hand."""

    def __init__(self, store: RowStore, projections: tuple[AnyProjection, ...] = CHOSEN, events: int = SOME) -> None:
        self.log = MemoryLog()
        self.store = store
        self.projections = projections
        append(self.log, EVENTS[:events])
        self.projector = Projector(self.log, store, projections, decode)
        self.projector.open()
        self.projector.catch_up()
        self.desk = self.new_desk()

    def new_desk(
        self, decoding: Callable[[LogRow], Recorded] = decode, busy: Callable[[], bool] = lambda: False
    ) -> BuildDesk:
        """What a start of the server makes."""
        around = Around(
            log=self.log,
            store=self.store,
            projections=self.projections,
            decode=decoding,
            node="node_1",
            busy=busy,
            promoted=self.projector.look_again,
        )
        return BuildDesk(around, self.projector.status)

    def changed(self, *projections: AnyProjection) -> "Place":
        """The same place with other code, after a restart."""
        self.projections = projections
        self.projector = Projector(self.log, self.store, projections, decode)
        self.projector.open()
        self.projector.catch_up()
        self.desk = self.new_desk()
        return self

    def step(self) -> None:
        for _ in range(4):
            self.desk.worker.step()

    def grow(self, events: int) -> None:
        """More of the history arrives and is folded."""
        append(self.log, EVENTS[self.log.head() : whole(events)])
        self.projector.catch_up()

    def report(self, name: str) -> Report:
        return next(one for one in self.desk.reports() if one.status.name == name)

    def build(self, name: str) -> Build:
        found = self.report(name).build
        assert found is not None
        return found

    def is_right(self, projection: AnyProjection) -> bool:
        """Whether what is asked is what a fresh fold of the log says."""
        events = [decode(row) for row in self.log.page(after=0, limit=100_000)]
        return everything(self.store, projection) == replay(projection, events)


def other(projection: AnyProjection) -> AnyProjection:
    """The same projection with another opinion of claims."""

    def evolve(row: Any, recorded: Recorded, key: str) -> Any:
        after = projection.evolve(row, recorded, key)
        return after._replace(note="claimed") if isinstance(recorded.event, TaskClaimed) and after else after

    return replace(projection, evolve=evolve)


def poisoned(projection: AnyProjection, stream: str, what: Literal["park_stream", "halt"]) -> AnyProjection:
    def evolve(row: Any, recorded: Recorded, key: str) -> Any:
        if recorded.stream == stream and isinstance(recorded.event, TaskClaimed):
            raise ZeroDivisionError("planted")
        return projection.evolve(row, recorded, key)

    return replace(projection, evolve=evolve, on_poison=what)


def claimed_stream(events: int) -> str:
    return next(one.stream for one in EVENTS[:events] if isinstance(one.event, TaskClaimed))


def test_all_read_models_are_built_anew_and_take_over_where_nothing_differs(store: RowStore) -> None:
    place = Place(store, PROJECTIONS)
    assert place.desk.rebuild((), purpose="rebuild", hold=False, by="key_1") is None
    place.step()
    for projection in PROJECTIONS:
        build = place.build(projection.name)
        assert (build.phase, build.generation, build.asked_by) == ("promoted", 2, "key_1")
    place.projector.look_again()
    place.grow(700)
    assert {one.status.generation for one in place.desk.reports()} == {2}
    assert all(place.is_right(projection) for projection in CHOSEN)


def test_what_is_held_follows_the_log_until_it_is_promoted(store: RowStore) -> None:
    place = Place(store)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=True, by="key_1")
    place.step()
    assert place.build("task_board").phase == "level"
    place.grow(MANY)
    place.step()
    assert place.report("task_board").built_to == MANY
    assert place.report("task_board").status.generation == 1
    assert place.desk.promote("task_board", accept_differences=False) is None
    place.step()
    place.grow(700)
    assert place.build("task_board").phase == "promoted"
    assert place.report("task_board").status.generation == 2
    assert place.is_right(TASK_BOARD)


def test_other_code_that_differs_waits_for_a_person_who_is_shown_the_difference(store: RowStore) -> None:
    place = Place(store, (TASK_BOARD, LOCK_MAP))
    place.changed(other(TASK_BOARD), LOCK_MAP)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=False, by="key_1")
    place.step()
    build = place.build("task_board")
    assert build.phase == "differs"
    assert '"column":"note"' in build.comparison
    assert '"built":"claimed"' in build.comparison
    refused = place.desk.promote("task_board", accept_differences=False)
    assert isinstance(refused, DifferencesNotAccepted)
    assert refused.differing > 0
    assert place.desk.promote("task_board", accept_differences=True) is None
    place.step()
    place.projector.catch_up()
    assert place.is_right(other(TASK_BOARD))


def test_a_promotion_is_taken_back(store: RowStore) -> None:
    place = Place(store, (TASK_BOARD, LOCK_MAP))
    assert isinstance(place.desk.rollback("task_board", by="key_1"), NothingToReturnTo)
    place.changed(other(TASK_BOARD), LOCK_MAP)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=False, by="key_1")
    place.step()
    place.desk.promote("task_board", accept_differences=True)
    place.step()
    place.changed(TASK_BOARD, LOCK_MAP)
    assert place.desk.rollback("task_board", by="key_1") is None
    place.step()
    place.grow(MANY)
    assert place.report("task_board").status.generation == 1
    assert place.is_right(TASK_BOARD)


def test_verifying_changes_nothing_and_finds_a_row_that_was_touched(store: RowStore) -> None:
    place = Place(store)
    place.desk.rebuild((), purpose="verify", hold=False, by="key_1")
    place.step()
    assert {one.build.phase for one in place.desk.reports() if one.build} == {"verified"}
    assert {one.status.generation for one in place.desk.reports()} == {1}
    assert {len(one.generations) for one in place.desk.reports()} == {1}
    # One cell of a live row, changed by somebody who is not the projector.
    board = place.projector._folders["task_board"]
    key, row = next(iter(everything(store, TASK_BOARD).items()))
    change = board.fold((), board.generation.checkpoint, lambda: None)
    change.closed.append((key, board.generation.checkpoint))
    change.versions.append(Versioned(row._replace(title="forged"), board.generation.checkpoint, None))
    assert store.write([change])
    place.desk.rebuild(["task_board"], purpose="verify", hold=False, by="key_1")
    place.step()
    assert place.build("task_board").phase == "differs"
    assert '"lacking":"built"' in place.build("task_board").comparison
    assert key in place.build("task_board").comparison


def test_one_build_of_a_read_model_at_a_time(store: RowStore) -> None:
    place = Place(store)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=True, by="key_1")
    assert isinstance(place.desk.rebuild((), purpose="rebuild", hold=False, by="key_1"), BuildUnderWay)
    assert isinstance(place.desk.rollback("task_board", by="key_1"), BuildUnderWay)
    assert isinstance(place.desk.promote("task_board", accept_differences=False), BuildUnderWay)
    assert place.desk.abandon("task_board") is None
    assert isinstance(place.desk.abandon("task_board"), NothingBuilt)
    place.step()
    assert place.build("task_board").phase == "abandoned"
    assert len(place.report("task_board").generations) == 1
    assert place.is_right(TASK_BOARD)


def test_unknown_names_are_refused_and_nothing_is_begun(store: RowStore) -> None:
    place = Place(store)
    for refused in (
        place.desk.rebuild(["task_board", "nothing"], purpose="rebuild", hold=False, by="key_1"),
        place.desk.promote("nothing", accept_differences=False),
        place.desk.rollback("nothing", by="key_1"),
        place.desk.pause("nothing", reason="x", by="key_1"),
        place.desk.retry("nothing", "task_1"),
        place.desk.prune(["nothing"], keep=0),
    ):
        assert isinstance(refused, Rejection)
        assert refused.code() == "unknown_thing"
    assert {len(one.generations) for one in place.desk.reports()} == {1}


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize("seed", range(6))
def test_a_build_that_is_cut_off_anywhere_goes_on_and_ends_as_a_fresh_fold(
    store: RowStore, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row that is read, folded or compared may be the last one of a process; a new one goes on from there."""
    monkeypatch.setattr(worker, "SLICE_SECONDS", 0.0)  # it breathes whenever it is asked to
    chance = random.Random(seed)
    place = Place(store)
    place.desk.rebuild((), purpose="rebuild", hold=False, by="key_1")
    crashes = 0
    for _ in range(60):
        left, breaths = chance.randrange(1, 900), chance.randrange(1, 40)

        def decoding(row: LogRow) -> Recorded:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash
            return decode(row)

        def busy() -> bool:
            nonlocal breaths
            breaths -= 1
            if breaths == 0:
                raise Crash
            return False

        desk = place.new_desk(decoding, busy)
        try:
            for _ in range(chance.randrange(1, 4)):
                desk.worker.step()
        except Crash:
            crashes += 1
        place.grow(min(len(EVENTS), place.log.head() + chance.randrange(20)))
        if all(place.build(one.name).phase == "promoted" for one in place.projections):
            break
    place.step()
    place.projector.look_again()
    place.projector.catch_up()
    assert crashes
    assert {place.build(one.name).phase for one in place.projections} == {"promoted"}
    assert all(place.is_right(projection) for projection in place.projections)


def test_code_that_changed_since_a_build_was_begun_does_not_go_on_with_it(store: RowStore) -> None:
    place = Place(store, (TASK_BOARD, LOCK_MAP))
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=False, by="key_1")
    place.changed(other(TASK_BOARD), LOCK_MAP)
    place.step()
    assert place.build("task_board").phase == "failed"
    assert "code" in place.build("task_board").error
    assert len(place.report("task_board").generations) == 1


def test_a_paused_read_model_stands_still_for_every_node(store: RowStore) -> None:
    place = Place(store)
    beside = Projector(place.log, store, place.projections, decode)
    beside.open()
    assert place.desk.pause("task_board", reason="being looked at", by="key_1") is None
    append(place.log, EVENTS[SOME:MORE])
    beside.catch_up()  # does not know it yet
    place.projector.catch_up()
    assert place.report("task_board").status.state == "paused"
    assert place.report("task_board").status.error == "being looked at"
    assert place.report("task_board").status.checkpoint == SOME
    assert place.report("lock_map").status.checkpoint == MORE
    assert place.report("task_board").lag_seconds >= 0
    assert place.desk.go_on("task_board") is None
    place.projector._look()
    place.projector.catch_up()
    assert place.is_right(TASK_BOARD)


def test_a_parked_stream_goes_on_once_the_code_is_mended(store: RowStore) -> None:
    stream = claimed_stream(SOME)
    place = Place(store, (poisoned(TASK_BOARD, stream, "park_stream"), LOCK_MAP))
    assert [one.stream for _, one in place.desk.parked()] == [stream]
    refused = place.desk.retry("task_board", stream)
    assert isinstance(refused, StillPoisoned)
    assert "planted" in refused.error
    stale = place.projector
    place.changed(TASK_BOARD, LOCK_MAP)
    assert place.desk.retry("task_board", stream) is None
    assert isinstance(place.desk.retry("task_board", stream), StreamNotParked)
    assert place.desk.parked() == ()
    # A node that still believes that the stream stands still does not write past it.
    append(place.log, EVENTS[SOME:MORE])
    stale._page(stale._groups()[0])
    place.projector.catch_up()
    assert place.is_right(TASK_BOARD)


def test_an_event_is_left_out_for_a_reason(store: RowStore) -> None:
    stream = claimed_stream(SOME)
    bad = poisoned(TASK_BOARD, stream, "park_stream")
    place = Place(store, (bad, LOCK_MAP))
    position = place.desk.parked()[0][1].position
    assert place.desk.skip("task_board", stream, reason="a bad row", by="key_1") is None
    place.projector.look_again()
    place.grow(MORE)
    events = [one for one in EVENTS[:MORE] if one.position != position]
    assert everything(store, TASK_BOARD) == replay(TASK_BOARD, events)
    assert place.desk.parked() == ()


def test_a_read_model_that_stands_still_as_a_whole_is_led_past_an_event(store: RowStore) -> None:
    stream = claimed_stream(SOME)
    place = Place(store, (poisoned(FLEET_METRICS, stream, "halt"), LOCK_MAP))
    assert place.report("fleet_metrics").status.state == "halted"
    [(name, halted)] = place.desk.parked()
    assert (name, halted.stream) == ("fleet_metrics", stream)
    assert isinstance(place.desk.retry(name, stream), StillPoisoned)
    assert place.desk.skip(name, stream, reason="a bad event", by="key_1") is None
    place.projector.look_again()
    place.projector._look()
    place.projector.catch_up()
    left_out = {halted.position}
    while place.desk.parked():  # the stream is claimed again later on
        left_out.add(place.desk.parked()[0][1].position)
        place.desk.skip(name, stream, reason="another", by="key_1")
        place.projector.look_again()
        place.projector._look()
        place.projector.catch_up()
    events = [one for one in EVENTS[:SOME] if one.position not in left_out]
    assert everything(store, FLEET_METRICS) == replay(FLEET_METRICS, events)


def test_retired_generations_are_dropped_with_their_tables_and_numbers_are_not_used_again(store: RowStore) -> None:
    place = Place(store)
    for _ in range(3):
        place.desk.rebuild(["task_board"], purpose="rebuild", hold=False, by="key_1")
        place.step()
    assert [one.state for one in place.report("task_board").generations] == ["retired", "retired", "retired", "live"]
    assert place.desk.prune(["task_board"], keep=1) == ("task_board_v3_g1", "task_board_v3_g2")
    assert place.desk.prune((), keep=0) == ("task_board_v3_g3",)
    assert place.desk.prune((), keep=0) == ()
    place.desk.rebuild(["task_board"], purpose="verify", hold=False, by="key_1")
    place.step()
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=True, by="key_1")
    assert place.build("task_board").generation == 6
    assert place.is_right(TASK_BOARD)


def test_a_reader_that_remembers_a_dropped_table_finds_the_live_one(store: RowStore) -> None:
    place = Place(store)
    assert place.is_right(TASK_BOARD)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=False, by="key_1")
    place.step()
    place.desk.prune(["task_board"], keep=0)
    assert place.is_right(TASK_BOARD)


@pytest.mark.parametrize("dropped", [False, True])
def test_a_kill_at_the_end_of_a_build_leaves_no_rows_behind(store: RowStore, dropped: bool) -> None:
    """The record that it failed is there, its generation not yet given up, or given up and not yet dropped."""
    place = Place(store)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=True, by="key_1")
    place.step()
    store.keep_build(place.build("task_board").now("failed", 1, error="planted"))
    if dropped:
        store.give_up(Generation(TASK_BOARD, 2, "", "building", 0))
    assert isinstance(place.desk.rollback("task_board", by="key_1"), NothingToReturnTo)
    place.desk = place.new_desk()
    place.step()
    assert [(one.number, one.state) for one in place.report("task_board").generations] == [(1, "live")]
    assert place.build("task_board").phase == "failed"


def test_a_kill_between_a_generation_and_its_build_leaves_neither(
    store: RowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.runtime.builds.worker.ORPHANED_SECONDS", 0.0)
    place = Place(store)
    store.begin(TASK_BOARD, "code")
    place.desk.rebuild(["lock_map"], purpose="rebuild", hold=False, by="key_1")
    place.step()
    # The same where a generation was reopened, which has to be there for another try.
    assert store.reopen(LOCK_MAP, 1) is not None
    place.desk = place.new_desk()
    place.step()
    assert [(one.number, one.state) for one in place.report("task_board").generations] == [(1, "live")]
    assert [(one.number, one.state) for one in place.report("lock_map").generations] == [(1, "retired"), (2, "live")]
    assert place.desk.rollback("lock_map", by="key_1") is None
    place.step()
    assert place.report("lock_map").status.generation == 1


def test_of_two_that_were_asked_for_on_two_nodes_at_once_one_is_built(store: RowStore) -> None:
    place = Place(store)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=True, by="key_1")
    begun = store.begin(TASK_BOARD, fingerprint(TASK_BOARD))
    store.keep_build(replace(place.build("task_board"), generation=begun.number, asked_by="key_2"))
    place.step()
    phases = {build.asked_by: (build.generation, build.phase) for build in store.builds()}
    assert phases == {"key_1": (2, "abandoned"), "key_2": (3, "level")}
    assert [(one.number, one.state) for one in place.report("task_board").generations] == [(1, "live"), (3, "building")]


def test_whoever_gives_a_build_up_has_the_last_word(store: RowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up when the worker has read all that it compares, and is about to write how that went."""
    place = Place(store)
    place.desk.rebuild(["task_board"], purpose="rebuild", hold=True, by="key_1")
    abandoned: list[object] = []
    read = store.versions

    def versions(generation: Generation, after: Any) -> Scanned:
        found = read(generation, after)
        if generation.number == 2 and not found.versions:
            abandoned.append(place.desk.abandon("task_board"))
        return found

    monkeypatch.setattr(store, "versions", versions)
    place.step()
    assert abandoned == [None]
    assert place.build("task_board").phase == "abandoned"
    assert [(one.number, one.state) for one in place.report("task_board").generations] == [(1, "live")]


def test_what_another_node_is_about_to_write_is_not_taken_for_left_over(
    store: RowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a generation and its build lies a moment in which whoever holds the duty may look."""
    place, (projection, *_) = Place(store), CHOSEN
    begun = store.begin(projection, fingerprint(projection))
    place.desk.worker.step()
    assert begun.number in [listed.number for listed in store.generations(projection)]
    now = place.log.now()
    written = Build(
        projection=projection.name, generation=begun.number, purpose="rebuild", hold=False, phase="building",
        asked_by="key_1", asked_at=now, began_at=now, began_position=0, changed_at=now,
    )  # fmt: skip
    store.keep_build(written)
    place.step()
    assert place.build(projection.name).phase == "promoted"
    assert place.is_right(projection)
    left_over = store.begin(projection, fingerprint(projection))
    place.desk.worker.step()
    monkeypatch.setattr("infrastructure.runtime.builds.worker.ORPHANED_SECONDS", 0.0)
    place.desk.worker.step()
    assert left_over.number not in [listed.number for listed in store.generations(projection)]
