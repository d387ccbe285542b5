"""Many rows in one INSERT: each execution lets go of the interpreter, and a busy committer is slow to give it back."""

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

ROWS_AT_ONCE: Final = 64
"""With 13 columns well below what one statement may bind; one statement is kept for every number of rows up to it."""


def insert(connection: sqlite3.Connection, text: str, rows: Sequence[Sequence[object]]) -> None:
    """Insert the rows by a statement for one of them, which ends with ``VALUES (…);``."""
    for done in range(0, len(rows), ROWS_AT_ONCE):
        several = rows[done : done + ROWS_AT_ONCE]
        connection.execute(_widened(text, len(several)), [cell for row in several for cell in row])


@lru_cache(maxsize=4 * ROWS_AT_ONCE)
def _widened(text: str, count: int) -> str:
    head, values, row = text.rpartition("VALUES")
    return head + values + ", ".join([row.strip().rstrip(";")] * count)
