"""The ledger beside a node, and the ledger behind the port of the surfaces."""

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, ParamSpec, TypeVar

from api.composition.our_words import in_our_words
from api.composition.outlets import outlets_of
from api.ledger_port import Consistency, Inclusion, LedgerKey, LostEvent, Rules, SignedNote
from api.ports import ServiceFault
from domain.kernel.ids import ProjectId
from infrastructure.bundle.store_source import StoreSource
from infrastructure.ledger.copies import CheckpointCopies
from infrastructure.ledger.follower import LedgerFollower, LedgerOptions
from infrastructure.ledger.key_ring import KeyRing, TooManyKeys
from infrastructure.ledger.port import CHECKPOINTS_MAX, TILES_MAX, LedgerStore, SignedCheckpoint
from infrastructure.ledger.scribe import LedgerAheadOfLog, Scribe
from infrastructure.log.port import Log, LogRow
from infrastructure.runtime.node import Node
from infrastructure.settings import Settings
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.proofs import consistency_proof, inclusion_proof
from projections.audit_ledger.tiles import node_reader

P = ParamSpec("P")
T = TypeVar("T")
LEDGER_FILE: Final = "ledger.db"
KEYS_FOLDER: Final = "ledger-keys"
COPIES_FOLDER: Final = "checkpoints"
_PLACE: Final = re.compile(r"([a-z]{1,20}_[0-9a-z]{26})@([1-9][0-9]{0,9})")
_POSITION: Final = re.compile(r"@?([1-9][0-9]{0,17})")


@asynccontextmanager
async def ledger_beside(
    node: Node, log: Log, settings: Settings
) -> AsyncGenerator[tuple[LedgerFollower, "LedgerDesk"]]:
    """A ledger that follows the log of a node, as it is stored, until the block ends.

    Raises StoreUnavailable, StoreInUse, UnsafeDataFolderError.
    """
    store = await asyncio.to_thread(open_ledger, settings)
    try:
        scribe = await asyncio.to_thread(scribe_of, log, store, settings)
        folder = settings.checkpoint_copies or settings.data / COPIES_FOLDER
        outlets = await asyncio.to_thread(outlets_of, settings, folder, scribe)
        options = LedgerOptions(node.name, node.at_work, CheckpointCopies(folder), outlets)
        follower = LedgerFollower(log, scribe, options)
        follower.start()
        try:
            yield follower, LedgerDesk(log, scribe)
        finally:
            await asyncio.to_thread(follower.stop)
    finally:
        store.close()


def open_ledger(settings: Settings) -> LedgerStore:
    """The ledger beside the log; on PostgreSQL the log is opened first, which migrates the schema."""
    match settings.store_kind:
        case "memory":
            from infrastructure.ledger.memory import MemoryLedger

            return MemoryLedger()
        case "sqlite":
            from infrastructure.ledger.sqlite import SqliteLedger

            return SqliteLedger(settings.sqlite_file.with_name(LEDGER_FILE))
        case "postgres":
            from infrastructure.ledger.postgres import PostgresLedger

            return PostgresLedger(settings.store)


def scribe_of(log: Log, store: LedgerStore, settings: Settings) -> Scribe:
    """Whoever writes this ledger, with the keys of the data folder."""
    proposed = "memory" if settings.store_kind == "memory" else secrets.token_hex(5)
    origin = store.origin(f"signalbox/{proposed}")
    return Scribe(log, store, KeyRing(settings.data / KEYS_FOLDER, origin, now=log.now()), origin)


