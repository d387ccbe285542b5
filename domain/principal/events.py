"""What happened to an API key."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.principal.commands import Role


class KeyIssued(Event):
    """The key opens doors; only its keyed hash is kept."""

    TYPE: ClassVar[str] = "key.issued.v1"
    name: str
    role: Role
    projects: tuple[str, ...]
    digest: str
    expires_at: Instant | None
    at: Instant


class KeyRevoked(Event):
    """The key opens nothing any more."""

    TYPE: ClassVar[str] = "key.revoked.v1"
    at: Instant
