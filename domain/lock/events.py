"""What happened in a project's lock space."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.kernel.values import ConcurrencyKey, ScopeClaim, Spend


class LocksGranted(Event):
    """A token was minted and every claim granted under it; an attempt without scope mints a token only."""

    TYPE: ClassVar[str] = "lock.granted.v1"
    token: int
    session: str
    """Empty where a task holds them by itself, reserved for its next attempt."""
    incarnation: int
    task: str | None
    """The task whose attempt owns the grants; None where the session itself does."""
    claims: tuple[ScopeClaim, ...]
    purpose: str
    at: Instant
    ancestors: tuple[str, ...] = ()
    """Names of the owners around the session: lives of its parents, the run of its task."""
    request: int | None = None
    """The waiting request that this grant answers."""
    replaces: int | None = None
    """The token that ends with this grant, so that its claims are never free between: an upgrade, a reservation."""
    concurrency: tuple[ConcurrencyKey, ...] = ()
    """Names that count this grant against their limits until it ends."""
    reserved: Spend | None = None
    """What is set aside of the project's budget until it ends."""


class LocksReleased(Event):
    """All locks of the token are free."""

    TYPE: ClassVar[str] = "lock.released.v1"
    token: int
    reason: Literal["completed", "failed", "released", "lock_delay_over", "lost", "ended"]
    at: Instant
    spent: Spend | None = None
    """What the work under the token cost in the end, where that was reported."""


class LocksLingered(Event):
    """The owner is gone without its own report; its locks stay shut until an instant (lock-delay)."""

    TYPE: ClassVar[str] = "lock.lingered.v1"
    token: int
    reason: Literal["lost", "ended", "cancelled", "timeout", "lost_delivery", "reassigned"]
    until: Instant
    at: Instant


class LocksRequested(Event):
    """A request waits for all its claims at once and holds none of them."""

    TYPE: ClassVar[str] = "lock.requested.v1"
    request: int
    """Order of arrival in the lock space, from 1."""
    session: str
    """Empty where a task waits by itself."""
    incarnation: int
    task: str | None
    ancestors: tuple[str, ...]
    claims: tuple[ScopeClaim, ...]
    purpose: str
    boost_seconds: int
    """How much earlier than its instant it counts as queued."""
    expires_at: Instant | None
    """When it gives up by itself."""
    at: Instant
    """Never before an earlier request's."""


class LockRequestWithdrawn(Event):
    """The request waits no longer and got nothing."""

    TYPE: ClassVar[str] = "lock.request_withdrawn.v1"
    request: int
    reason: Literal["withdrawn", "timeout", "lost", "ended", "superseded"]
    at: Instant
