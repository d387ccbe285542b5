"""Every store of rows: what it holds at any position is what a fold of that prefix says."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.kernel.decider import Recorded
from domain.task.events import TaskProgressed
from infrastructure.log.memory import MemoryLog
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.memory import MemoryRows
from infrastructure.rows.port import Change, RowRefused, RowStore, Tallied
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.reader import Reader
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.builds.building import Tools, fill, take_over
from infrastructure.runtime.projector import Projector
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.replay import replay
from projections.kernel.requests import Begins, Order, equal, first_beyond, select, tally
from projections.kernel.rows import Versioned
from projections.lock_map.queries import LockPage
from projections.session_roster.queries import SessionPage
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskPage
from projections.task_board.rows import TaskStatus
from projections.task_needs.queries import NeedPage
from projections.timeline.queries import TimelinePage
from tests.projections.histories import PROJECTS, History, append, decode, history_of
from tests.support.postgres import Postgres

NAMES = count()
NewStore = Callable[[], RowStore]
_CHANCE = Random(3)
_AT_WORK = [12 * number + step for number in range(0, 30, 3) for step in (0, 1)]
"""Ten tasks without needs, each planned and then a ready one claimed: whatever chance finished, sessions are busy."""
BUSY = [_CHANCE.randrange(50_000) for _ in range(700)] + _AT_WORK


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStore]:
    """Opens the same store again and again, as a restart does; for memory there is only one."""
    opened: list[RowStore] = []
    memory = MemoryRows()
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""

    def make() -> RowStore:
        if request.param == "memory":
            return memory
        store: RowStore = SqliteRows(tmp_path / "rows.db") if request.param == "sqlite" else PostgresRows(url)
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


class Busy:
    """A long history, and each kind of store with what it says: made once, for tests that only read."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.events = rebased(history_of(BUSY))
        self._folder, self._postgres = folder, postgres
        self._stores: dict[str, RowStore] = {}

    def store(self, kind: str) -> RowStore:
        if kind not in self._stores:
            self._stores[kind] = self._open(kind)
            projected(self._stores[kind], self.events)
        return self._stores[kind]

    def close(self) -> None:
        for store in self._stores.values():
            store.close()

    def _open(self, kind: str) -> RowStore:
        if kind == "memory":
            return MemoryRows()
        if kind == "sqlite":
            return SqliteRows(self._folder / "busy.db")
        return PostgresRows(self._postgres.create_database())


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres) -> Iterator[Busy]:
    made = Busy(tmp_path_factory.mktemp("busy"), postgres_server)
    yield made
    made.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def busy_store(request: pytest.FixtureRequest, busy: Busy) -> RowStore:
    """A store of each kind that has followed ``busy.events`` to their end; nobody writes to it."""
    return busy.store(request.param)


def everything(store: RowStore, projection: AnyProjection, as_of: int | None = None) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    start: tuple[str, ...] | None = None
    while True:
        selection = select(projection, (), order=Order(), limit=200, cursor=None, as_of=as_of)
        found = store.select(replace(selection, start=start)).rows
        rows.update((row.key, row) for row in found[:200])
        if len(found) <= 200:
            return rows
        start = (found[199].key,)


def projected(
    store: RowStore, events: list[Recorded], projections: tuple[AnyProjection, ...] = PROJECTIONS
) -> Projector:
    log = MemoryLog()
    append(log, events)
    projector = Projector(log, store, projections, decode)
    projector.open()
    projector.catch_up()
    return projector


def test_an_event_that_names_a_row_twice_makes_one_version_of_it(new_store: NewStore) -> None:
    def keys(recorded: Recorded) -> tuple[str, ...]:
        return TASK_BOARD.keys(recorded) * 2

    events = history_of(BUSY[:40])
    store, twice = new_store(), replace(TASK_BOARD, keys=keys)
    projected(store, events, (twice,))
    assert everything(store, twice) == replay(twice, events) == replay(TASK_BOARD, events) != {}


