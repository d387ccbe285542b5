"""What the surfaces need of the audit ledger; the composition binds it, as it does all of ``ports``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.kernel.ids import ProjectId

Rules = Mapping[str, tuple[str, ...]]
"""Pattern of stored names of events -> fields, or ids as ``@actor``, that are left out of those that fit."""


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A checkpoint of the ledger as it was signed."""

    size: int
    at: int
    """Microseconds since 1970."""
    note: str


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """A public key of the ledger, and when it signs."""

    key: str
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The audit path of one event to the root of a signed checkpoint; the hashes are 32 bytes each."""

    row: Any
    """The event's stored columns, in the order of the log."""
    leaf: bytes
    path: tuple[bytes, ...]
    checkpoint: SignedNote


@dataclass(frozen=True, slots=True)
class Consistency:
    """That one tree is the beginning of another."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LostEvent:
    """The last archived event of a stream, where neither it nor a later one of the stream is there."""

    stream: str
    version: int
    position: int


class LedgerPort(Protocol):
    """The audit ledger. All raise a ServiceFault."""

    async def checkpoint(self) -> SignedNote | None:
        """A checkpoint of everything in the log now; None for an empty log."""
        ...

    async def checkpoints(self, size: int, limit: int) -> Sequence[SignedNote]:
        """Signed checkpoints of at least this size, the smallest first."""
        ...

    async def latest(self) -> SignedNote | None:
        """The last checkpoint that was signed."""
        ...

    async def keys(self) -> Sequence[LedgerKey]: ...

    async def rotate(self, overlap_seconds: int) -> Sequence[LedgerKey]:
        """Begin a new key; those before it sign beside it for the overlap."""
        ...

    async def hashes(self, first: int, count: int) -> bytes:
        """The leaf hashes of the tiles (256 each) from number ``first`` on."""
        ...

    async def rows(self, after: int, limit: int, project: ProjectId | None) -> tuple[bytes, int]:
        """Events with position > ``after`` as lines of JSON, and the position up to which they were looked for."""
        ...

    async def kept(self, after: int, limit: int) -> tuple[bytes, int]:
        """The same of all events that the database itself keeps, whatever lies in bundles."""
        ...

    async def lost(self, limit: int) -> Sequence[LostEvent]:
        """Last events of archived streams that the database should keep and does not, in order."""
        ...

    async def find(self, event: str) -> Any:
        """The stored columns of an event by position or `stream@version`; None where there is none."""
        ...

    async def inclusion(self, row: Any, size: int | None) -> Inclusion | None:
        """The proof for an event to the first checkpoint of at least ``size``, or to one of now; None where there is
        no such checkpoint."""
        ...

    async def consistency(self, old: int, new: int) -> Consistency | None:
        """None where the tree is not that long."""
        ...

    async def redacted(
        self, after: int, limit: int, project: ProjectId | None, rules: Rules, principal: str
    ) -> tuple[bytes, int, str]:
        """What a policy leaves of events with position > ``after``, as lines; up to where; a signed note of them."""
        ...

    async def statement(
        self, first: int, last: int, project: ProjectId | None, rules: Rules | None, principal: str
    ) -> str:
        """A signed note that these events were asked for, less what a policy leaves out."""
        ...
