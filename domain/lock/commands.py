"""What may be asked of a project's lock space."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import COUNT_MAX, ProjectCommand
from domain.kernel.text import Reference, TokenText
from domain.kernel.values import ScopeClaim
from domain.lock.events import LossRule, PoolMember

RESERVATION_SECONDS: Final = 30
"""How long locks are kept for a task that nobody claims."""
LockToken = TokenText
Resource = Annotated[str, StringConstraints(min_length=1, max_length=600)]
GitPath = Annotated[str, StringConstraints(min_length=1, max_length=600)]
"""A file's path from the top of its repository, with slashes; no pattern."""
Priority = Literal["normal", "raised", "urgent", "person"]
BOOST_SECONDS: Final[Mapping[Priority, int]] = {"normal": 0, "raised": 30, "urgent": 300, "person": 3_600}
"""How much earlier than it came a request counts as queued."""

RequestText = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,18}$"), Field(description="the number of a request as it was told")
]


class AcquireLocks(ProjectCommand):
    """Take up to 64 claims, all or nothing, for a session. An identical live claim returns the existing grant."""

    NAME: ClassVar[str] = "acquire_locks"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    claims: tuple[ScopeClaim, ...] = Field(min_length=1, max_length=64)
    purpose: str = Field(default="", max_length=500)
    wait: Literal["none", "preview", "queue"] = "none"
    """``preview`` changes nothing and explains; ``queue`` waits in line for what is not free."""
    wait_timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)
    """How long it may wait in the queue; None until it is granted or withdrawn."""
    priority: Priority = "normal"
    """Counts as queued 0, 30, 300 or 3,600 s earlier; ``person`` is for people."""
    on_loss: LossRule | None = None
    """What becomes of the locks when the session is lost: None is ``lock_delay`` for paths and worktrees, else
    ``release``; ``quarantine`` keeps them shut until a person lifts them."""
    preemptible: bool = False
    """Whether a person may take them over after a notice of 120 s."""
    preempt: bool = False
    """Tell holders that may be preempted to go; for people, who wait in the queue until the notice is over."""
    supersede_key: str = Field(default="", max_length=200)
    """Takes the place of every waiting request with the same key; empty takes nobody's."""
    attempt: TokenText | None = None
    """Token of the session's attempt that the locks are for: they end with it. None: the attempt that holds them all
    already, else the only one, else the session itself."""


class ReleaseLocks(ProjectCommand):
    """Give back the locks of one token that the session took outside any attempt."""

    NAME: ClassVar[str] = "release_locks"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    token: TokenText


class HolderCommand(ProjectCommand):
    """A command of a session on the locks of one token that it holds."""

    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    token: LockToken


class UpgradeLocks(HolderCommand):
    """Hold the token's weaker claims in a stronger mode, all of them under a new token; the old one ends then."""

    NAME: ClassVar[str] = "upgrade_locks"
    mode: Literal["shared", "update", "exclusive"] = "exclusive"
    wait: Literal["none", "queue"] = "none"
    wait_timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)


class DowngradeLocks(HolderCommand):
    """Hold the token's stronger claims in a weaker mode from now on, under the same token."""

    NAME: ClassVar[str] = "downgrade_locks"
    mode: Literal["intent", "shared", "update"] = "shared"


class TransferLocks(HolderCommand):
    """Give the locks of a token to another session, which has 60 s to accept them; nobody comes between."""

    NAME: ClassVar[str] = "transfer_locks"
    receiver: Reference
    """The session that gets them."""


class AcceptLocks(HolderCommand):
    """Keep the locks that were transferred. Accepting twice changes nothing."""

    NAME: ClassVar[str] = "accept_locks"


class BreakLocks(ProjectCommand):
    """Free the locks of somebody else: for people, with a reason that stays on record."""

    NAME: ClassVar[str] = "break_locks"
    token: LockToken
    """The token that is meant; a newer one is not touched."""
    reason: str = Field(min_length=1, max_length=500)


class LiftQuarantine(ProjectCommand):
    """Free locks whose owner was lost and left something behind: for people."""

    NAME: ClassVar[str] = "lift_quarantine"
    token: LockToken


class CheckLocks(HolderCommand):
    """Ask, before an edit, how resources stand for the owner of a token. Changes nothing."""

    NAME: ClassVar[str] = "check_locks"
    ASKS = True
    resources: tuple[Resource, ...] = Field(min_length=1, max_length=256)


