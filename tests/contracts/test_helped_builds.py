"""A process beside the server folds what is long: the rows are the same, whatever becomes of it."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import Pipe, active_children
from pathlib import Path
from struct import pack
from threading import Thread
from typing import Any

import pytest

from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Appended, Member, NewEvent
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.generations import Generation
from infrastructure.rows.memory import MemoryRows
from infrastructure.rows.port import Change, RowRefused, RowStore
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime import projector_fold
from infrastructure.runtime.builds import building, folding, helped
from infrastructure.runtime.builds.building import BuildFailed, Tools, fill
from infrastructure.runtime.builds.folding import Begin, Folded, Known, Page, serve
from infrastructure.runtime.builds.helped import Helper, HelperGone, begin_helper
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.rows import Versioned
from tests.contracts.test_rows import BUSY, rebased
from tests.projections.histories import append, decode, history_of

EVENTS = rebased(history_of(BUSY))
PAGE_EVENTS = 90


def whole(events: int) -> int:
    """So many events, and what is left of the last command."""
    while EVENTS[events - 1].command_id == EVENTS[events].command_id:
        events += 1
    return events


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


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pages, and so few rows remembered that most have to be asked for."""
    monkeypatch.setattr(building, "HELPED_PAGE_EVENTS", PAGE_EVENTS)
    monkeypatch.setattr(projector_fold, "CACHED_ROWS_MAX", 5)


class InThread(Helper):
    """Answers in a thread of this process, and counts."""

    def __init__(self) -> None:
        ours, theirs = Pipe()
        thread = Thread(target=serve, args=(theirs,), daemon=True)
        super().__init__(ours, lambda: thread.join(60))
        thread.start()
        self.pages = self.wanted = self.folded = 0

    def is_there(self) -> bool:
        while not super().is_there():
            self._connection.poll(1)
        return True

    def ask(self, message: Begin | Page | Known) -> None:
        self.pages += isinstance(message, Page)
        self.wanted += isinstance(message, Known)
        super().ask(message)

    def answer(self, go_on: Callable[[], bool]) -> Any:
        found = super().answer(go_on)
        self.folded += isinstance(found, Folded)
        return found


class Place:
    """A log, and two ways to fill generations of every read model from it."""

    def __init__(self, store: RowStore, events: int = len(EVENTS)) -> None:
        self.store = store
        self.log = MemoryLog()
        append(self.log, EVENTS[:events])
        self.helpers: list[InThread] = []

    def begun(self, projections: Sequence[AnyProjection] = PROJECTIONS) -> list[Generation]:
        return [self.store.begin(projection, fingerprint(projection)) for projection in projections]

    def alone(self, projections: Sequence[AnyProjection] = PROJECTIONS) -> list[Generation]:
        return fill(Tools(self.log, self.store, decode, lambda: None, lambda: True), self.begun(projections))

    def helper(self) -> InThread:
        self.helpers.append(InThread())
        return self.helpers[-1]

    def with_help(
        self, generations: list[Generation], *, go_on: Callable[[], bool] = lambda: True, until: int | None = None
    ) -> list[Generation]:
        return fill(Tools(self.log, self.store, decode, lambda: None, go_on, self.helper, 1), generations, until)

    def every(self, generations: list[Generation]) -> dict[str, list[Versioned[Any]]]:
        return {one.projection.name: sorted(self.store.every_version(one).versions, key=repr) for one in generations}

    @property
    def end(self) -> int:
        return self.log.head()


def test_the_rows_are_those_of_a_fill_by_one_process(store: RowStore) -> None:
    place = Place(store)
    helped_, alone = place.with_help(place.begun()), place.alone()
    assert {one.checkpoint for one in helped_} == {place.end}
    assert place.every(helped_) == place.every(alone)
    (helper,) = place.helpers
    assert helper.folded >= len(EVENTS) // PAGE_EVENTS
    assert helper.wanted > 0


