"""Grows the tree by the next page of the log, and signs what it has come to; no thread of its own."""

import threading
import time
from collections.abc import Callable
from typing import Final

from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.port import LedgerStore, SignedCheckpoint
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import Log
from infrastructure.runtime.projector_pages import PageSize
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.note import Checkpoint
from projections.audit_ledger.proofs import root_of
from projections.audit_ledger.tiles import TILE_HASHES, TileName, grown, node_reader, open_tiles
from projections.audit_ledger.tree import HASH_BYTES

SLICE_EVENTS: Final = 64
"""Leaves that are hashed before somebody else may have the interpreter."""
THIN_SECONDS: Final = 600
KEPT_WHOLE_SECONDS: Final = 3_600
"""Of checkpoints older than this the last of each minute is kept."""
_SECOND: Final = 1_000_000


class LedgerAheadOfLog(Exception):
    """Fault: the log is shorter than what was recorded of it, or has other events in that place: it was cut off, or
    restored from an earlier copy, and may have gone on since."""


class Scribe:
    """Every event exactly once: the size moves on by compare-and-set together with the tiles. Safe from any thread.

    Calls block; they raise StoreUnavailable, OutcomeUnknown, LedgerAheadOfLog.
    """

    def __init__(self, log: Log, store: LedgerStore, ring: KeyRing, origin: str) -> None:
        self.store: Final = store
        self.ring: Final = ring
        self.origin: Final = origin
        self._log = log
        self._lock = threading.RLock()
        self._begun: dict[TileName, bytes] = {}
        self._size = -1
        self._thinned_at = 0
        self._sizes = PageSize()
        store.keep_public_keys(ring.periods())
        self.signed = store.latest()
        """The last checkpoint."""

    def grow(self, breathe: Callable[[], None] = lambda: None) -> int:
        """Take in one page of the log; answers how many events that were."""
        with self._lock:
            if self._size < 0:
                self._resume()
            began = time.perf_counter()
            rows = self._log.page(after=self._size, limit=self._sizes.limit)
            if not rows:
                if self._log.head() < self._size:
                    self._size = -1
                    raise LedgerAheadOfLog("the log is shorter than what was recorded of it")
                return 0
            leaves: list[bytes] = []
            for number, row in enumerate(rows):
                if number % SLICE_EVENTS == 0:
                    breathe()
                leaves.append(leaf_hash(row))
            growth = grown(self._size, self._begun, leaves)
            before, self._size = self._size, -1
            if not self.store.grow(before, growth):
                return len(rows)  # another node was faster; the next call reads how far it came
            tiles = {**self._begun, **growth.tiles}
            self._begun = {name: tiles[name] for name in open_tiles(growth.size)}
            self._size = growth.size
            self._sizes.learn(rows, time.perf_counter() - began)
            return len(rows)

    def size(self) -> int:
        """How many events are in the tree."""
        with self._lock:
            return self._size if self._size >= 0 else self.store.size()

    def sign(self) -> SignedCheckpoint | None:
        """A checkpoint of the tree as it is: a new one unless it is signed already; None while it is empty."""
        with self._lock:
            size = self.size()
            if size == 0:
                return None
            if self.signed is None or self.signed.size != size or self.signed.at < self.ring.newest:
                now = self._log.now()
                checkpoint = Checkpoint(self.origin, size, self.root(size), now)
                self.signed = SignedCheckpoint(size, now, str(self.ring.sign(checkpoint.text(), now=now)))
                self.store.keep_checkpoint(self.signed)
                self._thin(now)
            return self.signed

    def current(self) -> SignedCheckpoint | None:
        """A checkpoint of everything that the log holds now."""
        head = self._log.head()
        while self.size() < head and self.grow():
            pass
        return self.sign()

    def root(self, size: int) -> bytes:
        """The root over the first ``size`` events, which are in the tree."""
        return root_of(0, size, node_reader(self.read_tile))

    def read_tile(self, level: int, number: int) -> bytes:
        """The hashes of one tile."""
        found = self.store.tiles(level, number, 1)
        return found[0] if found else b""

    @property
    def unsigned(self) -> bool:
        """Whether the tree has grown since the last checkpoint."""
        return self.size() > (self.signed.size if self.signed else 0)

    def rotate(self, overlap_seconds: int) -> None:
        """Begin a new key; the next checkpoint carries its signature beside the former one's."""
        with self._lock:
            self.ring.rotate(now=self._log.now(), overlap_seconds=overlap_seconds)
            self.store.keep_public_keys(self.ring.periods())

    def _thin(self, now: int) -> None:
        if now - self._thinned_at > THIN_SECONDS * _SECOND:
            self.store.thin_checkpoints(now - KEPT_WHOLE_SECONDS * _SECOND)
            self._thinned_at = now

    def _check_last(self, size: int) -> None:
        """A tree that was grown with one log must not grow on with another, which has come to be longer than it."""
        if not size:
            return
        try:
            rows = self._log.page(after=size - 1, limit=1)
        except EventsArchived:
            return  # in a bundle that is not here, and was verified with the tree
        tile, place = divmod(size - 1, TILE_HASHES)
        begin = place * HASH_BYTES
        if rows and leaf_hash(rows[0]) != self.read_tile(0, tile)[begin : begin + HASH_BYTES]:
            raise LedgerAheadOfLog(f"@{size} of the log is not the event that was recorded there")

    def _resume(self) -> None:
        size = self.store.size()
        self._check_last(size)
        self._begun = {(level, number): self.read_tile(level, number) for level, number in open_tiles(size)}
        self._size = size
        latest = self.store.latest()
        if latest is not None and (self.signed is None or latest.size > self.signed.size):
            self.signed = latest