def rebased(events: list[Recorded]) -> list[Recorded]:
    """The history with the instant that the log gives it."""
    log = MemoryLog()
    append(log, events)
    return [decode(row) for row in log.page(after=0, limit=100_000)]


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(numbers=st.lists(st.integers(0, 50_000), max_size=120), data=st.data())
def test_rows_as_of_any_position_are_the_replay_of_that_prefix(
    new_store: NewStore, numbers: list[int], data: st.DataObject
) -> None:
    events = rebased(history_of(numbers))
    # One store serves all examples: each has tables of its own name.
    store = new_store()
    mine = tuple(replace(projection, name=f"{projection.name}_{next(NAMES)}") for projection in PROJECTIONS)
    projected(store, events, mine)
    prefix = data.draw(st.integers(0, len(events)))
    for projection in mine:
        assert everything(store, projection) == replay(projection, events)
        if projection.keeps != "latest":
            assert everything(store, projection, prefix) == replay(projection, events[:prefix])


def test_a_busy_history_holds_at_every_position(busy: Busy, busy_store: RowStore) -> None:
    events = busy.events
    assert {type(recorded.event) for recorded in events} >= TASK_BOARD.handles
    for projection in PROJECTIONS:
        if projection.keeps == "latest":
            continue
        rows: dict[str, Any] = {}
        for position in range(0, len(events), 37):
            rows = replay(projection, events[:position])
            assert everything(busy_store, projection, position) == rows


def test_the_history_of_a_row_is_every_state_it_had(busy: Busy, busy_store: RowStore) -> None:
    events = busy.events
    counted = Counter(recorded.stream for recorded in events if isinstance(recorded.event, TaskProgressed))
    task = counted.most_common(1)[0][0]
    expected: list[Versioned[Any]] = []
    row = None
    for recorded in events:
        if recorded.stream == task and type(recorded.event) in TASK_BOARD.handles:
            after = TASK_BOARD.step(row, recorded, task)
            if after is not row and after is not None:
                if expected:
                    expected[-1] = expected[-1]._replace(until=recorded.position)
                expected.append(Versioned(after, recorded.position, None))
                row = after
    reader = Reader(busy_store)
    assert list(reversed(reader.history(TASK_BOARD, task))) == expected
    assert len(expected) > 3
    second = reader.history(TASK_BOARD, task, limit=2, before=expected[-1].since)
    assert second == (expected[-2], expected[-3])


def test_a_projection_of_latest_rows_keeps_only_them(new_store: NewStore) -> None:
    events = rebased(history_of(BUSY))
    latest = replace(TASK_BOARD, name="latest_board", keeps="latest")
    store = new_store()
    log = MemoryLog()
    append(log, events)
    projected(store, events[:200], (latest,))
    projector = Projector(log, store, (latest,), decode)
    projector.open()
    assert projector.catch_up() == len(events)
    assert everything(store, latest) == replay(latest, events)


@pytest.mark.parametrize("end", ["before", "after"])
def test_a_crash_around_the_write_loses_and_repeats_nothing(new_store: NewStore, end: str) -> None:
    events = rebased(history_of(BUSY))
    log = MemoryLog()
    append(log, events)
    store = new_store()
    for _ in range(40):
        store = new_store()
        dying = Projector(log, cast("RowStore", Dying(store, end)), PROJECTIONS, decode)
        dying.open()
        try:
            dying.catch_up()
        except Died:
            continue
        break
    for projection in PROJECTIONS:
        assert everything(store, projection) == replay(projection, events)


class Died(Exception):
    """As if the process was killed."""


class Dying:
    """A store whose process dies at every third write."""

    def __init__(self, store: RowStore, end: str) -> None:
        self._store, self._end, self._writes = store, end, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, changes: Sequence[Change]) -> bool:
        self._writes += 1
        if self._writes % 3 == 0 and self._end == "before":
            raise Died
        written = self._store.write(changes)
        if self._writes % 3 == 0:
            raise Died
        return written


def test_a_deposed_projector_writes_nothing(new_store: NewStore) -> None:
    events = rebased(history_of(BUSY))
    log = MemoryLog()
    append(log, events)
    store = new_store()
    generation = store.open(TASK_BOARD, "f")
    row = next(iter(replay(TASK_BOARD, events).values()))
    assert store.write([Change(generation, 10, versions=[Versioned(row, 10, None)])])
    late = Change(generation, 12, closed=[(row.key, 12)], versions=[Versioned(row._replace(title="late"), 12, None)])
    assert not store.write([late])
    assert everything(store, TASK_BOARD) == {row.key: row}
    moved = store.current(generation)
    assert moved is not None
    assert moved.checkpoint == 10


