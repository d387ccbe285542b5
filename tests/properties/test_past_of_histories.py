"""What is told of the past of random histories is what a fresh fold or a plain search finds, on both stores."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.composition.opening import opened
from api.composition.replay import Replay
from domain import catalogue
from domain.kernel.decider import Recorded
from domain.kernel.ids import prefix
from domain.kernel.past.causes import Effect, place_of
from domain.kernel.past.trees import KIND, Trees, at_path, leaves
from domain.task.events import TaskClaimed
from infrastructure.history.port import Filter
from infrastructure.log.mapper import recorded
from infrastructure.log.port import Log
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.port import RowStore
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.reader import Reader
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.projector import Projector
from projections.catalogue import PROJECTIONS
from projections.kernel.replay import replay as folded
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskPage
from signalbox.client.errors import Refused
from tests.support.postgres import Postgres
from tests.support.teller import Step, steps, told_on

LAST_PLACE = 1_000
PLACES = st.integers(0, LAST_PLACE)
"""Where in a history, in thousandths of its length."""
Told = tuple[Replay, Reader, list[Recorded]]


@contextmanager
def told(script: list[Step], postgres: Postgres | None) -> Iterator[Told]:
    """A history on a store, opened for reading, with what is asked of its rows, and its events."""
    with TemporaryDirectory() as folder:
        url = None if postgres is None else postgres.create_database()
        log: Log = SqliteLog(Path(folder) / "signalbox.db") if url is None else PostgresLog(url, caller_clock=True)
        rows: RowStore = SqliteRows(Path(folder) / "rows.db") if url is None else PostgresRows(url)
        try:
            told_on(log, script)
            projector = Projector(log, rows, PROJECTIONS, _decoded)
            projector.open()
            projector.catch_up()
            events = [_decoded(row) for row in log.page(after=0, limit=5_000)]
            with opened(url, Path(folder)) as replay:
                yield replay, Reader(rows), events
        finally:
            rows.close()
            log.close()
            if postgres is not None and url is not None:
                postgres.drop_database(url)


def _decoded(row: Any) -> Recorded:
    return recorded(row, catalogue.REGISTRY)


def check(replay: Replay, reader: Reader, events: list[Recorded], at: int, other: int) -> None:
    first, last = sorted((at, other))
    _states_are_folds(replay, events, at)
    _rows_are_folds(replay, events, first, last)
    _pages_are_folds(reader, events, at)
    _blame_is_the_last_change(replay, events, at)
    _causes_are_found(replay, events, at)
    _turns_are_the_first(replay, events)
    _searches_find_what_fits(replay, events, first, last)
    for after, until in ((0, len(events)), (first, last)):
        verdicts = list(replay.redecide(after=after, until=until, progress=lambda _: None))
        assert {one.kind for one in verdicts} <= {"same", "same_choice"}, verdicts


def _states_are_folds(replay: Replay, events: list[Recorded], at: int) -> None:
    for stream in {event.stream for event in events}:
        state = catalogue.AGGREGATES[prefix(stream)].initial
        version = 0
        for event in events[:at]:
            if event.stream == stream:
                state = catalogue.AGGREGATES[prefix(stream)].evolve(state, event.event)
                version += 1
        stood = replay.state(stream, at)
        assert (stood.version, stood.tree) == (version, Trees().of(state))
        whole = list(replay.steps(stream, at))
        assert list(replay.steps(stream, at, after=at // 2)) == [
            one for one in whole if one.recorded.position > at // 2
        ]


def _rows_are_folds(replay: Replay, events: list[Recorded], first: int, last: int) -> None:
    changes = list(replay.changed_rows((), first, last))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("api.composition.replay.NEAR_EVENTS_MAX", -1)
        assert list(replay.changed_rows((), first, last)) == changes
    for projection in PROJECTIONS:
        if projection.keeps != "versions":
            continue
        before: dict[str, Any] = folded(projection, events[:first])
        after: dict[str, Any] = folded(projection, events[:last])
        expected = {
            key: (_cells(before.get(key)), _cells(after.get(key)))
            for key in before.keys() | after.keys()
            if before.get(key) != after.get(key)
        }
        found = {one.key: (one.before, one.after) for one in changes if one.model == projection.name}
        assert found == expected, projection.name


def _pages_are_folds(reader: Reader, events: list[Recorded], at: int) -> None:
    expected: dict[str, Any] = folded(TASK_BOARD, events[:at])
    by_age = sorted(expected.values(), key=lambda row: row.begun_position)
    urgent = sorted(expected.values(), key=lambda row: (row.urgency, row.key))
    ready = [row for row in urgent if row.status == "ready"]
    asked: tuple[tuple[TaskPage, list[Any]], ...] = (
        (TaskPage(order="newest_first", limit=2, as_of=at), by_age[::-1]),
        (TaskPage(order="oldest_first", limit=2, as_of=at), by_age),
        (TaskPage(limit=2, as_of=at), urgent),
        (TaskPage(statuses=("ready",), limit=2, as_of=at), ready),
    )
    for page, rows in asked:
        found: list[Any] = []
        answer = reader.query(page)
        found += answer.rows
        while answer.next_cursor is not None:
            answer = reader.query(replace(page, cursor=answer.next_cursor))
            found += answer.rows
        assert found == rows, page


def _blame_is_the_last_change(replay: Replay, events: list[Recorded], at: int) -> None:
    for stream in list(dict.fromkeys(event.stream for event in events[:at]))[:5]:
        whole = list(replay.steps(stream, at))
        found = replay.blame(stream, at, (), lambda _: None).found()
        assert found == replay.blame(stream, at, (), lambda _: None, events_max=len(whole)).found()
        for path, value in leaves(whole[-1].after):
            changing = [one for one in whole if at_path(one.before, path) != at_path(one.after, path)]
            assert found.get(path) == ((value, changing[-1].recorded) if changing else None), path


def _cells(row: Any) -> dict[str, Any] | None:
    return None if row is None else row._asdict()


def _causes_are_found(replay: Replay, events: list[Recorded], at: int) -> None:
    if not at:
        return
    event = events[at - 1]
    causes = replay.causes(replay.event(f"@{at}"))
    places = {place_of(one): one for one in events}
    chain: list[Recorded] = []
    while (chain[-1] if chain else event).causation_id in places:
        chain.append(places[(chain[-1] if chain else event).causation_id or ""])
    assert list(causes.chain) == chain
    assert {one.position for one in causes.siblings} == {
        one.position for one in events if one.command_id == event.command_id and one is not event
    }

    def caused(one: Recorded) -> list[Any]:
        return [(each.position, caused(each)) for each in events if each.causation_id == place_of(one)]

    def shown(effect: Effect) -> Any:
        return effect.recorded.position, [shown(each) for each in effect.effects]

    assert [shown(one) for one in causes.effects] == caused(event)


def _turns_are_the_first(replay: Replay, events: list[Recorded]) -> None:
    rows: dict[str, Any] = {}
    expected = None
    for event in events:
        folded(TASK_BOARD, [event], rows)
        if expected is None and any(row.status == "completed" or row.attempt == 2 for row in rows.values()):
            expected = event.position
    turn = replay.bisect_rows(
        "task_board",
        "row.status == 'completed' || row.attempt == 2",
        key=None,
        after=0,
        until=len(events),
        progress=lambda _: None,
    )
    assert (None if turn is None else turn.position) == expected
    for stream in [event.stream for event in events if event.stream.startswith("task_")][:3]:
        first = None
        state = catalogue.AGGREGATES["task"].initial
        for event in events:
            if event.stream == stream:
                state = catalogue.AGGREGATES["task"].evolve(state, event.event)
                tree: Any = Trees().of(state)
                if first is None and tree["phase"][KIND] in ("Assigned", "Settled"):
                    first = event.position
        expression = "state.phase.is == 'Assigned' || state.phase.is == 'Settled'"
        found = replay.bisect_stream(stream, expression, after=0, until=len(events), progress=lambda _: None)
        assert (None if found is None else found.position) == first


def _searches_find_what_fits(replay: Replay, events: list[Recorded], first: int, last: int) -> None:
    stretch = events[first:last]
    sought: str | None = next(filter(None, (getattr(event.event, "session", None) for event in stretch)), None)
    searches: tuple[tuple[Filter, Callable[[Recorded], bool]], ...] = (
        (Filter(), lambda _: True),
        (Filter(types=("task.claimed.v1",)), lambda one: one.event.TYPE == "task.claimed.v1"),
        (Filter(stream=events[-1].stream), lambda one: one.stream == events[-1].stream),
        (Filter(actor="key_script"), lambda one: one.actor == "key_script"),
        (Filter(project="shop"), lambda one: str(one.project) == events[0].stream),
        (
            Filter(session=sought),
            lambda one: sought is None or one.stream == sought or sought.encode() in one.event.stored(),
        ),
    )
    for wanted, fits in searches:
        rows = replay.log(wanted, None, after=first, until=last, progress=lambda _: None)
        assert [row.position for row in rows] == [one.position for one in stretch if fits(one)], wanted
    stream = events[-1].stream
    conditions: tuple[tuple[str, Callable[[Recorded], bool]], ...] = (
        (
            "type.startsWith('task.') && has(event.token)",
            lambda one: one.event.TYPE.startswith("task.") and hasattr(one.event, "token"),
        ),
        (
            "type == 'task.claimed.v1' && event.attempt >= 2",
            lambda one: isinstance(one.event, TaskClaimed) and one.event.attempt >= 2,
        ),
        (f"'{stream}' == stream && position < {last}", lambda one: one.stream == stream and one.position < last),
        (
            "actor == 'key_script' || type == 'task.readied.v1'",
            lambda one: one.actor == "key_script" or one.event.TYPE == "task.readied.v1",
        ),
    )
    for where, fits in conditions:
        rows = replay.log(Filter(), where, after=first, until=last, progress=lambda _: None)
        assert [row.position for row in rows] == [one.position for one in stretch if fits(one)], where


@settings(max_examples=6)
@given(steps, PLACES, PLACES)
def test_the_past_in_sqlite_is_a_shorter_fold(script: list[Step], at: int, other: int) -> None:
    with told(script, None) as (replay, reader, events):
        check(replay, reader, events, at * len(events) // LAST_PLACE, other * len(events) // LAST_PLACE)


@settings(max_examples=3)
@given(steps, PLACES, PLACES)
def test_the_past_in_postgresql_is_a_shorter_fold(
    postgres_server: Postgres, script: list[Step], at: int, other: int
) -> None:
    with told(script, postgres_server) as (replay, reader, events):
        check(replay, reader, events, at * len(events) // LAST_PLACE, other * len(events) // LAST_PLACE)


def test_points_lead_to_positions_and_what_is_no_point_is_refused() -> None:
    script: list[Step] = [("plan", 0, 4), ("claim", 0, 0), ("complete", 0, 0)]
    with told(script, None) as (replay, _, events):
        head = len(events)
        assert replay.position(None, 7) == 7
        assert replay.position("now", 0) == replay.position(f"@{head}", 0) == head
        for event in events:
            assert replay.position(place_of(event), 0) == event.position
        moment = events[3].recorded_at
        instant = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).isoformat()
        assert replay.position(instant, 0) == max(one.position for one in events if one.recorded_at <= moment)
    refusals = {"@99999": "point_not_reached", "shop/nothing": "unknown_thing", "?": "point_not_readable"}
    for wrong, code in refusals.items():
        with pytest.raises(Refused) as refused, told(script, None) as (replay, _, _):
            replay.position(wrong, 0)
        assert refused.value.code == code