class CheckPush(HolderCommand):
    """Ask, before a commit or a push is taken, whether its session holds all that it touches. Changes nothing."""

    NAME: ClassVar[str] = "check_push"
    ASKS = True
    repository: str = Field(min_length=1, max_length=63)
    """As scopes call it."""
    branch: str = Field(min_length=1, max_length=255)
    """The branch that changes, without ``refs/heads/``; a tag is ``tags/NAME``."""
    change: Literal["commit", "advance", "rewrite", "delete"] = "advance"
    """``commit`` touches paths only; what is new, or only adds commits, advances."""
    paths: tuple[GitPath, ...] = Field(default=(), max_length=256)
    """Files that differ afterwards, old names of renamed ones included."""
    merged: tuple[GitPath, ...] = Field(default=(), max_length=256)
    """Files that differ because of commits which other branches had before: whoever holds the branch exclusively may
    bring them along."""
    on_behalf: bool = False
    """Whether a git server asks about somebody else's push, which takes the right ``lock.guard``."""
    pusher: str = Field(default="", max_length=200)
    """The key that opened the session, where the git server knows whom the push comes from."""


class CheckFence(ProjectCommand):
    """Ask whether a token is current at a resource that cannot remember a number, which remembers it from now on."""

    NAME: ClassVar[str] = "check_fence"
    resource: str = Field(min_length=1, max_length=600)
    token: LockToken


class PoolCommand(ProjectCommand):
    """A command on one pool."""

    pool: str = Field(min_length=1, max_length=100)


class SetPool(PoolCommand):
    """Define a pool by a count or by its members. A smaller one drains: who holds a unit keeps it."""

    NAME: ClassVar[str] = "set_pool"
    count: int | None = Field(default=None, ge=0, le=256)
    """So many units without labels, named 1 to n; used where no members are listed."""
    members: tuple[PoolMember, ...] = Field(default=(), max_length=256)
    quota: int | None = Field(default=None, ge=1, le=256)
    """Units that one owner may hold at once."""


class QuarantineMember(PoolCommand):
    """Give a member to nobody until a person returns it; requests for the pool keep their places."""

    NAME: ClassVar[str] = "quarantine_member"
    member: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=500)


class ReturnMember(PoolCommand):
    """Give a member out again."""

    NAME: ClassVar[str] = "return_member"
    member: str = Field(min_length=1, max_length=100)


class DescribePool(PoolCommand):
    """Ask how a pool stands. Changes nothing."""

    NAME: ClassVar[str] = "describe_pool"
    ASKS = True


class ReserveLocks(ProjectCommand):
    """A ready task was passed over for long: its scope is queued with the task itself as the owner (derived)."""

    NAME: ClassVar[str] = "reserve_locks"
    task: Reference
    session: Reference
    """One that could do it, if only the locks were free."""


class EndReservation(ProjectCommand):
    """Nobody claimed the task that locks were reserved for (derived)."""

    NAME: ClassVar[str] = "end_reservation"
    token: LockToken


class ExpireLease(ProjectCommand):
    """Locks were held as long as locks may be held (derived)."""

    NAME: ClassVar[str] = "expire_lease"
    token: LockToken


class RevertTransfer(ProjectCommand):
    """Nobody accepted the locks in time (derived)."""

    NAME: ClassVar[str] = "revert_transfer"
    token: LockToken


class PreemptLocks(ProjectCommand):
    """The grace of a revoke notice is over (derived)."""

    NAME: ClassVar[str] = "preempt_locks"
    token: LockToken
    request: RequestText


class RequestCommand(ProjectCommand):
    """A command on one waiting request of a session."""

    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    request: RequestText


class AwaitLocks(RequestCommand):
    """Ask what became of a request that waited: its grant, its place, or why it got nothing. Changes nothing."""

    NAME: ClassVar[str] = "await_locks"
    ASKS = True


class WithdrawLockRequest(RequestCommand):
    """Leave the queue. Withdrawing twice changes nothing."""

    NAME: ClassVar[str] = "withdraw_lock_request"


class TimeOutLockRequest(ProjectCommand):
    """The request waited as long as it may (derived)."""

    NAME: ClassVar[str] = "time_out_lock_request"
    request: RequestText


class LetGoLocks(ProjectCommand):
    """Locks that a gate of the run has kept may be free (derived by the policy let_go_locks)."""

    NAME: ClassVar[str] = "let_go_locks"
    run: str


class EndLockDelay(ProjectCommand):
    """The lock-delay of a lost owner's locks is over (derived)."""

    NAME: ClassVar[str] = "end_lock_delay"
    token: TokenText
    until: int