def test_one_refused_checkpoint_holds_back_all_changes(new_store: NewStore) -> None:
    store = new_store()
    one, other = store.open(TASK_BOARD, "f"), store.open(replace(TASK_BOARD, name="other"), "f")
    assert not store.write([Change(one, 5), Change(other.at(3), 5)])
    moved = store.current(one)
    assert moved is not None
    assert moved.checkpoint == 0


def test_two_leaders_do_the_work_once(new_store: NewStore) -> None:
    events = rebased(history_of(BUSY))
    log = MemoryLog()
    append(log, events)
    leaders = [Projector(log, new_store(), PROJECTIONS, decode) for _ in range(2)]
    for leader in leaders:
        leader.open()
    for turn in range(200):
        leaders[turn % 2]._lead()
    assert [leader.catch_up() for leader in leaders] == [len(events)] * 2
    store = new_store()
    for projection in PROJECTIONS:
        assert everything(store, projection) == replay(projection, events)


def test_a_number_that_no_column_holds_is_refused_whole(new_store: NewStore) -> None:
    store = new_store()
    if isinstance(store, MemoryRows):
        return  # memory holds any number
    generation = store.open(TASK_BOARD, "f")
    row = next(iter(replay(TASK_BOARD, history_of([0])).values()))._replace(planned_at=1 << 70)
    with pytest.raises(RowRefused):
        store.write([Change(generation, 1, versions=[Versioned(row, 1, None)])])
    assert store.current(generation) == generation


REQUESTS = (
    TaskPage(limit=3),
    TaskPage(limit=3, order="newest_first", project=PROJECTS[0]),
    TaskPage(limit=2, order="oldest_first", statuses=("ready", "running", "completed"), kind="code"),
    TaskPage(limit=3, as_of=150),
    NeedPage(limit=2),
    NeedPage(limit=2, unmet_only=True, as_of=200),
    SessionPage(limit=2, serves=PROJECTS[1]),
    SessionPage(limit=2, order="oldest_first", statuses=("working", "suspect"), busy_only=True),
    LockPage(limit=2, resource_text="path:"),
    LockPage(limit=2, project=PROJECTS[0], as_of=150),
    TimelinePage(limit=7, project=PROJECTS[0]),
    TimelinePage(limit=7, order="oldest_first", beyond=20, types=("task.claimed.v1", "task.completed.v1")),
    TimelinePage(limit=7, as_of=90),
)


@pytest.mark.parametrize(
    "request_", REQUESTS, ids=lambda request: f"{type(request).__name__}-{REQUESTS.index(request)}"
)
def test_pages_follow_each_other_without_gap_or_overlap(busy: Busy, busy_store: RowStore, request_: Any) -> None:
    whole = Reader(busy.store("memory")).query(replace(request_, limit=200))
    assert whole.next_cursor is None or len(whole.rows) == 200
    found: list[Any] = []
    cursor = None
    for _ in range(100):
        page = Reader(busy_store).query(replace(request_, cursor=cursor))
        assert page.position == len(busy.events)
        assert len(page.rows) <= request_.limit
        found += page.rows
        cursor = page.next_cursor
        if cursor is None or len(found) >= 200:
            break
    assert tuple(found[:200]) == whole.rows
    assert len(found) > request_.limit


