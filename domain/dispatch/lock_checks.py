"""Check points: whether a token covers what is about to be written, and the register for what cannot remember one."""

from typing import Final, Literal

from domain.dispatch.lock_owner import lives_around
from domain.dispatch.lookup import find_session, lock_stream
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection
from domain.kernel.ids import StreamId
from domain.kernel.message import Answer, Message, Stamp
from domain.lock.blocking import grants_in_the_way, includes, others_in_the_way, told
from domain.lock.commands import CheckFence, CheckLocks, HolderCommand
from domain.lock.decider import LOCKS
from domain.lock.entries import Owner, Wish
from domain.lock.errors import BadPattern, Blocker, FenceRefused, LocksLimited, LockTokenFenced, TooComplex
from domain.lock.events import FenceRaised
from domain.lock.overlap import StepBudget
from domain.lock.resource import parse_in
from domain.lock.state import LockSpace
from domain.session.state import Session

FENCES_MAX: Final = 10_000
"""Resources in the register of one project."""


class ResourceChecked(Message):
    """How one resource stands for the owner of the token."""

    resource: str
    state: Literal["covered", "free", "held"]
    """``covered`` by an exclusive lock of the owner, ``free`` of all, or ``held`` by somebody else."""
    blocker: Blocker | None = None
    """Who holds it."""


class LocksChecked(Answer):
    """The resources in the order of the question."""

    resources: tuple[ResourceChecked, ...]


class FenceAccepted(Answer):
    """The token is current at the resource."""

    resource: str
    token: str


def check(command: CheckLocks, stamp: Stamp, view: View) -> Decision:
    """How each resource stands; a token that is not current is refused as a whole."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    space = view.read(LOCKS, lock_stream(stamp.project))
    owner = owner_of_token(command, space, session, stamp, view)
    if owner is None:
        return refuse(LockTokenFenced(token=command.token, session=command.session))
    found: list[ResourceChecked] = []
    budget = StepBudget()
    for text in command.resources:
        one = _for_writing(space, owner, text, stamp, budget)
        if isinstance(one, Rejection):
            return refuse(one)
        found.append(one)
    return Decision(answer=LocksChecked(resources=tuple(found)))


def check_fence(command: CheckFence, stamp: Stamp, view: View) -> Decision:
    """Accepts and remembers the token of a live exclusive grant that is no smaller than any seen at the resource."""
    stream, token = lock_stream(stamp.project), int(command.token)
    space = view.read(LOCKS, stream)
    resource = parse_in(command.resource, space.ignoring_case)
    if isinstance(resource, BadPattern):
        return refuse(resource)
    held, seen = space.grants.get(token), space.fences.get(resource.text, 0)
    if held is None or held.is_orphaned or not includes(held, Wish(resource, "exclusive")):
        reason = "no live grant under it covers the resource exclusively"
        return refuse(FenceRefused(token=command.token, resource=resource.text, reason=reason))
    if token < seen:
        reason = f"the larger token {seen} was seen there"
        return refuse(FenceRefused(token=command.token, resource=resource.text, reason=reason))
    answer = FenceAccepted(resource=resource.text, token=command.token)
    if token == seen:
        return Decision(answer=answer)
    if not seen and len(space.fences) >= FENCES_MAX:
        return refuse(LocksLimited(what="resources in the fence register", count=FENCES_MAX + 1, most=FENCES_MAX))
    raised = FenceRaised(resource=resource.text, token=token, at=stamp.time)
    return Decision((Write(stream, (raised,), stamp.project),), answer)


def owner_of_token(
    command: HolderCommand, space: LockSpace, session: Session, stamp: Stamp, view: View
) -> Owner | None:
    """Whose token it is: an attempt's own token may hold no locks, and what it took later has tokens of its own."""
    token, above = int(command.token), lives_around(view, StreamId(command.session))
    attempt = session.attempts.get((stamp.project, token))
    if attempt is not None:
        return Owner(command.session, command.incarnation, attempt.task, above)
    held = space.grants.get(token)
    if held is None or held.is_orphaned or (held.session, held.incarnation) != (command.session, command.incarnation):
        return None
    return held.owner


def _for_writing(
    space: LockSpace, owner: Owner, text: str, stamp: Stamp, budget: StepBudget
) -> ResourceChecked | BadPattern | TooComplex:
    """The same as ``checked``, but where a session below or beside the owner writes, the owner does not (locks.md 5).

    What is pushed is asked about without this: a session pushes what those below it have done.
    """
    one = checked(space, owner, text, stamp, budget)
    resource = parse_in(text, space.ignoring_case)
    if not isinstance(one, ResourceChecked) or one.state != "covered" or isinstance(resource, BadPattern):
        return one
    found = others_in_the_way(space, owner, (Wish(resource, "exclusive"),), budget)
    if isinstance(found, TooComplex):
        return found
    return one.model_copy(update={"state": "held", "blocker": told(found, stamp.time, budget)[0]}) if found else one


def checked(
    space: LockSpace, owner: Owner, text: str, stamp: Stamp, budget: StepBudget
) -> ResourceChecked | BadPattern | TooComplex:
    """How one resource stands for an owner."""
    resource = parse_in(text, space.ignoring_case)
    if isinstance(resource, BadPattern):
        return resource
    wish = Wish(resource, "exclusive")
    mine = (space.grants[token] for name in (owner.name, *owner.around) for token in _tokens(space, name))
    if any(includes(grant, wish) for grant in mine):
        return ResourceChecked(resource=resource.text, state="covered")
    found = grants_in_the_way(space, owner, (wish,), budget, most=1)
    if isinstance(found, TooComplex):
        return found
    if found:
        return ResourceChecked(resource=resource.text, state="held", blocker=told(found, stamp.time, budget)[0])
    return ResourceChecked(resource=resource.text, state="free")


def _tokens(space: LockSpace, name: str) -> tuple[int, ...]:
    return tuple(sorted(space.coverage.by_owner.get(name, ())))
