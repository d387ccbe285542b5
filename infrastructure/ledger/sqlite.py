"""The ledger in an SQLite file of its own, so that its transactions never wait for the committer's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infrastructure.ledger.port import KeyPeriod, SignedCheckpoint
from infrastructure.log.sqlite_file import SqliteFile
from infrastructure.sql import load
from projections.audit_ledger.tiles import Growth

_SQL: Final = load("sqlite_ledger/ledger.sql")


class SqliteLedger:
    """A file beside the log's. Raises StoreInUse, StoreUnavailable."""

    def __init__(self, path: Path) -> None:
        # A power cut may lose the last transactions, never half of one; the log has what is needed to repeat them.
        self._file: Final = SqliteFile(path, schema="sqlite_ledger", synchronous="NORMAL")

    def origin(self, proposed: str) -> str:
        with self._file.writing() as connection:
            connection.execute(_SQL["begin"], (proposed,))
            return str(connection.execute(_SQL["ledger"]).fetchone()[0])

    def size(self) -> int:
        with self._file.reading() as connection:
            row: tuple[str, int] | None = connection.execute(_SQL["ledger"]).fetchone()
        return row[1] if row else 0

    def tiles(self, level: int, first: int, count: int) -> list[bytes]:
        with self._file.reading() as connection:
            return [hashes for _, hashes in connection.execute(_SQL["tiles"], (level, first, count)).fetchall()]

    def grow(self, before: int, growth: Growth) -> bool:
        with self._file.writing() as connection:
            if not connection.execute(_SQL["grow"], (growth.size, before)).fetchall():
                return False
            rows = [(level, number, hashes) for (level, number), hashes in growth.tiles.items()]
            connection.executemany(_SQL["keep_tile"], rows)
        return True

    def keep_checkpoint(self, checkpoint: SignedCheckpoint) -> None:
        with self._file.writing() as connection:
            connection.execute(_SQL["keep_checkpoint"], checkpoint)

    def thin_checkpoints(self, before: int) -> None:
        with self._file.writing() as connection:
            connection.execute(_SQL["thin_checkpoints"], (before,))

    def checkpoints(self, size: int, limit: int) -> list[SignedCheckpoint]:
        with self._file.reading() as connection:
            return [SignedCheckpoint(*row) for row in connection.execute(_SQL["checkpoints"], (size, limit))]

    def latest(self) -> SignedCheckpoint | None:
        with self._file.reading() as connection:
            row = connection.execute(_SQL["latest_checkpoint"]).fetchone()
        return SignedCheckpoint(*row) if row else None

    def keep_public_keys(self, keys: Sequence[KeyPeriod]) -> None:
        with self._file.writing() as connection:
            connection.executemany(_SQL["keep_key"], keys)

    def public_keys(self) -> list[KeyPeriod]:
        with self._file.reading() as connection:
            return [KeyPeriod(*row) for row in connection.execute(_SQL["keys"])]

    def close(self) -> None:
        self._file.close()
