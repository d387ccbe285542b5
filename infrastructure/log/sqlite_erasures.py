"""What an erasure asks of a log in SQLite beside keeping its event, and whose keys the log is under."""

from collections.abc import Sequence
from typing import Final

import orjson

from infrastructure.log.erasures import FORGOTTEN_BODY
from infrastructure.log.port import LogRow, Receipt
from infrastructure.log.sqlite_archives import SqliteArchives
from infrastructure.sql import load

_SQL: Final = load("sqlite/log.sql")
_PAST: Final = load("sqlite/past_states.sql")


class SqliteErasures(SqliteArchives):
    """A part of the log that owns the file."""

    def erasures(self, *, after: int) -> list[LogRow]:
        with self.file.reading() as connection:
            return [LogRow(*row) for row in connection.execute(_SQL["erasures"], (after,))]

    def receipts_reading(self, stream: str) -> list[Receipt]:
        with self.file.reading() as connection:
            return [Receipt(*row) for row in connection.execute(_SQL["receipts_reading"], (f'"{stream}"',))]

    def forget_words(self, streams: Sequence[str], commands: Sequence[tuple[str, str]], *, outcome: bytes) -> None:
        meant, blanked = orjson.dumps(list(streams)).decode(), orjson.dumps(list(commands)).decode()
        with self.file.writing() as connection:
            connection.execute(_SQL["forget_snapshots"], (meant,))
            connection.execute(_PAST["forget_states"], (meant,))
            connection.execute(_SQL["blank_receipts"], (FORGOTTEN_BODY, outcome, blanked))
        self.file.scrub()

    def keys_mark(self) -> str:
        with self.file.reading() as connection:
            row = connection.execute(_SQL["keys_mark"]).fetchone()
        return "" if row is None else str(row[0])

    def bind_keys(self, mark: str, *, instead_of: str) -> str:
        with self.file.writing() as connection:
            connection.execute(_SQL["bind_keys"], (mark, instead_of))
        return self.keys_mark()
