"""What rows in SQLite cost does not grow with what is in them already."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infrastructure.rows.port import Change, RowsUnavailable
from infrastructure.rows.sqlite import SqliteRows
from projections.kernel.replay import replay
from projections.kernel.requests import RowsOfKeys
from projections.kernel.rows import Versioned
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskPage
from projections.timeline.projection import TIMELINE
from tests.projections.histories import History


def test_a_line_is_written_without_looking_at_those_before_it(tmp_path: Path) -> None:
    history = History()
    history.plan(0)
    line = next(iter(replay(TIMELINE, history.log).values()))
    store = SqliteRows(tmp_path / "rows.db")
    generation = store.open(TIMELINE, "f")

    def steps_of(first: int, count: int) -> int:
        """Instructions of SQLite's machine while so many lines are written."""
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        lines = [Versioned(line._replace(key=f"{at:06d}"), at, None) for at in range(first, first + count)]
        store._writer.set_progress_handler(step, 1)
        assert store.write([Change(generation.at(first - 1), first + count - 1, versions=lines)])
        store._writer.set_progress_handler(None, 0)
        return steps

    early = steps_of(1, 1)
    steps_of(2, 2_000)
    assert steps_of(2_002, 1) < 2 * early
    store.close()


def test_nobody_else_may_read_the_rows(tmp_path: Path) -> None:
    store = SqliteRows(tmp_path / "rows.db")
    store.open(TASK_BOARD, "f")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    store.close()


def test_a_file_that_is_no_database_any_more_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(RowsUnavailable, match="nowhere"):
        SqliteRows(tmp_path / "nowhere" / "rows.db")
    path = tmp_path / "rows.db"
    path.write_bytes(b"this is no database, and it is long enough to be read as a header" * 20)
    with pytest.raises(RowsUnavailable, match="not a database"):
        SqliteRows(path)


def test_pages_that_were_overwritten_are_told_to_whoever_asks_and_writes(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    SqliteRows(path).close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * (size - 4_096))
    with pytest.raises(RowsUnavailable, match="malformed"):
        SqliteRows(path).open(TASK_BOARD, "f")


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (TaskPage(project="proj_a", statuses=("running",), as_of=500), "_spans"),
        (RowsOfKeys(projection=TASK_BOARD, project="proj_a", keys=("a", "b"), as_of=500), "sqlite_autoindex_"),
        (RowsOfKeys(projection=TASK_BOARD, project="proj_a", keys=("a", "b")), "_live"),
    ],
)
def test_few_rows_among_many_versions_are_found_by_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Any, index: str
) -> None:
    store = SqliteRows(tmp_path / "rows.db")
    store.open(TASK_BOARD, "f")
    statements: list[tuple[str, Any]] = []
    fetch = SqliteRows._fetch

    def remembered(self: SqliteRows, connection: sqlite3.Connection, text: str, values: Any = ()) -> Any:
        statements.append((text, values))
        return fetch(self, connection, text, values)

    monkeypatch.setattr(SqliteRows, "_fetch", remembered)
    store.select(asked.selection())
    store.close()
    text, values = statements[-1]
    with closing(sqlite3.connect(tmp_path / "rows.db")) as reader:
        plan = [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    steps = [step for step in plan if " task_board_" in step]
    assert steps
    assert all(index in step for step in steps), plan
