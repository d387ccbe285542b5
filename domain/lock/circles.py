"""Deadlocks: whether a wait or a grant would close one, and how it is told, with the ways out."""

from collections.abc import Iterable
from typing import Final

from domain.kernel.values import ScopeClaim
from domain.lock.entries import Grant, Owner, wishes_in
from domain.lock.errors import Deadlock, DeadlockStep
from domain.lock.modes import conflicts
from domain.lock.ordering import Link, circle
from domain.lock.overlap import StepBudget, Witness, overlap
from domain.lock.state import LockSpace

STEPS_TOLD_MAX: Final = 32
"""Steps of a circle that a refusal tells; a longer one is told from its beginning and its end."""
CLAIMS_TOLD_MAX: Final = 8


def closed_by_wait(
    space: LockSpace, owner: Owner, claims: tuple[ScopeClaim, ...], tokens: Iterable[int]
) -> Deadlock | None:
    """The refusal where the owner, asking for these claims, would wait for grants whose holders wait for it."""
    links = circle(space, owner, tokens, claims)
    return _told(space, links, claims) if links else None


def closed_by_grant(after: LockSpace, owner: Owner) -> Deadlock | None:
    """The refusal where a grant, given in ``after``, makes others wait for its owner that the owner waits for."""
    queue = after.coverage.queue
    number = queue.by_owner.get(owner.name)
    if number is None:
        return None
    links = circle(after, owner, queue.shut_by.get(number, ()), queue.waiters[number].claims)
    return _told(after, links, queue.waiters[number].claims) if links else None


def _told(space: LockSpace, links: tuple[Link, ...], claims: tuple[ScopeClaim, ...]) -> Deadlock:
    budget = StepBudget()
    queue = space.coverage.queue
    steps = [_step(links[0], claims, budget)]
    steps += [_step(link, queue.waiters[queue.by_owner[link.waiter]].claims, budget) for link in links[1:]]
    if len(steps) > STEPS_TOLD_MAX:
        half = STEPS_TOLD_MAX // 2
        steps = steps[:half] + steps[-half:]
    own = steps[-1]
    wanted = [claim.claim for claim in claims[:CLAIMS_TOLD_MAX]]
    return Deadlock(
        circle="; ".join(f"{step.waiter} wants {step.wanted}, which {step.holder} holds" for step in steps),
        release=own.held,
        token=own.token,
        everything=", ".join(dict.fromkeys((own.held, *wanted))),
        steps=tuple(steps),
    )


def _step(link: Link, claims: tuple[ScopeClaim, ...], budget: StepBudget) -> DeadlockStep:
    wanted, held = _meeting(claims, link.grant, budget)
    return DeadlockStep(
        waiter=link.waiter, wanted=wanted, held=held, token=str(link.grant.token), holder=link.grant.owner.name
    )


def _meeting(claims: tuple[ScopeClaim, ...], grant: Grant, budget: StepBudget) -> tuple[str, str]:
    for wish in wishes_in(claims):
        for held in wishes_in(grant.claims):
            # Two who both read are not kept from anything by what they share, such as the checkout that they edit in.
            if conflicts(held.mode, wish.mode) and isinstance(overlap(wish.resource, held.resource, budget), Witness):
                return wish.resource.text, held.resource.text
    return claims[0].claim, grant.claims[0].claim
