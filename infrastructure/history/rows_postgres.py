"""Read models as they were, from the schema of rows in PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infrastructure.history.postgres import connect_read_only, faults
from infrastructure.history.rows import FETCHED_AT_ONCE, Kept, PastRows
from infrastructure.sql import load

_POSTGRES: Final = load("postgres/history.sql")


class PostgresPastRows(PastRows):
    """From the schema ``signalbox_rows``."""

    def __init__(self, url: str) -> None:
        self._connection = connect_read_only(url)

    def close(self) -> None:
        self._connection.close()

    def _parts(self, kept: Kept, columns: Sequence[str]) -> dict[str, str]:
        return {"table": f"signalbox_rows.{kept.table}", "columns": ", ".join(columns)}

    def _ask(
        self, query: str, values: Mapping[str, object], parts: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        if parts is None:
            with faults():
                yield from self._connection.execute(_POSTGRES[query].encode(), tuple(values.values())).fetchall()
            return
        # A cursor of the server hands out a stretch at a time, however many rows there are. No transaction is open
        # meanwhile: whoever takes his time over a stretch would be cut off, or hold up who drops the table.
        text = _POSTGRES[query].format(**parts)
        with faults(), self._connection.cursor(name="past", binary=True, withhold=True) as cursor:
            cursor.itersize = FETCHED_AT_ONCE
            cursor.execute(text.encode(), dict(values))
            yield from cursor
