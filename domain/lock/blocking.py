"""Which live grants and earlier requests stand in the way of a request, and how that is told."""

from typing import Final, NamedTuple

from domain.kernel.ids import SECOND, Instant
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.entries import Grant, Owner, Waiter, Wish, excludes, mode_of, stands_in_the_way, wishes_in
from domain.lock.errors import BadPattern, Blocker, LockConflict, TooComplex
from domain.lock.modes import stronger, suffices
from domain.lock.ordering import GrantRule
from domain.lock.overlap import StepBudget, Witness, covers, overlap
from domain.lock.pool_name import read_pool
from domain.lock.pools import allocated, holders
from domain.lock.resource import Resource, parse, parse_in
from domain.lock.state import LockSpace

BLOCKERS_TOLD_MAX: Final = 16
"""Claims that a refusal lists, the oldest first."""
BLOCKERS_COUNTED_MAX: Final = 100
"""Claims that a refusal counts: a wish for everything must not cost what everything costs."""


class Obstacle(NamedTuple):
    """A grant or an earlier request, one of its claims, and the wish that it blocks."""

    holder: Grant | Waiter
    held: Resource
    wish: Wish


def wishes_of(claims: tuple[ScopeClaim, ...], space: LockSpace) -> tuple[Wish, ...] | BadPattern:
    """The claims by the space's case rule, each resource once with the strongest mode that was asked for, in order."""
    modes: dict[Resource, LockMode] = {}
    for claim in claims:
        resource = parse_in(claim.claim, space.ignoring_case)
        if isinstance(resource, BadPattern):
            return resource
        if resource.kind == "pool" and claim.mode != "exclusive":
            return BadPattern(resource=resource.text, reason="units of a pool are held exclusively")
        modes[resource] = stronger(claim.mode, modes.get(resource, "intent"))
    return tuple(Wish(resource, mode) for resource, mode in modes.items())


def obstacles(
    space: LockSpace, asker: Waiter, wishes: tuple[Wish, ...], budget: StepBudget, *, most: int = BLOCKERS_COUNTED_MAX
) -> list[Obstacle] | TooComplex:
    """What keeps a request from being granted just now: claims that are held, else earlier requests. The search stops
    after ``most``."""
    found = grants_in_the_way(space, asker.owner, wishes, budget, most=most)
    if isinstance(found, TooComplex) or found or not space.waiters:
        return found
    return requests_in_the_way(space, asker, wishes, budget)


def grants_in_the_way(
    space: LockSpace,
    asker: Owner,
    wishes: tuple[Wish, ...],
    budget: StepBudget,
    *,
    most: int = BLOCKERS_COUNTED_MAX,
    besides: frozenset[str] = frozenset(),
) -> list[Obstacle] | TooComplex:
    """The held claims in the way, by wish and age, besides those of these sessions; the search stops after ``most``."""
    found = _units_in_the_way(space, wishes, besides)[:most]
    for wish in wishes:
        if wish.resource.kind == "pool" or len(found) == most:
            continue
        overlapping = space.coverage.index.oldest_overlapping(wish.resource, budget)
        if isinstance(overlapping, TooComplex):
            return overlapping
        for entry in overlapping:
            grant = space.grants[int(entry.claim_id)]
            mode = mode_of(grant.claims, entry.resource)
            if grant.session not in besides and stands_in_the_way(grant, mode, asker, wish.mode):
                found.append(Obstacle(grant, entry.resource, wish))
                if len(found) == most:
                    return found
    return found


def others_in_the_way(
    space: LockSpace, owner: Owner, wishes: tuple[Wish, ...], budget: StepBudget
) -> list[Obstacle] | TooComplex:
    """The same, of other sessions: in what an owner has itself these are the ones below it or beside it."""
    return grants_in_the_way(space, owner, wishes, budget, besides=frozenset({owner.session}))


def _units_in_the_way(space: LockSpace, wishes: tuple[Wish, ...], besides: frozenset[str]) -> list[Obstacle]:
    """Who holds units that would do, where the free ones do not suffice."""
    if not any(wish.resource.kind == "pool" for wish in wishes) or allocated(space, wishes) is not None:
        return []
    return [
        Obstacle(grant, held.resource, wish)
        for wish in wishes
        if wish.resource.kind == "pool"
        for grant in holders(space, read_pool(wish.resource.pattern))
        if grant.session not in besides
        for held in wishes_in(grant.claims)
        if held.resource.segments == wish.resource.segments and held.resource.kind == "pool"
    ]


