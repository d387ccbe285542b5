"""What every store of the ledger can do; memory, SQLite and PostgreSQL are peers behind it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from projections.audit_ledger.note import PublicKey, read_key
from projections.audit_ledger.tiles import Growth

CHECKPOINTS_MAX: Final = 1_000
"""Checkpoints in one answer."""
TILES_MAX: Final = 256
"""Tiles in one answer."""


class SignedCheckpoint(NamedTuple):
    """A checkpoint as it was signed."""

    size: int
    at: int
    """Microseconds since 1970."""
    note: str


class KeyPeriod(NamedTuple):
    """A public key, and when it signs: until it is retired, or for good."""

    key: str
    """``name+hash+base64``."""
    since: int
    until: int | None

    def public_key(self) -> PublicKey:
        """The key that knows its period. Raises NoteUnreadable, TypeError."""
        return replace(read_key(self.key), since=int(self.since), until=None if self.until is None else int(self.until))


class LedgerStore(Protocol):
    """Tiles, checkpoints and public keys. Calls block; each is safe from any thread. All raise StoreUnavailable."""

    def origin(self, proposed: str) -> str:
        """The name of this log; the first one that was proposed for it, for ever."""
        ...

    def size(self) -> int:
        """How many events of the log are in the tree."""
        ...

    def tiles(self, level: int, first: int, count: int) -> list[bytes]:
        """The hashes of at most ``count`` tiles (256 at most) of a level from number ``first`` on, as far as there
        are any."""
        ...

    def grow(self, before: int, growth: Growth) -> bool:
        """Write tiles and size in one transaction; False, and nothing written, where the size is not ``before``."""
        ...

    def keep_checkpoint(self, checkpoint: SignedCheckpoint) -> None: ...

    def thin_checkpoints(self, before: int) -> None:
        """Of the checkpoints before an instant keep the last of each minute."""
        ...

    def checkpoints(self, size: int, limit: int) -> list[SignedCheckpoint]:
        """Checkpoints of at least this size, the smallest first, 1 to 1,000 of them."""
        ...

    def latest(self) -> SignedCheckpoint | None:
        """The last checkpoint."""
        ...

    def keep_public_keys(self, keys: Sequence[KeyPeriod]) -> None:
        """Keep public keys with their periods as they are now."""
        ...

    def public_keys(self) -> list[KeyPeriod]:
        """Every public key that ever signed, the oldest first."""
        ...

    def close(self) -> None: ...
