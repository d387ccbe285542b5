"""What a lock space is, as its decisions see it."""

from dataclasses import dataclass, field

from immutables import Map

from domain.kernel.ids import Instant, Token
from domain.kernel.values import ScopeClaim


@dataclass(frozen=True, slots=True)
class Grant:
    """All locks of one token: an attempt's, or a session's own."""

    token: Token
    session: str
    incarnation: int
    task: str | None
    claims: tuple[ScopeClaim, ...]
    purpose: str
    at: Instant
    lingers_until: Instant | None = None
    """Set once the owner is gone; the locks stay shut against everybody until then."""


@dataclass(frozen=True, slots=True)
class LockSpace:
    """The live grants of a project."""

    last_token: Token = Token(0)
    grants: Map[int, Grant] = field(default_factory=Map)
    """By token. The overlap index beside it is rebuilt from these when a snapshot is thawed."""
