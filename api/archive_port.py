"""What the surfaces need of archiving; the composition binds it, as it does all of ``ports``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.kernel.errors import Rejection


@dataclass(frozen=True, slots=True)
class ArchivedRange:
    """A range of the log that lies in a bundle."""

    first: int
    last: int
    digest: str
    """SHA-256 in hexadecimal digits over the leaf hashes of its events."""
    name: str
    """Of the bundle's folder."""
    asked_by: str
    at: int
    """Microseconds since 1970."""
    pruned: bool
    here: bool
    """Whether this node can read the bundle."""


@dataclass(frozen=True, slots=True)
class Archiving:
    """What is under way."""

    step: str
    first: int
    last: int
    done: int
    waits_for: str


@dataclass(frozen=True, slots=True)
class LeftoverBundle:
    """A folder among the bundles that is on no record."""

    name: str
    whole: bool
    """Finished, which is never removed; else begun, which is gone on with when the same range is asked for again, and
    removed when another one is."""


@dataclass(frozen=True, slots=True)
class Archives:
    """What is archived, and what is under way."""

    archives: Sequence[ArchivedRange]
    folder: str
    under_way: Archiving | None
    trouble: str
    """Why the last that was asked for did not go on."""
    leftovers: Sequence[LeftoverBundle]


@dataclass(frozen=True, slots=True)
class KeptState:
    """What a stream had come to with its last archived event, as it is stored."""

    stream: str
    version: int
    position: int
    kind: str
    """Name and version of the state's shape."""
    state: bytes
    """JSON text without words of anybody."""
    words: bytes
    """Those words, each under the key of its subject."""


class ArchivePort(Protocol):
    """Archiving on this node. All raise a ServiceFault."""

    async def archives(self) -> Archives: ...

    async def bases(self, after: str, limit: int) -> Sequence[KeptState]:
        """Of the streams whose ids come behind a text, in their order; none where there is no further one."""
        ...

    async def archive(self, until: str, principal: str) -> int | Rejection:
        """Begin to archive everything up to a point; answers its position. Asking again goes on with it."""
        ...
