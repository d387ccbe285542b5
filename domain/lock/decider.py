"""What a lock space decides: grants all or nothing, each under a larger token, and how they end."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, Literal, assert_never

from domain.kernel.decider import Aggregate
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, Token
from domain.kernel.values import ScopeClaim
from domain.lock.blocking import Asker, Wish, conflict_of, includes, obstacles, wishes_of
from domain.lock.errors import BadPattern, LocksLimited, TooComplex
from domain.lock.events import LocksGranted, LocksLingered, LocksReleased
from domain.lock.overlap import StepBudget
from domain.lock.state import Grant, LockSpace, resources_of

LockEvent = LocksGranted | LocksReleased | LocksLingered
ReleaseReason = Literal["completed", "failed", "released", "lock_delay_over", "lost", "ended"]
LingerReason = Literal["lost", "ended", "cancelled", "timeout", "lost_delivery"]

CLAIMS_PER_REQUEST_MAX: Final = 64
GRANTS_PER_SESSION_MAX: Final = 256
CLAIMS_PER_SPACE_MAX: Final = 10_000
ERA_TOKENS: Final = 1 << 40
"""Tokens of one log era; the era is the high part of every token."""
_DELAYED_KINDS: Final = frozenset({"path", "worktree"})
_BEFORE_FIRST_ATTEMPT: Final = ""
"""No task has this id, so an attempt that does not exist yet is the sibling of all that do."""


def grant(
    space: LockSpace,
    *,
    era: int,
    session: str,
    incarnation: int,
    task: str | None,
    claims: tuple[ScopeClaim, ...],
    purpose: str,
    at: Instant,
    judged_as: str | None = None,
) -> LocksGranted | Rejection:
    """All claims under a new token, or why not one of them. No claims mint a token only.

    ``task`` is whose attempt owns the grant, None for the session itself. ``judged_as`` names the attempt that stands
    for the session where conflicts are judged, though the grant stays the session's (locks.md 5).
    """
    wishes = wishes_of(claims)
    if isinstance(wishes, BadPattern):
        return wishes
    limited = _limited(space, session, wishes)
    if limited is not None:
        return limited
    budget = StepBudget()
    found = obstacles(space, Asker(session, incarnation, task or judged_as), wishes, budget)
    if isinstance(found, TooComplex):
        return found
    if found:
        return conflict_of(found, at, budget)
    return LocksGranted(
        token=next_token(space, era),
        session=session,
        incarnation=incarnation,
        task=task,
        claims=tuple(ScopeClaim(claim=wish.resource.text, mode=wish.mode) for wish in wishes),
        purpose=purpose,
        at=at,
    )


def could_grant(space: LockSpace, claims: tuple[ScopeClaim, ...], session: str, incarnation: int) -> bool:
    """Whether a new attempt of the session would get all the claims now."""
    wishes = wishes_of(claims)
    if isinstance(wishes, BadPattern) or _limited(space, session, wishes) is not None:
        return False
    return obstacles(space, Asker(session, incarnation, _BEFORE_FIRST_ATTEMPT), wishes, StepBudget(), most=1) == []


def next_token(space: LockSpace, era: int) -> Token:
    """Larger than every token of the space, and than every one of a former log era."""
    return Token(max(space.last_token + 1, era * ERA_TOKENS + 1))


def _limited(space: LockSpace, session: str, wishes: tuple[Wish, ...]) -> LocksLimited | None:
    grants, claims = space.coverage.by_session.get(session, 0) + 1, space.coverage.claims + len(wishes)
    if len(wishes) > CLAIMS_PER_REQUEST_MAX:
        return LocksLimited(what="claims in the request", count=len(wishes), most=CLAIMS_PER_REQUEST_MAX)
    if wishes and grants > GRANTS_PER_SESSION_MAX:
        return LocksLimited(what="live grants of the session", count=grants, most=GRANTS_PER_SESSION_MAX)
    if wishes and claims > CLAIMS_PER_SPACE_MAX:
        return LocksLimited(what="live claims in the project", count=claims, most=CLAIMS_PER_SPACE_MAX)
    return None


def identical(space: LockSpace, tokens: Iterable[int], wishes: tuple[Wish, ...]) -> Grant | None:
    """Which of the live grants with these tokens holds just the wishes, no more and no less."""
    wanted = {(wish.resource.text, wish.mode) for wish in wishes}
    return next(
        (held for held in _live(space, tokens) if {(one.claim, one.mode) for one in held.claims} == wanted), None
    )


def covering(space: LockSpace, tokens: Iterable[int], wishes: tuple[Wish, ...]) -> tuple[Grant, ...]:
    """The live grants with these tokens that each cover all the wishes."""
    return tuple(held for held in _live(space, tokens) if all(includes(held, wish) for wish in wishes))


def _live(space: LockSpace, tokens: Iterable[int]) -> Iterator[Grant]:
    for token in sorted(tokens):
        held = space.grants.get(token)
        if held is not None and held.lingers_until is None:
            yield held


def release(space: LockSpace, token: int, reason: ReleaseReason, at: Instant) -> tuple[LocksReleased, ...]:
    """The end of a grant; nothing where the token holds nothing.

    A lingering grant ends only as ``lock_delay_over``, and not before its instant; no other grant ends so.
    """
    held = space.grants.get(token)
    if held is None or (held.lingers_until is None) == (reason == "lock_delay_over"):
        return ()
    if held.lingers_until is not None and at < held.lingers_until:
        return ()
    return (LocksReleased(token=token, reason=reason, at=at),)


def linger(
    space: LockSpace, token: int, reason: LingerReason, until: Instant, at: Instant
) -> tuple[LocksLingered | LocksReleased, ...]:
    """The end of an owner without its own report: the grant stays shut until ``until``.

    Only where it holds a path or a worktree and ``until`` is later than ``at``; any other grant is free at once.
    Nothing where the token holds nothing or lingers already.
    """
    held = space.grants.get(token)
    if held is None or held.lingers_until is not None:
        return ()
    if until > at and any(resource.kind in _DELAYED_KINDS for resource in resources_of(held.claims)):
        return (LocksLingered(token=token, reason=reason, until=until, at=at),)
    return (LocksReleased(token=token, reason="lost" if reason == "lost" else "ended", at=at),)


def evolve(space: LockSpace, event: LockEvent) -> LockSpace:
    """The lock space after the event; O(claims of the grant x log grants)."""
    match event:
        case LocksGranted():
            return _granted(space, event)
        case LocksReleased():
            held = space.grants.get(event.token)
            if held is None:
                return space
            return LockSpace(space.last_token, space.grants.delete(event.token), space.coverage.removed(held))
        case LocksLingered():
            held = space.grants.get(event.token)
            if held is None or held.lingers_until is not None:
                return space
            grants = space.grants.set(event.token, replace(held, lingers_until=event.until))
            return LockSpace(space.last_token, grants, space.coverage.lingering(held))
        case _:
            assert_never(event)


def _granted(space: LockSpace, event: LocksGranted) -> LockSpace:
    token = Token(max(space.last_token, event.token))
    if not event.claims or event.token in space.grants:
        return LockSpace(token, space.grants, space.coverage)
    granted = Grant(
        token=Token(event.token),
        session=event.session,
        incarnation=event.incarnation,
        task=event.task,
        claims=event.claims,
        purpose=event.purpose,
        at=event.at,
    )
    return LockSpace(token, space.grants.set(event.token, granted), space.coverage.added(granted))


LOCKS: Final[Aggregate[LockSpace]] = Aggregate(
    prefix="locks", initial=LockSpace(), evolve=evolve, state_type=LockSpace, snapshot_every=500
)
