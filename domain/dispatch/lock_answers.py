"""What a caller is told about a request for locks."""

from typing import Literal

from domain.kernel.errors import Rejection
from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Answer
from domain.kernel.values import ScopeClaim
from domain.lock.blocking import Obstacle, told
from domain.lock.entries import Grant, Waiter
from domain.lock.errors import Blocker, RequestWithdrawn, TooComplex, WaitTimeout
from domain.lock.events import TakenMembers
from domain.lock.overlap import StepBudget
from domain.lock.requesting import in_the_way_of, place_of
from domain.lock.state import LockSpace


class LockAnswer(Answer):
    """What became of a request for locks."""

    outcome: Literal["granted", "held", "possible", "blocked", "waiting", "offered"]
    """``held`` names a grant that was there before; a preview says ``held``, ``possible`` or ``blocked``."""
    token: str | None = None
    """Decimal string; None where nothing is held."""
    claims: tuple[ScopeClaim, ...] = ()
    """The canonical claims of the grant."""
    members: tuple[TakenMembers, ...] = ()
    """Which units of pools were given."""
    blockers: tuple[Blocker, ...] = ()
    """The oldest of what is in the way, at most 16, grants before requests."""
    request: str | None = None
    """Set while it waits: the number under which to ask again, or to withdraw."""
    place: int | None = None
    """Its place among all that wait in the project, from 1."""
    expires_at: int | None = None
    """When the wait gives up by itself, or the offer goes back, in microseconds; None: never."""
    estimate_seconds: int | None = None
    """How long it may take, judged by how long locks were held lately; None where nothing is known."""


def granted(held: Grant) -> LockAnswer:
    """The locks are there already."""
    return LockAnswer(outcome="held", token=str(held.token), claims=held.claims, members=held.members)


def waiting(space: LockSpace, waiter: Waiter, at: Instant) -> LockAnswer | TooComplex:
    """Where a waiting request stands, and behind whom."""
    found = in_the_way_of(space, waiter.number)
    if isinstance(found, TooComplex):
        return found
    return LockAnswer(
        outcome="waiting",
        claims=waiter.claims,
        blockers=told(found, at, StepBudget()),
        request=str(waiter.number),
        place=place_of(space, waiter.number),
        expires_at=waiter.expires_at,
        estimate_seconds=_estimate(space, found, at),
    )


def what_became_of(space: LockSpace, session: str, request: int, at: Instant) -> LockAnswer | Rejection | None:
    """The fate of a session's request; None for one that is not known, or not any more."""
    waiter = space.waiters.get(request)
    if waiter is not None:
        return waiting(space, waiter, at) if waiter.owner.session == session else None
    fate = space.fates.get(request)
    if fate is None or fate.session != session:
        return None
    if fate.token is None:
        number = str(request)
        return (
            WaitTimeout(request=number)
            if fate.reason == "timeout"
            else RequestWithdrawn(request=number, reason=fate.reason)
        )
    held = space.grants.get(fate.token)
    if held is None:
        return LockAnswer(outcome="granted", token=str(fate.token))
    return LockAnswer(outcome="granted", token=str(fate.token), claims=held.claims, members=held.members)


def _estimate(space: LockSpace, found: list[Obstacle], at: Instant) -> int | None:
    """The rest of the youngest hold in the way, and a whole one for each request before it."""
    if not space.holds:
        return None
    mean = space.hold_mean // SECOND
    ages = [(at - one.holder.at) // SECOND for one in found if isinstance(one.holder, Grant)]
    requests = {one.holder.number for one in found if isinstance(one.holder, Waiter)}
    return max(0, mean - min(ages, default=mean)) + mean * len(requests)
