"""What a lock space decides: grants all or nothing, each under a larger token, and how they end."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from domain.kernel.decider import Aggregate
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, Token
from domain.kernel.values import ConcurrencyKey, ScopeClaim, Spend
from domain.lock.allowances import over_budget, over_concurrency
from domain.lock.blocking import conflict_of, grants_in_the_way, includes, obstacles, requests_in_the_way, wishes_of
from domain.lock.circles import closed_by_grant
from domain.lock.entries import Grant, Owner, Waiter, Wish, wishes_in
from domain.lock.errors import BadPattern, LocksLimited, TooComplex
from domain.lock.events import LingerReason, LocksGranted, LocksLingered, LocksQuarantined, LocksReleased, LossRule
from domain.lock.evolve import evolve
from domain.lock.overlap import StepBudget
from domain.lock.pools import allocated, unfit
from domain.lock.resource import repository_of
from domain.lock.state import LockSpace

ReleaseReason = Literal[
    "completed", "failed", "released", "lock_delay_over", "lost", "ended", "expired", "preempted", "lifted"
]

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
    ancestors: tuple[str, ...] = (),
    concurrency: tuple[ConcurrencyKey, ...] = (),
    reserved: Spend | None = None,
    budget: Spend | None = None,
    on_loss: LossRule | None = None,
    preemptible: bool = False,
    replaces: int | None = None,
) -> LocksGranted | Rejection:
    """All claims under a new token, or why not one of them. Nothing to hold mints a token only.

    ``task`` is whose attempt owns the grant, None for the session itself. ``ancestors`` name what lies around the
    session (see ``Owner``). ``concurrency`` and ``reserved`` count until the grant ends; a field of ``budget`` that is
    0 sets no limit. What is reserved for the task already is taken over without queueing again.
    """
    owner = Owner(session, incarnation, task, ancestors)
    wishes = wishes_of(claims, space)
    if isinstance(wishes, BadPattern):
        return wishes
    refused = (
        limited(space, owner, wishes)
        or unfit(space, owner, wishes)
        or over_concurrency(space, concurrency)
        or (None if budget is None else over_budget(space, reserved or Spend(), budget))
    )
    if refused is not None:
        return refused
    reservation = None if task is None else reserved_for(space, task, wishes)
    left = space
    if reservation is not None:
        replaces, left = reservation.token, space.without_grant(reservation.token)
    granted = LocksGranted(
        token=next_token(space, era),
        session=session,
        incarnation=incarnation,
        task=task,
        claims=_canonical(claims, wishes),
        purpose=purpose,
        at=at,
        ancestors=ancestors,
        request=None if task is None else space.coverage.queue.by_owner.get(task),
        replaces=replaces,
        concurrency=concurrency,
        reserved=reserved,
        on_loss=on_loss,
        preemptible=preemptible,
        members=allocated(left, wishes) or (),
    )
    return _hindered(left, owner, granted, wishes, queued_before=reservation is not None) or granted


def could_grant(
    space: LockSpace, claims: tuple[ScopeClaim, ...], session: str, incarnation: int, ancestors: tuple[str, ...] = ()
) -> bool:
    """Whether a new attempt of the session would get all the claims now."""
    wishes = wishes_of(claims, space)
    owner = Owner(session, incarnation, _BEFORE_FIRST_ATTEMPT, ancestors)
    if isinstance(wishes, BadPattern) or limited(space, owner, wishes) or unfit(space, owner, wishes):
        return False
    asker = newcomer(space, owner, _canonical(claims, wishes), Instant(0))
    return obstacles(space, asker, wishes, StepBudget(), most=1) == []


def newcomer(space: LockSpace, owner: Owner, claims: tuple[ScopeClaim, ...], at: Instant) -> Waiter:
    """A request that would be the last of the queue, unless a boost says otherwise."""
    return Waiter(space.last_request + 1, owner, claims, "", Instant(max(at, space.last_at)))


def next_token(space: LockSpace, era: int) -> Token:
    """Larger than every token of the space, and than every one of a former log era."""
    return Token(max(space.last_token + 1, era * ERA_TOKENS + 1))


def limited(space: LockSpace, owner: Owner, wishes: tuple[Wish, ...]) -> LocksLimited | None:
    """Which limit one more grant of the owner would pass, or None."""
    grants, claims = space.coverage.by_session.get(owner.session, 0) + 1, space.coverage.claims + len(wishes)
    if len(wishes) > CLAIMS_PER_REQUEST_MAX:
        return LocksLimited(what="claims in the request", count=len(wishes), most=CLAIMS_PER_REQUEST_MAX)
    if wishes and grants > GRANTS_PER_SESSION_MAX:
        return LocksLimited(what="live grants of the session", count=grants, most=GRANTS_PER_SESSION_MAX)
    if wishes and claims > CLAIMS_PER_SPACE_MAX:
        return LocksLimited(what="live claims in the project", count=claims, most=CLAIMS_PER_SPACE_MAX)
    return None


def reserved_for(space: LockSpace, task: str, wishes: tuple[Wish, ...]) -> Grant | None:
    """The grant that a task holds by itself for its next attempt, if it covers just these wishes."""
    return identical(space, space.coverage.by_owner.get(task, ()), wishes)


def identical(space: LockSpace, tokens: Iterable[int], wishes: tuple[Wish, ...]) -> Grant | None:
    """Which of the live grants with these tokens holds just the wishes, no more and no less."""
    wanted = [(wish.resource.text, wish.mode) for wish in wishes]
    return next(
        (held for held in _live(space, tokens) if {(one.claim, one.mode) for one in held.claims} == set(wanted)), None
    )


def covering(space: LockSpace, tokens: Iterable[int], wishes: tuple[Wish, ...]) -> tuple[Grant, ...]:
    """The live grants with these tokens that each cover all the wishes."""
    return tuple(held for held in _live(space, tokens) if all(includes(held, wish) for wish in wishes))


def claims_in(space: LockSpace, repositories: frozenset[str]) -> tuple[str, ...]:
    """The claims on paths and branches of these repositories that are held or waited for, the former first."""
    live = [
        *(one.claims for _, one in sorted(space.grants.items())),
        *(one.claims for _, one in sorted(space.waiters.items())),
    ]
    return tuple(
        wish.resource.text
        for claims in live
        for wish in wishes_in(claims)
        if repository_of(wish.resource) in repositories
    )


def release(
    space: LockSpace, token: int, reason: ReleaseReason, at: Instant, spent: Spend | None = None
) -> tuple[LocksReleased, ...]:
    """The end of a grant; nothing where the token holds nothing, unless something was ``spent`` under it.

    A lingering grant ends only as ``lock_delay_over``, not before its instant, and a quarantined one only as
    ``lifted``; no other grant ends so.
    """
    held = space.grants.get(token)
    pools = () if held is None else held.pools
    ended = (LocksReleased(token=token, reason=reason, at=at, spent=spent, pools=pools),)
    if held is None:
        return () if spent is None else ended
    if (held.lingers_until is None) == (reason == "lock_delay_over") or held.quarantined != (reason == "lifted"):
        return ()
    return () if held.lingers_until is not None and at < held.lingers_until else ended


def keep(space: LockSpace, token: int, until: Instant, at: Instant) -> tuple[LocksLingered, ...]:
    """The owner is done, and its locks stay shut all the same, at most until an instant; see ``let_go``."""
    held = space.grants.get(token)
    if held is None or held.is_orphaned or not held.claims:
        return ()
    return (LocksLingered(token=token, reason="ended", until=until, at=at),)


def let_go(space: LockSpace, token: int, at: Instant) -> tuple[LocksReleased, ...]:
    """What was kept is free before its time; nothing where the token keeps nothing."""
    held = space.grants.get(token)
    if held is None or held.lingers_until is None or held.quarantined:
        return ()
    return (LocksReleased(token=token, reason="ended", at=at, pools=held.pools),)


def linger(
    space: LockSpace, token: int, reason: LingerReason, until: Instant, at: Instant
) -> tuple[LocksLingered | LocksQuarantined | LocksReleased, ...]:
    """The end of an owner without its own report, by the grant's loss rule.

    Usually it stays shut until ``until`` where it holds a path or a worktree and ``until`` is later than ``at``, and is
    free at once otherwise. Nothing where the token holds nothing or its owner is gone already.
    """
    held = space.grants.get(token)
    if held is None or held.is_orphaned:
        return ()
    delayed = any(wish.resource.kind in _DELAYED_KINDS for wish in wishes_in(held.claims))
    rule = held.on_loss or ("lock_delay" if delayed else "release")
    if rule == "quarantine":
        return (LocksQuarantined(token=token, reason=reason, at=at),)
    if rule == "lock_delay" and until > at:
        return (LocksLingered(token=token, reason=reason, until=until, at=at),)
    why = reason if reason in ("lost", "expired", "reverted") else "ended"
    return (LocksReleased(token=token, reason=why, at=at, pools=held.pools),)


def _hindered(
    space: LockSpace, owner: Owner, granted: LocksGranted, wishes: tuple[Wish, ...], *, queued_before: bool
) -> Rejection | None:
    """Why the grant cannot be given, if it cannot. Its claims were in the queue already where ``queued_before``."""
    budget = StepBudget()
    found = grants_in_the_way(space, owner, wishes, budget)
    if found == [] and space.waiters and not queued_before:
        found = requests_in_the_way(space, newcomer(space, owner, granted.claims, granted.at), wishes, budget)
    if isinstance(found, TooComplex):
        return found
    if found:
        return conflict_of(found, granted.at, budget)
    return closed_by_grant(evolve(space, granted), owner) if owner.name in space.coverage.queue.by_owner else None


def _canonical(claims: tuple[ScopeClaim, ...], wishes: tuple[Wish, ...]) -> tuple[ScopeClaim, ...]:
    """The wishes as claims; mostly they are just those that were asked for."""
    if [(one.claim, one.mode) for one in claims] == [(wish.resource.text, wish.mode) for wish in wishes]:
        return claims
    return tuple(ScopeClaim(claim=wish.resource.text, mode=wish.mode) for wish in wishes)


def _live(space: LockSpace, tokens: Iterable[int]) -> Iterator[Grant]:
    for token in sorted(tokens):
        held = space.grants.get(token)
        if held is not None and not held.is_orphaned:
            yield held


LOCKS: Final[Aggregate[LockSpace]] = Aggregate(
    prefix="locks",
    initial=LockSpace(),
    evolve=evolve,
    state_type=LockSpace,
    snapshot_every=500,
    snapshot_version=3,
)
