"""Rows of the past are handed out a stretch at a time, and nobody is held up by whoever takes his time over one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from domain.catalogue import REGISTRY
from infrastructure.history.rows import SqlitePastRows
from infrastructure.history.rows_postgres import PostgresPastRows
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.rows.postgres import PostgresRows
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.rows.tables import row_columns
from infrastructure.runtime.projector import Projector
from projections.task_board.projection import TASK_BOARD
from tests.projections.histories import History, append


def test_a_slow_reader_of_postgres_rows_has_no_transaction_open(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.history.rows_postgres.FETCHED_AT_ONCE", 1)
    history, log, store = History(), MemoryLog(), PostgresRows(postgres_url)
    for number in range(4):
        history.plan(number)
    append(log, history.log)
    projector = Projector(log, store, (TASK_BOARD,), lambda row: recorded(row, REGISTRY))
    projector.open()
    projector.catch_up()
    store.close()
    rows = PostgresPastRows(postgres_url)
    kept = rows.kept(TASK_BOARD)
    assert kept is not None
    reading = rows.as_of(TASK_BOARD, kept, log.head())
    found = [next(reading)]
    with psycopg.connect(postgres_url, autocommit=True) as beside:
        state = "SELECT state FROM pg_stat_activity WHERE pid = %s"
        assert beside.execute(state, (rows._connection.info.backend_pid,)).fetchone() == ("idle",)
        beside.execute(f"ALTER TABLE signalbox_rows.{kept.table} RENAME TO gone".encode())
    found += reading
    rows.close()
    planned = [one for one in history.log if type(one.event).__name__ == "TaskPlanned"]
    assert len(found) == len(planned) == 4


def test_rows_in_a_folder_that_cannot_be_written_are_copied(tmp_path: Path) -> None:
    history, log, store = History(), MemoryLog(), SqliteRows(tmp_path / "rows.db")
    history.plan(0)
    append(log, history.log)
    projector = Projector(log, store, (TASK_BOARD,), lambda row: recorded(row, REGISTRY))
    projector.open()
    projector.catch_up()
    store.close()
    # In its place nothing can be written, whoever tries; of a folder the superuser could not be kept out.
    (tmp_path / "rows.db-wal").mkdir()
    rows = SqlitePastRows(tmp_path / "rows.db")
    kept = rows.kept(TASK_BOARD)
    assert kept is not None
    columns = ", ".join(row_columns(TASK_BOARD))
    with closing(sqlite3.connect(":memory:", uri=True)) as scratch:
        scratch.execute(f"CREATE TABLE copied ({columns})")
        assert rows.copy(TASK_BOARD, kept, log.head(), scratch, "copied", lambda _: None) == 1
        assert scratch.execute("SELECT count(*) FROM copied").fetchone() == (1,)
    rows.close()