class LedgerDesk:
    """Blocking work on threads; faults in the words of the surfaces."""

    def __init__(self, log: Log, scribe: Scribe) -> None:
        self._log = log
        self._scribe = scribe

    @property
    def scribe(self) -> Scribe:
        """Who writes the ledger here."""
        return self._scribe

    async def checkpoint(self) -> SignedNote | None:
        """A checkpoint of everything in the log now."""
        return _note(await self._in_thread(self._scribe.current))

    async def checkpoints(self, size: int, limit: int) -> Sequence[SignedNote]:
        """Signed checkpoints of at least this size."""
        found = await self._in_thread(self._scribe.store.checkpoints, size, min(limit, CHECKPOINTS_MAX))
        return [SignedNote(*one) for one in found]

    async def latest(self) -> SignedNote | None:
        """The last checkpoint that was signed."""
        return _note(await self._in_thread(self._scribe.store.latest))

    async def keys(self) -> Sequence[LedgerKey]:
        """Every public key that ever signed."""
        return [LedgerKey(*one) for one in await self._in_thread(self._scribe.store.public_keys)]

    async def rotate(self, overlap_seconds: int) -> Sequence[LedgerKey]:
        """Begin a new key."""
        await self._in_thread(self._scribe.rotate, overlap_seconds)
        return await self.keys()

    async def hashes(self, first: int, count: int) -> bytes:
        """Leaf hashes, tile by tile."""
        return b"".join(await self._in_thread(self._scribe.store.tiles, 0, first, min(count, TILES_MAX)))

    async def rows(self, after: int, limit: int, project: ProjectId | None) -> tuple[bytes, int]:
        """Events as lines of JSON, and how far the log was looked at."""
        return await self._in_thread(self._source("").lines, after, limit, project)

    async def kept(self, after: int, limit: int) -> tuple[bytes, int]:
        """Those that the database itself keeps."""
        return await self._in_thread(self._source("").kept, after, limit)

    async def lost(self, limit: int) -> Sequence[LostEvent]:
        """Those that it should keep and does not."""
        return [LostEvent(*one) for one in await self._in_thread(self._source("").lost, limit)]

    async def find(self, event: str) -> LogRow | None:
        """An event's stored row."""
        return await self._in_thread(self._find, event)

    async def inclusion(self, row: LogRow, size: int | None) -> Inclusion | None:
        """The proof for an event."""
        return await self._in_thread(self._inclusion, row, size)

    async def consistency(self, old: int, new: int) -> Consistency | None:
        """The proof for two sizes."""
        return await self._in_thread(self._consistency, old, new)

    async def redacted(
        self, after: int, limit: int, project: ProjectId | None, rules: Rules, principal: str
    ) -> tuple[bytes, int, str]:
        """What a policy leaves of events, as lines of JSON, with a signed note of them."""
        return await self._in_thread(self._source(principal).redacted, after, limit, project, rules)

    async def statement(
        self, first: int, last: int, project: ProjectId | None, rules: Rules | None, principal: str
    ) -> str:
        """A signed note that these events were asked for."""
        note, _ = await self._in_thread(self._source(principal).statement, first, last, project, rules)
        return str(note)

    def _source(self, principal: str) -> StoreSource:
        return StoreSource(self._log, self._scribe, principal)

    async def _in_thread(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return await in_our_words(asyncio.to_thread(work, *arguments, **named))
        except LedgerAheadOfLog as error:
            advice = "The log was cut off or restored: verify it against checkpoints kept elsewhere."
            raise ServiceFault("ledger_ahead_of_log", f"The ledger is ahead: {error}.", advice) from error
        except TooManyKeys as error:
            raise ServiceFault("too_many_keys", f"{error}.", "Rotate again when one is retired.") from error

    def _find(self, event: str) -> LogRow | None:
        place, position = _PLACE.fullmatch(event), _POSITION.fullmatch(event)
        if place is not None:
            rows = self._log.events_of(place[1], after=int(place[2]) - 1, limit=1)
            return rows[0] if rows and rows[0].version == int(place[2]) else None
        rows = self._log.page(after=int(position[1]) - 1, limit=1) if position is not None else []
        return rows[0] if rows else None

    def _inclusion(self, row: LogRow, size: int | None) -> Inclusion | None:
        if size is None:
            checkpoint = self._scribe.current()
        else:
            found = self._scribe.store.checkpoints(max(size, row.position), 1)
            checkpoint = found[0] if found else None
        if checkpoint is None or checkpoint.size < row.position:
            return None
        path = inclusion_proof(row.position - 1, checkpoint.size, node_reader(self._scribe.read_tile))
        return Inclusion(row, leaf_hash(row), path, SignedNote(*checkpoint))

    def _consistency(self, old: int, new: int) -> Consistency | None:
        if self._scribe.size() < new:
            self._scribe.current()
        if not 0 < old <= new <= self._scribe.size():
            return None
        path = consistency_proof(old, new, node_reader(self._scribe.read_tile))
        return Consistency(old, new, self._scribe.root(old), self._scribe.root(new), path)


def _note(checkpoint: SignedCheckpoint | None) -> SignedNote | None:
    return None if checkpoint is None else SignedNote(*checkpoint)
