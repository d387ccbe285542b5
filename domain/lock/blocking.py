"""Which live grants stand in the way of a request: overlap, modes, and how owners nest."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.kernel.ids import SECOND, Instant
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.errors import BadPattern, Blocker, LockConflict, TooComplex
from domain.lock.modes import conflicts
from domain.lock.overlap import StepBudget, Witness, covers, overlap
from domain.lock.resource import Resource, parse
from domain.lock.state import Grant, LockSpace

BLOCKERS_TOLD_MAX: Final = 16
"""Claims that a refusal lists, the oldest first."""
BLOCKERS_COUNTED_MAX: Final = 100
"""Claims that a refusal counts: a wish for everything must not cost what everything costs."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants locks: a task's attempt, or the session itself where ``task`` is None."""

    session: str
    incarnation: int
    task: str | None


class Wish(NamedTuple):
    """One claim of a request, parsed."""

    resource: Resource
    mode: LockMode


class Obstacle(NamedTuple):
    """A grant, one of its claims, and the wish that it blocks."""

    grant: Grant
    held: Resource
    wish: Wish


def wishes_of(claims: tuple[ScopeClaim, ...]) -> tuple[Wish, ...] | BadPattern:
    """The claims, each resource once with the strongest mode that was asked for, in their order."""
    modes: dict[Resource, LockMode] = {}
    for claim in claims:
        resource = parse(claim.claim)
        if isinstance(resource, BadPattern):
            return resource
        if claim.mode == "exclusive" or resource not in modes:
            modes[resource] = claim.mode
    return tuple(Wish(resource, mode) for resource, mode in modes.items())


def obstacles(
    space: LockSpace, asker: Asker, wishes: tuple[Wish, ...], budget: StepBudget, *, most: int = BLOCKERS_COUNTED_MAX
) -> list[Obstacle] | TooComplex:
    """The claims in the way, by wish and age; the search stops after ``most``."""
    found: list[Obstacle] = []
    for wish in wishes:
        overlapping = space.coverage.index.overlapping(wish.resource, budget)
        if isinstance(overlapping, TooComplex):
            return overlapping
        for entry in overlapping:
            grant = space.grants[int(entry.claim_id)]
            if is_in_the_way(grant, mode_of(grant, entry.resource), asker, wish.mode):
                found.append(Obstacle(grant, entry.resource, wish))
                if len(found) == most:
                    return found
    return found


def is_in_the_way(grant: Grant, held: LockMode, asker: Asker, wanted: LockMode) -> bool:
    """Whether a grant blocks a request that overlaps it.

    A lingering grant blocks everybody. Of the same life of a session: its own locks block none of its attempts,
    attempts block each other, and the session may not write where an attempt writes.
    """
    if not conflicts(held, wanted):
        return False
    if grant.lingers_until is not None or (grant.session, grant.incarnation) != (asker.session, asker.incarnation):
        return True
    if grant.task is None:
        return False
    if asker.task is None:
        return held == wanted == "exclusive"
    return grant.task != asker.task


def mode_of(grant: Grant, resource: Resource) -> LockMode:
    """The mode in which a grant holds one of its resources."""
    return next(claim.mode for claim in grant.claims if claim.claim == resource.text)


def includes(grant: Grant, wish: Wish) -> bool:
    """Whether a grant surely covers a wish: the same claim, or a plain name below a claim, in a mode that suffices."""
    for claim in grant.claims:
        held = parse(claim.claim)
        if isinstance(held, Resource) and claim.mode in ("exclusive", wish.mode) and _contains(held, wish.resource):
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
    by_age = sorted(found, key=lambda obstacle: obstacle.grant.token)
    blockers = tuple(_told(obstacle, at, budget) for obstacle in by_age[:BLOCKERS_TOLD_MAX])
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


def _told(obstacle: Obstacle, at: Instant, budget: StepBudget) -> Blocker:
    grant = obstacle.grant
    witness = overlap(obstacle.wish.resource, obstacle.held, budget)
    return Blocker(
        session=grant.session,
        task=grant.task,
        purpose=grant.purpose,
        age_seconds=max(0, (at - grant.at) // SECOND),
        held=obstacle.held.text,
        wanted=obstacle.wish.resource.text,
        witness=witness.path if isinstance(witness, Witness) else "",
        lingers_until=grant.lingers_until,
    )


def _holder(blocker: Blocker) -> str:
    owner = blocker.session if blocker.task is None else f"{blocker.session} for {blocker.task}"
    gone = "" if blocker.lingers_until is None else ", whose owner is gone and whose locks open by themselves"
    purpose = f" ({blocker.purpose})" if blocker.purpose else ""
    return f"{owner}{purpose}{gone}"
