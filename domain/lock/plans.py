"""Declared plans: what an intent lock is good for before the work begins (locks.md 4)."""

from typing import Final

from domain.lock.entries import Owner, mode_of, wishes_in
from domain.lock.errors import TooComplex
from domain.lock.events import LocksGranted, SoftConflictNoticed
from domain.lock.modes import warns
from domain.lock.overlap import StepBudget, Witness, overlap
from domain.lock.state import LockSpace

NOTICES_MAX: Final = 16
"""Notices that one grant leads to, the oldest of the others first."""


def soft_conflicts(space: LockSpace, granted: LocksGranted) -> tuple[SoftConflictNoticed, ...]:
    """Where the grant, which is in the space, meets a plan of others, or as a plan meets their writing."""
    owner = Owner(granted.session, granted.incarnation, granted.task, granted.ancestors)
    declares = any(claim.mode == "intent" for claim in granted.claims)
    if not declares and space.coverage.intents == 0:
        return ()
    budget = StepBudget()
    found: dict[int, SoftConflictNoticed] = {}
    for wish in wishes_in(granted.claims):
        met = space.coverage.index.overlapping(wish.resource, budget)
        if isinstance(met, TooComplex):
            break
        for entry in met:
            other = space.grants[int(entry.claim_id)]
            mode = mode_of(other.claims, entry.resource)
            related = other.owner.name == owner.name or other.owner.name in owner.around
            if related or owner.name in other.owner.around or other.token in found or not warns(mode, wish.mode):
                continue
            witness = overlap(wish.resource, entry.resource, budget)
            found[other.token] = SoftConflictNoticed(
                token=granted.token,
                other=other.token,
                claim=wish.resource.text,
                other_claim=entry.resource.text,
                witness=witness.path if isinstance(witness, Witness) else wish.resource.text,
                at=granted.at,
            )
    return tuple(found[token] for token in sorted(found)[:NOTICES_MAX])
