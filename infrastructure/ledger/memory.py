"""The ledger in memory, beside a log in memory."""

import threading
from collections.abc import Sequence

from infrastructure.ledger.port import KeyPeriod, SignedCheckpoint
from projections.audit_ledger.tiles import Growth, TileName

_MINUTE = 60_000_000


class MemoryLedger:
    """Gone with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._origin = ""
        self._size = 0
        self._tiles: dict[TileName, bytes] = {}
        self._checkpoints: list[SignedCheckpoint] = []
        self._keys: dict[str, KeyPeriod] = {}

    def origin(self, proposed: str) -> str:
        with self._lock:
            self._origin = self._origin or proposed
            return self._origin

    def size(self) -> int:
        return self._size

    def tiles(self, level: int, first: int, count: int) -> list[bytes]:
        with self._lock:
            names = ((level, number) for number in range(first, first + count))
            return [self._tiles[name] for name in names if name in self._tiles]

    def grow(self, before: int, growth: Growth) -> bool:
        with self._lock:
            if self._size != before:
                return False
            self._tiles.update(growth.tiles)
            self._size = growth.size
            return True

    def keep_checkpoint(self, checkpoint: SignedCheckpoint) -> None:
        with self._lock:
            self._checkpoints = sorted({*self._checkpoints, checkpoint})

    def thin_checkpoints(self, before: int) -> None:
        with self._lock:
            last = {one.at // _MINUTE: one for one in sorted(self._checkpoints, key=lambda one: one.at)}
            kept = set(last.values())
            self._checkpoints = [one for one in self._checkpoints if one.at >= before or one in kept]

    def checkpoints(self, size: int, limit: int) -> list[SignedCheckpoint]:
        with self._lock:
            return [one for one in self._checkpoints if one.size >= size][:limit]

    def latest(self) -> SignedCheckpoint | None:
        with self._lock:
            return self._checkpoints[-1] if self._checkpoints else None

    def keep_public_keys(self, keys: Sequence[KeyPeriod]) -> None:
        with self._lock:
            self._keys.update({one.key: one for one in keys})

    def public_keys(self) -> list[KeyPeriod]:
        with self._lock:
            return sorted(self._keys.values(), key=lambda one: (one.since, one.key))

    def close(self) -> None:
        """Nothing is held."""
