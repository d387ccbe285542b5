"""Archiving without a server: a log, its ledger and an archiver, on one thread."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain.catalogue import SEALINGS
from infrastructure.archive.archiver import Archiver, Around
from infrastructure.archive.followers import Followers
from infrastructure.archive.reading import archived_log
from infrastructure.archive.shelf import Shelf
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import OwnedKeys
from infrastructure.erasure.memory import MemorySeeds
from infrastructure.erasure.sealed_log import sealed_log
from infrastructure.ledger.key_ring import KeyRing
from infrastructure.ledger.memory import MemoryLedger
from infrastructure.ledger.scribe import Scribe
from infrastructure.log.port import Log, StoredSnapshot
from infrastructure.rows.memory import MemoryRows
from infrastructure.runtime import hints_checkpoint, reactor

ORIGIN = "signalbox/test"


class Archives:
    """A log as it is stored, with a folder for its bundles; ``log`` is what readers of words see."""

    def __init__(self, stored: Log, folder: Path, seeds: MemorySeeds | None = None) -> None:
        self.stored = stored
        self.shelf = Shelf(folder / "archives")
        self.seeds = seeds or MemorySeeds()
        self.seeds.begin(b"s" * 32)
        self.keys = OwnedKeys(self.seeds)
        self.envelopes = Envelopes(SEALINGS, self.keys)
        self.whole = archived_log(stored, self.shelf)
        self.log = sealed_log(self.whole, self.envelopes, self.keys)
        self._ring = KeyRing(folder / "ledger-keys", ORIGIN, now=stored.now())
        self.ledger = MemoryLedger()

    def archiver(self, log: Any = None, breathe: Callable[[], None] = lambda: None) -> Archiver:
        """One as a server has it that just started; all who follow the log have come to its end."""
        scribe = self.scribe()
        head = self.stored.head()
        self.stored.keep_snapshots(
            [
                StoredSnapshot(hints_checkpoint.STREAM, head, hints_checkpoint.KIND, b"{}"),
                StoredSnapshot(reactor.CHECKPOINT_STREAM, head, reactor.CHECKPOINT_KIND, b"{}"),
            ]
        )
        return Archiver(
            Around(
                log=self.whole if log is None else log,
                scribe=scribe,
                shelf=self.shelf,
                envelopes=self.envelopes,
                followers=Followers(self.stored, MemoryRows(), scribe, lambda: None),
                breathe=breathe,
                age_days_min=0,
            )
        )

    def scribe(self) -> Scribe:
        """Who wrote the ledger up to the end of the log, and signed it."""
        scribe = Scribe(self.whole, self.ledger, self._ring, ORIGIN)
        scribe.current()
        return scribe

    def archive(self, until: int) -> None:
        """Everything up to a position, to the end."""
        archiver = self.archiver()
        assert archiver.ask(until, "key_1") is None
        assert archiver.round()
