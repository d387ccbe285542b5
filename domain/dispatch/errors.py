"""Refusals of plans and claims."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol

from domain.kernel.errors import RefusalKind, Rejection
from domain.kernel.ids import Instant
from domain.kernel.message import Message
from domain.kernel.values import Requirement


class PlanTooLarge(Rejection):
    """The plan is too large: {what}, and at most {most} are allowed.

    Split the plan; later plans may need the tasks of earlier ones.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 413
    what: str
    most: int


class KeyRepeated(Rejection):
    """The plan names the task {task} twice.

    Give every task of a plan a key of its own.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    field: str = "key"


class NeedRepeated(Rejection):
    """The task {task} lists the need {need} twice.

    Name each need once, with every outcome that it accepts.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    need: str
    field: str = "needs"


class NeedOnItself(Rejection):
    """The task {task} needs itself.

    Remove the need.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    field: str = "needs"


class NeedUnknown(Rejection):
    """The task {task} needs {need}, which is neither in the plan nor in the project.

    Correct the key, or plan the needed task in the same file.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    need: str
    field: str = "needs"


class NeedsCircular(Rejection):
    """The needs go round in a circle, so nothing in it could ever begin: {circle}.

    Remove one of these needs.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    """The task that the circle is told from."""
    path: tuple[str, ...]
    """Keys in the order in which each needs the next; the first stands again at the end."""
    circle: str
    field: str = "needs"


class ClaimMalformed(Rejection):
    """The task {task} claims {claim}, which is not a canonical claim: {reason}.

    Write kind:scope//pattern, for example path:repo//src/**; nothing is repaired for you.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    claim: str
    reason: str
    field: str = "scope"


class ConstraintMalformed(Rejection):
    """The task {task} requires {key} {operator} with a value that cannot hold: {reason}.

    Compare numbers by order, give a list to `in`, and one value to `=` and `!=`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    key: str
    operator: str
    reason: str
    field: str = "requires"


class ParentUnfit(Rejection):
    """The task {task} cannot be a part of {parent}: {reason}.

    Choose another parent, or none.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    parent: str
    reason: str
    field: str = "parent"


class TermsContradictory(Rejection):
    """What the plan says of the task {task} cannot hold together: {reason}.

    Change one of the two, or leave it out.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    reason: str
    field: str = "deadline"


class TaskDifference(Message):
    """A task that exists with another content, and the fields that differ."""

    task: str
    fields: tuple[str, ...]


class PlanDiffers(Rejection):
    """The plan changes tasks that exist already ({count} of them, the first is {task}).

    Look at the differences; take the changes back, or give the changed tasks new keys.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    count: int
    differences: tuple[TaskDifference, ...]


class SessionAtCapacity(Rejection):
    """The session {session} works on {live} tasks already, which is its capacity.

    Complete, fail or release one of them first.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    session: str
    live: int


class SessionNotCapable(Rejection):
    """The session {session} lacks what the task {task} requires: {lacking}.

    Claim another task, or open a session with these capabilities.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    session: str
    task: str
    lacking: str


class NothingReady(Rejection):
    """Nothing can be claimed now: of {ready} ready tasks {unmatched} require more than the session has, and
    {locked} wait for locks.

    Wait and ask again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    ready: int
    unmatched: int
    """Ready tasks whose requirements the session does not meet."""
    locked: int
    """Ready tasks whose locks are not free."""
    unseen: int
    """Ready tasks that were not looked at, because a claim tests a bounded number of them."""


class SessionNotLive(Rejection):
    """The session {session} is not connected, so nothing can be given to it.

    Name a live session, or none: then anybody who is capable may take the task.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str


class PushedWorkDeclined(Rejection):
    """The session {session} was opened as one that asks for work itself, so it would not hear of the task.

    Reassign the task to it: then its next claim gets it. Or open sessions with `takes_pushed`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str


class NoAuction(Rejection):
    """The project {project} gives out work by the strategy {strategy}, so there is nothing to bid for.

    Claim, or have a person set the strategy of the project to auction.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    project: str
    strategy: str


class StrategyReplaced(Rejection):
    """The project {project} gives out work by {strategy} by now, which has not proposed this.

    Nothing needs to be done: the dispatcher looks again by the strategy of the project.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    project: str
    strategy: str


class BidsTooMany(Rejection):
    """The task {task} has {most} bids already.

    Bid for another task.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    most: int


class TaskWithheld(Rejection):
    """The task {task} is kept for somebody else for now: {reason}.

    Claim another task; from the instant in the data on anybody capable may take it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    reason: str
    until: Instant


def not_capable(session: str, task: str, missing: Iterable[Requirement]) -> SessionNotCapable:
    """The refusal that says what the session lacks."""
    words = "; ".join(f"{one.key} {one.operator} {one.value}" for one in missing)
    return SessionNotCapable(session=session, task=task, lacking=words)


class Passed(Protocol):
    """A walk over ready tasks that found none."""

    ready: int
    unmatched: int
    locked: int

    @property
    def unseen(self) -> int: ...


def passed_over(walks: Sequence[Passed]) -> NothingReady:
    """The refusal that counts what one or several walks passed over."""
    return NothingReady(
        ready=sum(one.ready for one in walks),
        unmatched=sum(one.unmatched for one in walks),
        locked=sum(one.locked for one in walks),
        unseen=sum(one.unseen for one in walks),
    )