@pytest.mark.parametrize("probed", [1, 4, 1_000])
def test_a_past_page_of_one_status_is_found_by_order_or_by_length(
    busy: Busy, busy_store: RowStore, probed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.rows.tables.PROBED_VERSIONS", probed)
    model = busy.store("memory")
    statuses: tuple[TaskStatus, ...] = ("ready", "running", "completed")
    seen = 0
    for position in range(0, len(busy.events) + 40, 29):
        for status in statuses:
            asked = TaskPage(project=PROJECTS[0], statuses=(status,), limit=2, as_of=position)
            first = Reader(busy_store).query(asked)
            assert first == Reader(model).query(asked)
            after = replace(asked, cursor=first.next_cursor, order=asked.order)
            assert first.next_cursor is None or Reader(busy_store).query(after) == Reader(model).query(after)
            of_kind = replace(asked, kind="code", order="newest_first")
            assert Reader(busy_store).query(of_kind) == Reader(model).query(of_kind)
            seen += len(first.rows)
    assert seen > 20


@given(text=st.text(min_size=1, max_size=3), other=st.text(max_size=5))
def test_what_begins_with_a_text_lies_between_it_and_the_first_beyond(text: str, other: str) -> None:
    beyond = first_beyond(text)
    for candidate in (other, text + other, text[:-1] + other):
        assert candidate.startswith(text) == (text <= candidate and (beyond is None or candidate < beyond))


@pytest.mark.parametrize("text", ["t1", "t", "T", "x\U0010ffff", "\U0010ffff", "\ud7ff"])
def test_rows_are_found_by_how_a_text_begins(new_store: NewStore, text: str) -> None:
    one = next(iter(replay(TASK_BOARD, history_of([0])).values()))
    names = ("t1", "t12", "t2", "u", "T1", "x\U0010ffff", "x\U0010ffffy", "y", "\ud7ffz", "\ue000")
    rows = [one._replace(key=f"task_{number}", name=name) for number, name in enumerate(names)]
    store = new_store()
    generation = store.open(TASK_BOARD, "f")
    assert store.write([Change(generation, 1, versions=[Versioned(row, 1, None) for row in rows])])
    found = store.select(select(TASK_BOARD, (Begins("name", text),), order=Order(), limit=50, cursor=None, as_of=None))
    assert [row.name for row in found.rows] == [row.name for row in rows if row.name.startswith(text)]


@pytest.mark.parametrize("as_of", [None, 0, 150])
def test_a_tally_counts_what_pages_would_show(busy: Busy, busy_store: RowStore, as_of: int | None) -> None:
    shown = everything(busy_store, TASK_BOARD, as_of).values()
    for project in (None, PROJECTS[0]):
        expected = Counter(row.status for row in shown if project in (None, row.project))
        asked = tally(TASK_BOARD, (equal("project", project),), column="status", as_of=as_of)
        assert busy_store.tally(asked) == Tallied(expected, len(busy.events))


def test_pages_stay_whole_while_rows_change(new_store: NewStore) -> None:
    """Whatever is there from the first page to the last is seen exactly once."""
    history = History()
    for number in range(60):
        history.plan(number * 3)
    history.connect(3)
    store = new_store()
    log = MemoryLog()
    append(log, history.log)
    projector = Projector(log, store, PROJECTIONS, decode)
    projector.open()
    projector.catch_up()
    reader, seen, cursor = Reader(store), [], None
    for number in range(100):
        page = reader.query(TaskPage(limit=4, cursor=cursor))
        seen += [row.key for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
        known = len(history.log)
        for step in (history.claim, history.work, history.finish, history.plan):
            step(number * 5 + 1)
        append(log, history.log[known:])
        projector.catch_up()
    assert len(seen) == len(set(seen))
    assert set(seen) >= {f"task_{number:026d}" for number in range(1, 61)}


def test_a_page_says_when_it_is_behind_what_was_asked(busy: Busy, busy_store: RowStore) -> None:
    reader = Reader(busy_store)
    assert not reader.query(TaskPage(), after=len(busy.events)).stale
    assert reader.query(TaskPage(), after=len(busy.events) + 1).stale
    assert reader.query(TaskPage(as_of=len(busy.events) + 1)).stale


def test_a_rebuild_takes_over_and_a_running_projector_goes_on_with_it(new_store: NewStore) -> None:
    events = rebased(history_of(BUSY))
    log = MemoryLog()
    half = next(number for number in range(500, 600) if events[number - 1].command_id != events[number].command_id)
    append(log, events[:half])
    store = new_store()
    projector = Projector(log, store, PROJECTIONS, decode)
    projector.open()
    projector.catch_up()
    tools = Tools(log, store, decode, breathe=lambda: None, go_on=lambda: True)
    generation = take_over(tools, fill(tools, [store.begin(TASK_BOARD, fingerprint(TASK_BOARD))])[0])
    assert (generation.number, generation.state) == (2, "live")
    append(log, events[half:])
    assert projector.catch_up() == len(events)
    assert everything(store, TASK_BOARD) == replay(TASK_BOARD, events)
    assert {status.name: status.generation for status in projector.status()}["task_board"] == 2


def test_a_generation_that_is_behind_does_not_become_live(new_store: NewStore) -> None:
    events = rebased(history_of(BUSY))
    store = new_store()
    projected(store, events)
    generation = store.begin(TASK_BOARD, "other")
    assert not store.switch(generation)
    live = store.open(TASK_BOARD, fingerprint(TASK_BOARD))
    assert (live.number, live.checkpoint) == (1, len(events))
    assert everything(store, TASK_BOARD) == replay(TASK_BOARD, events)
