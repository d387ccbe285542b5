"""Owners whose families have changed: their grants, offers and requests lie in something else from now on."""

from collections.abc import Mapping

from domain.kernel.change import replace
from domain.lock.entries import Grant, Owner
from domain.lock.state import LockSpace

Families = Mapping[tuple[str, int], tuple[str, ...]]
"""Session and incarnation -> names of what that life lies in."""


def with_families(space: LockSpace, families: Families) -> LockSpace:
    """The space with these lives in their new families; O(grants + requests + what the moved ones meet)."""
    for token in sorted(space.grants):
        held = space.grants[token]
        grant = held if held.is_orphaned else _regranted(held, families)
        if grant is not held:
            space = space.with_rehoused(grant)
    for number in sorted(space.waiters):
        waiter = space.waiters[number]
        owner = moved(waiter.owner, families)
        if owner is not waiter.owner:
            space = space.with_changed_waiter(replace(waiter, owner=owner))
    return space


def moved(owner: Owner, families: Families) -> Owner:
    """The owner in its new family; the same one where that has not changed."""
    ancestors = families.get((owner.session, owner.incarnation), owner.ancestors)
    if ancestors == owner.ancestors:
        return owner
    return Owner(owner.session, owner.incarnation, owner.task, ancestors)


def _regranted(held: Grant, families: Families) -> Grant:
    owner = moved(held.owner, families)
    giver = None if held.offer is None else moved(held.offer.giver, families)
    offer = held.offer if held.offer is None or giver is None else replace(held.offer, giver=giver)
    return held if owner is held.owner and offer == held.offer else replace(held, owner=owner, offer=offer)
