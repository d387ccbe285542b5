"""What happened in a project's lock space."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.values import ConcurrencyKey, LockMode, ScopeClaim, Spend
from domain.lock.pool_name import units_in

units_asked: Final = units_in
"""What claims of stored events ask of pools, for those who fold them."""

LossRule = Literal["release", "lock_delay", "quarantine"]
"""What becomes of a grant whose owner is lost (locks.md 10)."""

LingerReason = Literal["lost", "ended", "cancelled", "timeout", "lost_delivery", "reassigned", "expired", "reverted"]
"""How an owner came to be gone without its own report."""

_PLAIN: Final = "1 to 100 characters without spaces and ; = / * ? [ \\"


class TakenMembers(Message):
    """Which members of a pool a grant holds."""

    pool: str
    members: tuple[str, ...]


class PoolMember(Message):
    """One unit of a pool, with what is told of it."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^;=/*?\[\\\s]+$", description=_PLAIN)
    labels: tuple[
        Annotated[str, StringConstraints(pattern=r"^[^;=/*?\[\\\s]{1,100}$"), Field(description=_PLAIN)], ...
    ] = Field(default=(), max_length=32)


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
    on_loss: LossRule | None = None
    """What becomes of it when its owner is lost; None: what is usual for its kinds."""
    preemptible: bool = False
    """Whether a person may take it over after a notice."""
    members: tuple[TakenMembers, ...] = ()
    """The units of pools that it holds."""


class LocksReleased(Event):
    """All locks of the token are free."""

    TYPE: ClassVar[str] = "lock.released.v1"
    token: int
    reason: Literal[
        "completed",
        "failed",
        "released",
        "lock_delay_over",
        "lost",
        "ended",
        "expired",
        "preempted",
        "lifted",
        "reverted",
    ]
    at: Instant
    spent: Spend | None = None
    """What the work under the token cost in the end, where that was reported."""
    pools: tuple[str, ...] = ()
    """Whose units it concerns; empty in rows from before it was told."""


class LocksLingered(Event):
    """The owner is gone without its own report; its locks stay shut until an instant (lock-delay)."""

    TYPE: ClassVar[str] = "lock.lingered.v1"
    token: int
    reason: LingerReason
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
    on_loss: LossRule | None = None
    preemptible: bool = False
    replaces: int | None = None
    """The token of an upgrade, which ends with the grant."""
    supersede_key: str = ""
    """A newer request with the same key takes the place of this one; empty: none does."""
    preempts: bool = False
    """Whether holders that may be preempted are told to go."""


class LockRequestWithdrawn(Event):
    """The request waits no longer and got nothing."""

    TYPE: ClassVar[str] = "lock.request_withdrawn.v1"
    request: int
    reason: Literal["withdrawn", "timeout", "lost", "ended", "superseded"]
    at: Instant
    pools: tuple[str, ...] = ()
    """Whose units it concerns; empty in rows from before it was told."""


class LocksDowngraded(Event):
    """The holder gave up rights: claims in a stronger mode are held in this one from now on, under the same token."""

    TYPE: ClassVar[str] = "lock.downgraded.v1"
    token: int
    mode: LockMode
    at: Instant


class LocksQuarantined(Event):
    """The owner is gone and left something behind: the locks stay shut until a person lifts them."""

    TYPE: ClassVar[str] = "lock.quarantined.v1"
    token: int
    reason: LingerReason
    at: Instant


class LeaseExpired(Event):
    """The locks were held as long as locks may be held at all; what becomes of them follows."""

    TYPE: ClassVar[str] = "lock.lease_expired.v1"
    token: int
    at: Instant


class LocksTransferred(Event):
    """The holder gave the locks to a session, under a new token and without letting go of them."""

    TYPE: ClassVar[str] = "lock.transferred.v1"
    token: int
    """Of the giver; fenced from now on."""
    successor: int
    session: str
    incarnation: int
    ancestors: tuple[str, ...]
    accept_until: Instant
    """When they go back unless they were accepted."""
    at: Instant
    claims: tuple[ScopeClaim, ...] = ()
    """What was given, and for what; empty in rows from before it was told."""
    purpose: str = ""
    pools: tuple[str, ...] = ()
    """Whose units it concerns; empty in rows from before it was told."""


class LockTransferAccepted(Event):
    """The receiver took the locks over."""

    TYPE: ClassVar[str] = "lock.transfer_accepted.v1"
    token: int
    at: Instant


class LockTransferReverted(Event):
    """Nobody accepted the locks, so they are the giver's again, under a new token."""

    TYPE: ClassVar[str] = "lock.transfer_reverted.v1"
    token: int
    successor: int
    at: Instant
    session: str = ""
    """The giver; empty in rows from before it was told, like all that follows."""
    incarnation: int = 0
    task: str | None = None
    claims: tuple[ScopeClaim, ...] = ()
    purpose: str = ""
    pools: tuple[str, ...] = ()
    """Whose units it concerns; empty in rows from before it was told."""


class LocksBroken(Event):
    """A person freed the locks of somebody else."""

    TYPE: ClassVar[str] = "lock.broken.v1"
    token: int
    reason: str
    by: str
    """The principal."""
    at: Instant
    pools: tuple[str, ...] = ()
    """Whose units it concerns; empty in rows from before it was told."""


class LockRevokeNoticed(Event):
    """The holder is told to go: a person takes the locks over when the grace is over."""

    TYPE: ClassVar[str] = "lock.revoke_noticed.v1"
    token: int
    request: int
    """The request that takes over."""
    until: Instant
    at: Instant


class SoftConflictNoticed(Event):
    """A declared plan meets a writer; nobody is blocked, both are told."""

    TYPE: ClassVar[str] = "lock.soft_conflict_noticed.v1"
    token: int
    """The newer grant."""
    other: int
    claim: str
    other_claim: str
    witness: str
    """Something that both cover."""
    at: Instant


class FenceRaised(Event):
    """A larger token than ever before was seen at a resource."""

    TYPE: ClassVar[str] = "lock.fence_raised.v1"
    resource: str
    token: int
    at: Instant


class PoolSet(Event):
    """A pool has just these members from now on. Those left out are given to nobody again; nothing is taken away."""

    TYPE: ClassVar[str] = "lock.pool_set.v1"
    pool: str
    members: tuple[PoolMember, ...]
    quota: int | None
    """Units that one owner may hold at once; None: all of them."""
    at: Instant


class PoolMemberQuarantined(Event):
    """A member of a pool is given to nobody until a person returns it; who holds it keeps it."""

    TYPE: ClassVar[str] = "lock.pool_member_quarantined.v1"
    pool: str
    member: str
    reason: str
    at: Instant


class PoolMemberReturned(Event):
    """A member may be given again."""

    TYPE: ClassVar[str] = "lock.pool_member_returned.v1"
    pool: str
    member: str
    at: Instant


class CaseRuleSet(Event):
    """Claims on paths and branches of just these repositories are compared without letter case from now on."""

    TYPE: ClassVar[str] = "lock.case_rule_set.v1"
    ignoring_case: tuple[str, ...]
    """Names of the repositories, sorted."""
    at: Instant
