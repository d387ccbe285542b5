"""Where an export, or a verification of the live log, reads from: a server over HTTP, or the stores themselves."""

from typing import Protocol

from infrastructure.bundle.redaction import Rules
from infrastructure.ledger.port import KeyPeriod, SignedCheckpoint
from infrastructure.log.archived import BaseState, LostEvent


class Source(Protocol):
    """A log with its ledger. Calls block; what goes wrong is raised as the source's own faults."""

    def checkpoint(self) -> SignedCheckpoint | None:
        """A checkpoint of everything in the log now; None for an empty log."""
        ...

    def checkpoints(self, size: int, limit: int) -> list[SignedCheckpoint]:
        """Signed checkpoints of at least this size, the smallest first."""
        ...

    def public_keys(self) -> list[KeyPeriod]:
        """The ledger's public keys, as the source says."""
        ...

    def statement(self, first: int, last: int, project: str | None, rules: Rules | None) -> tuple[str, str | None]:
        """A signed note that these events are asked for, less what a policy leaves out, and the id of the project."""
        ...

    def path(self, position: int, size: int) -> tuple[bytes, ...]:
        """The audit path of an event to the root of the checkpoint of that size."""
        ...

    def hashes(self, first_tile: int, count: int) -> bytes:
        """The leaf hashes of at most 256 tiles."""
        ...

    def lines(self, after: int, limit: int, project: str | None) -> tuple[bytes, int]:
        """Events with position > ``after`` as lines of JSON, and the position up to which they were looked for."""
        ...

    def kept(self, after: int, limit: int) -> tuple[bytes, int]:
        """The same of those that the database itself keeps, whatever lies in bundles."""
        ...

    def lost(self, limit: int) -> list[LostEvent]:
        """Last events of archived streams that the database should keep and does not, in order."""
        ...

    def bases(self, after: str, limit: int) -> list[BaseState]:
        """What archived streams had come to, as it is kept, of those whose ids come behind a text; none at the end."""
        ...

    def redacted(self, after: int, limit: int, project: str | None, rules: Rules) -> tuple[bytes, int, str]:
        """The same of what a policy leaves of them, with a signed note of the lines."""
        ...
