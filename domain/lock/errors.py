"""Refusals of the lock service: what a caller got wrong about resources and claims."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection
from domain.kernel.message import Message


class BadPattern(Rejection):
    """The resource {resource} is not a canonical claim: {reason}.

    Write kind:scope//pattern, for example path:repo//src/**, and ask again; nothing is repaired for you.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    resource: str
    reason: str


class TooComplex(Rejection):
    """Comparing {resource} with the live claims takes more than {steps_max} steps.

    Use fewer wildcards in one segment or claim a directory with a plain name; overlap is never guessed.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.TOO_COMPLEX
    HTTP_STATUS: ClassVar[int] = 422
    resource: str
    steps_max: int


class Blocker(Message):
    """A live grant, or an earlier request, that stands in the way of a request."""

    session: str
    """Empty where a task holds or waits by itself."""
    task: str | None
    """The task whose attempt it is; None where the session itself holds or waits."""
    purpose: str
    age_seconds: int
    held: str
    """The claim that is held."""
    wanted: str
    """The claim that was asked for."""
    witness: str
    """Something that both cover; empty where finding it costs too much."""
    lingers_until: int | None
    """Set where the owner is gone and the lock opens by itself at that instant, in microseconds."""
    request: str | None = None
    """Set where it holds nothing yet and waits under this number since before."""


class LockConflict(Rejection):
    """{wanted} meets {held} at {witness}, held for {age_seconds} s by {holder}; claims in the way: {total}.

    Nothing was granted or queued. Leave {witness} out of the claims, take other work, or ask again when {holder} is
    done.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    wanted: str
    held: str
    witness: str
    holder: str
    age_seconds: int
    total: int
    """Conflicting claims, counted up to 100, of which ``blockers`` lists the oldest."""
    blockers: tuple[Blocker, ...]


class LocksLimited(Rejection):
    """There would be {count} {what}, more than the {most} that are allowed.

    Release locks that are no longer needed, or claim directories instead of many single files.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 429
    what: str
    count: int
    most: int


class LockTokenFenced(Rejection):
    """The lock token {token} is not one of a live grant of the session {session}; nothing changed.

    Stop writing under it. Acquire the locks again for a new token.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.FENCED
    AUDITED: ClassVar[bool] = True
    token: str
    session: str


class NotLockOwner(Rejection):
    """The locks of token {token} are not the own ones of the session {session}.

    Only the owner releases locks; those of an attempt end with its report.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.NOT_OWNER
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    token: str
    session: str


class LockDelayRuns(Rejection):
    """The locks of token {token} stay shut until {until}.

    Ask again then; a lock-delay never ends early.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    token: str
    until: int
    """Microseconds since 1970."""


class DeadlockStep(Message):
    """One owner of a circle and what it waits for."""

    waiter: str
    """``session#incarnation``, ``task@session#incarnation`` or a task."""
    wanted: str
    """A claim of the waiter's."""
    held: str
    """The claim that stands in its way."""
    token: str
    holder: str
    """The next waiter of the circle."""


class Deadlock(Rejection):
    """Waiting would never end: {circle}.

    Release {release} (token {token}) and ask again, or ask once for everything that is needed, {everything}, as one
    set.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DEADLOCK
    AUDITED: ClassVar[bool] = True
    circle: str
    release: str
    """What the asker holds and others wait for."""
    token: str
    everything: str
    steps: tuple[DeadlockStep, ...]
    """The first is the asker's own; the last leads back to it."""


class AlreadyWaiting(Rejection):
    """{owner} waits already, for {claims} under the request {request}.

    Wait for that request, withdraw it, or give both the same supersede_key so that the newer replaces the older.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.ALREADY_WAITING
    owner: str
    request: str
    claims: str


class WaitTimeout(Rejection):
    """The request {request} waited until its time was up and got nothing.

    Ask again, with fewer claims or a longer wait_timeout_seconds, or take other work meanwhile.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.WAIT_TIMEOUT
    HTTP_STATUS: ClassVar[int] = 408
    request: str


class RequestWithdrawn(Rejection):
    """The request {request} waits no longer: {reason}.

    Ask again if the locks are still needed.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.WAIT_TIMEOUT
    request: str
    reason: str


class ConcurrencyFull(Rejection):
    """The concurrency key {key} allows {limit} at a time, and {count} are at work: {holders}.

    Take other work, or wait until one of them ends.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    key: str
    limit: int
    count: int
    holders: str


class BudgetExhausted(Rejection):
    """The budget allows {limit} {unit}; {spent} are spent and {reserved} are set aside by {holders}, so {wanted} more
    do not fit.

    Wait until live work ends and gives back what it does not use, or have a person raise the budget.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    unit: str
    limit: int
    spent: int
    reserved: int
    wanted: int
    holders: str


class NotTransferred(Rejection):
    """The locks of token {token} cannot be given away: {reason}.

    Accept them first where they were given to you, or release them.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    token: str
    reason: str


class NoStrongerMode(Rejection):
    """Every claim of token {token} is held in the mode {mode} or a stronger one.

    Use the token as it is.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    token: str
    mode: str


class WideUpgrade(Rejection):
    """The claim {claim} covers a whole repository and does not become exclusive by an upgrade.

    Acquire it exclusively from the start, with a key whose role may lock a whole repository.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    claim: str


class NotInQuarantine(Rejection):
    """The locks of token {token} are not in quarantine.

    List the locks; break the token instead if its owner is to lose it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    token: str


class FenceRefused(Rejection):
    """The token {token} is not current at {resource}: {reason}.

    Stop writing there. Acquire the locks again for a new token.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.FENCED
    AUDITED: ClassVar[bool] = True
    token: str
    resource: str
    reason: str


class CaseRuleInUse(Rejection):
    """Whether its repository ignores letter case does not change while {claim} is held or waited for; claims: {claims}.

    Freeze the project, let the claims end, and ask again; claims that are live never change their meaning.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    claim: str
    claims: int
