"""The ledger in the schema of the log on PostgreSQL, shared by every node."""

from collections.abc import Sequence
from typing import Final

from infrastructure.ledger.port import KeyPeriod, SignedCheckpoint
from infrastructure.log.postgres_arrays import blobs, integers
from infrastructure.log.postgres_connections import Readers, Transaction, Writer
from infrastructure.sql import load
from projections.audit_ledger.tiles import Growth

_SQL: Final = load("postgres/ledger.sql")
_CONNECTIONS_MAX: Final = 3


class PostgresLedger:
    """Opened after the log, which migrates the schema. Raises StoreUnavailable."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._readers: Final = Readers(url, connections_max=_CONNECTIONS_MAX)
        self._writer: Writer | None = None

    def origin(self, proposed: str) -> str:
        self._readers.rows(_SQL["begin"], (proposed,))
        return str(self._readers.rows(_SQL["ledger"])[0][0])

    def size(self) -> int:
        rows = self._readers.rows(_SQL["ledger"])
        return int(rows[0][1]) if rows else 0

    def tiles(self, level: int, first: int, count: int) -> list[bytes]:
        return [bytes(row[1]) for row in self._readers.rows(_SQL["tiles"], (level, first, count))]

    def grow(self, before: int, growth: Growth) -> bool:
        # Only the node on duty writes, so the others hold no connection for it.
        writer = self._writer = self._writer or Writer(self._url)
        names = list(growth.tiles)
        columns = (
            integers([level for level, _ in names]),
            integers([number for _, number in names]),
            blobs(list(growth.tiles.values())),
        )

        def body(transaction: Transaction) -> bool:
            if not transaction.rows(_SQL["grow"], (growth.size, before)):
                return False
            transaction.rows(_SQL["keep_tiles"], columns)
            return True

        return writer.transaction(body, begin=_SQL["transaction"], commit=_SQL["commit"])

    def keep_checkpoint(self, checkpoint: SignedCheckpoint) -> None:
        self._readers.rows(_SQL["keep_checkpoint"], checkpoint)

    def thin_checkpoints(self, before: int) -> None:
        self._readers.rows(_SQL["thin_checkpoints"], (before,))

    def checkpoints(self, size: int, limit: int) -> list[SignedCheckpoint]:
        return [SignedCheckpoint(*row) for row in self._readers.rows(_SQL["checkpoints"], (size, limit))]

    def latest(self) -> SignedCheckpoint | None:
        rows = self._readers.rows(_SQL["latest_checkpoint"])
        return SignedCheckpoint(*rows[0]) if rows else None

    def keep_public_keys(self, keys: Sequence[KeyPeriod]) -> None:
        for one in keys:
            self._readers.rows(_SQL["keep_key"], one)

    def public_keys(self) -> list[KeyPeriod]:
        return [KeyPeriod(*row) for row in self._readers.rows(_SQL["keys"])]

    def close(self) -> None:
        self._readers.close()
        if self._writer is not None:
            self._writer.close()
