"""Many rows in one INSERT: each execution lets go of the interpreter, and a busy committer is slow to give it back."""

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

ROWS_AT_ONCE: Final = 64
"""A power of two; with 13 columns well below what one statement may bind."""
ANY_NUMBER_MAX: Final = 16
"""Up to so many rows go at once, more by powers of two: large statements take long to prepare and much memory."""


def insert(connection: sqlite3.Connection, text: str, rows: Sequence[Sequence[object]]) -> None:
    """Insert the rows by a statement for one of them, which ends with ``VALUES (…);``."""
    done = 0
    while left := len(rows) - done:
        count = left if left <= ANY_NUMBER_MAX else min(ROWS_AT_ONCE, 1 << (left.bit_length() - 1))
        connection.execute(_widened(text, count), [cell for row in rows[done : done + count] for cell in row])
        done += count


@lru_cache(maxsize=128)
def _widened(text: str, count: int) -> str:
    head, values, row = text.rpartition("VALUES")
    return head + values + ", ".join([row.strip().rstrip(";")] * count)