def test_it_goes_exactly_to_a_position_and_on_from_there(store: RowStore) -> None:
    place = Place(store)
    half = place.with_help(place.begun(), until=len(EVENTS) // 2)
    assert {one.checkpoint for one in half} == {len(EVENTS) // 2}
    assert place.every(place.with_help(half)) == place.every(place.alone())


def test_who_leaves_off_in_the_middle_goes_on_from_there(store: RowStore) -> None:
    place = Place(store)
    generations, times = place.begun(), iter(range(1_000))
    generations = place.with_help(generations, go_on=lambda: next(times) < 5)
    assert 0 < generations[0].checkpoint < place.end
    assert place.every(place.with_help(generations)) == place.every(place.alone())


def test_what_cannot_be_read_is_set_aside_as_ever_and_the_help_goes_on_behind_it(store: RowStore) -> None:
    place = Place(store, third := whole(len(EVENTS) // 3))
    broken = NewEvent("task_" + "9" * 26, 1, "task.planned.v1", 1, b"{}", EVENTS[0].project)
    member = Member(
        command_id="cmd_broken", project=broken.project, principal="key_test", time=1, correlation_id="c",
        causation_id=None, traceparent=None, digest=b"d", body=b"{}", outcome=b"{}",
        reads=((broken.stream, 0),), events=(broken,),
    )  # fmt: skip
    assert isinstance(place.log.append([member], now=place.log.now())[0], Appended)
    append(place.log, EVENTS[third:])
    chosen = [projection for projection in PROJECTIONS if projection.on_poison == "park_stream"]
    helped_, alone = place.with_help(place.begun(chosen)), place.alone(chosen)
    assert place.every(helped_) == place.every(alone)
    parked = [[(one.stream, one.position) for one in store.parked(each)] for each in helped_]
    assert parked == [[(one.stream, one.position) for one in store.parked(each)] for each in alone]
    assert [(broken.stream, third + 1)] in parked
    assert place.helpers[0].folded >= len(EVENTS) // PAGE_EVENTS - 1


class GoneAfter(InThread):
    """Ends after so many pages, as a killed process does."""

    def __init__(self, pages: int) -> None:
        super().__init__()
        self._left = pages

    def answer(self, go_on: Callable[[], bool]) -> Any:
        if self.folded >= self._left:
            raise HelperGone
        return super().answer(go_on)


@pytest.mark.parametrize("pages", [0, 2])
def test_without_it_all_is_done_here(store: RowStore, pages: int) -> None:
    place = Place(store)
    tools = Tools(place.log, store, decode, lambda: None, lambda: True, lambda: GoneAfter(pages), 1)
    assert place.every(fill(tools, place.begun())) == place.every(place.alone())


def test_a_program_that_was_replaced_on_the_disk_folds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(MemoryRows())
    monkeypatch.setattr(folding, "fingerprint", lambda _projection: "of another program")
    assert place.every(place.with_help(place.begun())) == place.every(place.alone())
    assert place.helpers[0].pages == 0


def test_a_row_that_the_store_refuses_is_set_aside_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(MemoryRows())
    stubborn = {EVENTS[300].stream, EVENTS[500].stream}
    write = place.store.write

    def refusing(changes: list[Change]) -> bool:
        for change in changes:
            if any(version.row.key in stubborn for version in change.versions):
                raise RowRefused(change.generation.projection.name)
        return write(changes)

    monkeypatch.setattr(place.store, "write", refusing)
    helped_, alone = place.with_help(place.begun()), place.alone()
    assert place.every(helped_) == place.every(alone)
    assert {one.stream for each in helped_ for one in place.store.parked(each)} & stubborn
    assert place.helpers[0].folded > 1


def test_a_generation_that_somebody_else_fills_is_left_to_him(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(MemoryRows())
    monkeypatch.setattr(place.store, "write", lambda _changes: False)
    with pytest.raises(BuildFailed, match="somebody else"):
        place.with_help(place.begun())


def test_who_is_stopped_in_the_middle_of_a_message_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helped, "SILENT_SECONDS_MAX", 0.2)
    ours, theirs = Pipe()
    with ours, theirs:
        helper = Helper(ours, lambda: None)
        with pytest.raises(HelperGone):
            helper.ask(Page(b"x" * 4_000_000))
    ours, theirs = Pipe()
    with ours, theirs:
        helper = Helper(ours, lambda: None)
        os.write(theirs.fileno(), pack("!i", 1_000) + b"the beginning of a thousand bytes")
        with pytest.raises(HelperGone):
            helper.answer(lambda: True)


def test_a_process_that_is_killed_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(SqliteRows(tmp_path / "rows.db"))
    helper, pages = begin_helper(), list[int]()
    answer = Helper.answer

    def killed_behind_the_second(self: Helper, go_on: Callable[[], bool]) -> Any:
        found = answer(self, go_on)
        if isinstance(found, Folded):
            pages.append(found.end)
            if len(pages) == 2:
                os.kill(_helping()[0], signal.SIGKILL)
        return found

    while not helper.is_there():
        helper._connection.poll(1)
    monkeypatch.setattr(Helper, "answer", killed_behind_the_second)
    built = fill(Tools(place.log, place.store, decode, lambda: None, lambda: True, lambda: helper, 1), place.begun())
    # What it had begun on by then may have come whole.
    assert 2 <= len(pages) <= 3
    assert {one.checkpoint for one in built} == {place.end}
    assert place.every(built) == place.every(place.alone())
    assert _helping() == []
    place.store.close()


def _helping() -> list[int]:
    return [child.pid for child in active_children() if child.pid is not None and child.name == "signalbox-fold"]