def requests_in_the_way(
    space: LockSpace, asker: Waiter, wishes: tuple[Wish, ...], budget: StepBudget
) -> list[Obstacle] | TooComplex:
    """The claims of earlier requests that block this one by the grant rule, in key order."""
    queue = space.coverage.queue
    found: list[Obstacle] = []
    for wish in wishes:
        overlapping = queue.index.overlapping(wish.resource, budget)
        if isinstance(overlapping, TooComplex):
            return overlapping
        for entry in overlapping:
            other = queue.waiters[int(entry.claim_id)]
            mode = mode_of(other.claims, entry.resource)
            if other.key < asker.key and excludes(other.owner, mode, asker.owner, wish.mode):
                found.append(Obstacle(other, entry.resource, wish))
    if not found:
        return found
    known = asker.number in space.waiters
    rule = GrantRule(space) if known else GrantRule(space.with_waiter(asker), queue.by_owner.get(asker.owner.name))
    before = rule.before(asker.number)
    blocking = [one for one in found if isinstance(one.holder, Waiter) and one.holder.number in before]
    return blocking[:BLOCKERS_COUNTED_MAX]


def includes(grant: Grant, wish: Wish) -> bool:
    """Whether a grant surely covers a wish: the same claim, or a plain name below a claim, in a mode that suffices."""
    for claim in grant.claims:
        held = parse(claim.claim)
        if isinstance(held, Resource) and suffices(claim.mode, wish.mode) and _contains(held, wish.resource):
            return True
    return False


def _contains(held: Resource, wanted: Resource) -> bool:
    if held.text == wanted.text:
        return True
    names = [segment for segment in wanted.segments if isinstance(segment, str)]
    return (
        len(names) == len(wanted.segments)
        and (held.kind, held.scope) == (wanted.kind, wanted.scope)
        and held.ref_scope in (None, wanted.ref_scope)
        and covers(held, names)
    )


def conflict_of(found: list[Obstacle], at: Instant, budget: StepBudget) -> LockConflict:
    """The refusal in words: the oldest blockers, each with something that both claims cover."""
    blockers = told(found, at, budget)
    first = blockers[0]
    return LockConflict(
        wanted=first.wanted,
        held=first.held,
        witness=first.witness or first.wanted,
        holder=_holder(first),
        age_seconds=first.age_seconds,
        total=len(found),
        blockers=blockers,
    )


def told(found: list[Obstacle], at: Instant, budget: StepBudget) -> tuple[Blocker, ...]:
    """The oldest blockers for people to read, grants before requests."""
    by_age = sorted(found, key=_age)
    return tuple(_told(obstacle, at, budget) for obstacle in by_age[:BLOCKERS_TOLD_MAX])


def _age(obstacle: Obstacle) -> tuple[int, int]:
    holder = obstacle.holder
    return (0, holder.token) if isinstance(holder, Grant) else (1, holder.number)


def _told(obstacle: Obstacle, at: Instant, budget: StepBudget) -> Blocker:
    holder = obstacle.holder
    witness = overlap(obstacle.wish.resource, obstacle.held, budget)
    return Blocker(
        session=holder.owner.session,
        task=holder.owner.task,
        purpose=holder.purpose,
        age_seconds=max(0, (at - holder.at) // SECOND),
        held=obstacle.held.text,
        wanted=obstacle.wish.resource.text,
        witness=witness.path if isinstance(witness, Witness) else "",
        lingers_until=holder.lingers_until if isinstance(holder, Grant) else None,
        request=str(holder.number) if isinstance(holder, Waiter) else None,
    )


def _holder(blocker: Blocker) -> str:
    owner = blocker.session if blocker.task is None else f"{blocker.session} for {blocker.task}".removeprefix(" for ")
    gone = "" if blocker.lingers_until is None else ", whose owner is gone and whose locks open by themselves"
    waits = "" if blocker.request is None else ", who waits for it since before"
    purpose = f" ({blocker.purpose})" if blocker.purpose else ""
    return f"{owner}{purpose}{gone}{waits}"
