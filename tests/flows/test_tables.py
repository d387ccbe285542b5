"""Tables for people: whatever the width, they stay readable, and what is cut says so."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from api.cli import task_commands
from api.cli.tables import CUT_CHARACTERS_MIN, GAP, Column, Grid

TASK = {
    "short": "bex21m",
    "key": "run_01m8hgb88zebmvj5q4x64g3hvy/deploy",
    "status": "completed",
    "kind": "code",
    "priority": 0,
    "attempt": 3,
    "age": "7m",
    "title": "Deploy to staging, then look whether it answers there",
}


def test_where_there_is_room_nothing_is_cut_or_left_out() -> None:
    titles, row = Grid([TASK], task_commands.COLUMNS).lines(1_000)

    assert titles.split() == [column.title for column in task_commands.COLUMNS]
    assert [str(value) for value in TASK.values() if str(value) not in row] == []


def test_at_80_columns_no_title_is_cut_and_a_key_is_cut_in_front() -> None:
    titles, row = Grid([TASK], task_commands.COLUMNS).lines(80)

    assert titles.split() == ["ID", "KEY", "STATUS", "TRY", "CHANGED", "TITLE"]
    assert "bex21m  …" in row
    assert "/deploy  completed" in row
    assert row.endswith("…")


def test_what_is_empty_in_every_row_goes_first_and_spare_columns_go_from_the_right() -> None:
    columns = (Column("A", "a"), Column("B", "b", spare=True), Column("C", "c"), Column("D", "d", spare=True))
    rows = [{"a": "1" * 10, "b": "2" * 10, "d": "4" * 10}]

    assert Grid(rows, columns).lines(40)[0].split() == ["A", "B", "C", "D"]
    assert Grid(rows, columns).lines(36)[0].split() == ["A", "B", "D"]
    assert Grid(rows, columns).lines(33)[0].split() == ["A", "B"]
    assert Grid(rows, columns).lines(21)[0].split() == ["A"]


def test_what_wraps_is_told_to_its_end() -> None:
    columns = (Column("ID", "id"), Column("WHY", "why", wide=True, wraps=True))
    lines = Grid([{"id": "a1", "why": "say that it is done, or try `run resolve-undo` again"}], columns).lines(30)

    assert lines[0] == "ID  WHY"
    assert " ".join(line[4:] for line in lines[1:]) == "say that it is done, or try `run resolve-undo` again"


@given(
    st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), max_size=4),
    st.lists(st.tuples(*[st.booleans()] * 4), min_size=3, max_size=3),
    st.integers(min_value=1, max_value=200),
)
def test_no_line_is_longer_than_the_room(
    texts: list[list[str]], kinds: list[tuple[bool, bool, bool, bool]], room: int
) -> None:
    columns = [
        Column(f"C{place}", str(place), wide=wide, spare=spare, path=path, wraps=wraps)
        for place, (wide, spare, path, wraps) in enumerate(kinds)
    ]
    rows = [{str(place): text for place, text in enumerate(row)} for row in texts]
    least = len(columns) * CUT_CHARACTERS_MIN + (len(columns) - 1) * len(GAP)

    assert all(cell_len(line) <= max(room, least) for line in Grid(rows, columns).lines(room))
