"""What happened in a project's lock space."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.kernel.values import ScopeClaim


class LocksGranted(Event):
    """A token was minted and every claim granted under it; an attempt without scope mints a token only."""

    TYPE: ClassVar[str] = "lock.granted.v1"
    token: int
    session: str
    incarnation: int
    task: str | None
    """The task whose attempt owns the grants; None where the session itself does."""
    claims: tuple[ScopeClaim, ...]
    purpose: str
    at: Instant


class LocksReleased(Event):
    """All locks of the token are free."""

    TYPE: ClassVar[str] = "lock.released.v1"
    token: int
    reason: Literal["completed", "failed", "released", "lock_delay_over", "lost", "ended"]
    at: Instant


class LocksLingered(Event):
    """The owner is gone without its own report; its locks stay shut until an instant (lock-delay)."""

    TYPE: ClassVar[str] = "lock.lingered.v1"
    token: int
    reason: Literal["lost", "ended", "cancelled", "timeout", "lost_delivery"]
    until: Instant
    at: Instant
