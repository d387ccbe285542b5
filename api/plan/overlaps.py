"""Tasks whose scopes overlap although no need orders them, and an order for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from domain.kernel.graphs import bits
from domain.kernel.values import LockMode
from domain.lock.claim_index import ClaimIndex, IndexedClaim
from domain.lock.errors import TooComplex
from domain.lock.modes import conflicts
from domain.lock.overlap import StepBudget, Witness, overlap
from domain.lock.resource import Resource, parse_in
from domain.task.commands import PlannedTask

LISTED_MAX: Final = 1_000
"""Pairs and proposals that are listed; all are counted."""
MODES: Final[tuple[LockMode, ...]] = get_args(LockMode)
MEETINGS_MAX: Final = 2_000_000
"""Pairs of distinct claims that one analysis compares."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two tasks that cannot run at once and that nothing orders; the first one comes first in the proposed order."""

    first: str
    second: str
    first_claim: str
    second_claim: str
    witness: str
    """A path that both claims cover."""


@dataclass(frozen=True, slots=True)
class ProposedNeed:
    """A need that would order an overlap: add ``need`` to the needs of ``task``."""

    task: str
    need: str


@dataclass(frozen=True, slots=True)
class Overlaps:
    """What is not ordered, and the fewest needs, in one fixed order of the tasks, that would order it all."""

    pairs: tuple[Overlap, ...] = ()
    pairs_total: int = 0
    proposals: tuple[ProposedNeed, ...] = ()
    proposals_total: int = 0
    complete: bool = True
    """False where the claims were too many or too complex to compare; then nothing else is said."""


def overlaps_of(
    tasks: Sequence[PlannedTask],
    sequence: Sequence[int],
    ancestors: Sequence[int],
    ignoring_case: frozenset[str] = frozenset(),
) -> tuple[Overlaps, list[int]]:
    """The overlaps, and for each task as a set of bits all tasks that cannot run beside it.

    Claims on the repositories ``ignoring_case`` are compared without letter case.
    ``sequence`` is a total order that keeps all needs; proposals follow it, so together they close no circle.
    """
    exclusions = _exclusions(tasks, ignoring_case)
    if exclusions is None:
        return Overlaps(complete=False), [0] * len(tasks)
    unordered = _unordered(exclusions, ancestors)
    pairs: list[Overlap] = []
    proposals: list[ProposedNeed] = []
    pairs_total = proposals_total = 0
    reached = list(ancestors)
    before = 0
    for place, later in enumerate(sequence):
        earlier = unordered[later] & before
        before |= 1 << later
        for need in bits(ancestors[later]):
            reached[later] |= reached[need]
        if not earlier:
            continue
        pairs_total += earlier.bit_count()
        for first in _by_place(sequence[:place], earlier):
            if len(pairs) < LISTED_MAX:
                pairs.append(_told(tasks[first], tasks[later], ignoring_case))
            if not reached[later] >> first & 1:
                proposals_total += 1
                reached[later] |= reached[first] | 1 << first
                if len(proposals) < LISTED_MAX:
                    proposals.append(ProposedNeed(task=tasks[later].key, need=tasks[first].key))
    return Overlaps(tuple(pairs), pairs_total, tuple(proposals), proposals_total), exclusions


def _by_place(sequence: Sequence[int], members: int) -> list[int]:
    """The members, the nearest in the sequence first: one need on it may order the others as well."""
    return [task for task in reversed(sequence) if members >> task & 1]


def _unordered(exclusions: Sequence[int], ancestors: Sequence[int]) -> list[int]:
    descendants = [0] * len(ancestors)
    for task, before in enumerate(ancestors):
        for other in bits(before):
            descendants[other] |= 1 << task
    return [found & ~ancestors[task] & ~descendants[task] for task, found in enumerate(exclusions)]


def _exclusions(tasks: Sequence[PlannedTask], ignoring_case: frozenset[str]) -> list[int] | None:
    """Who excludes whom, compared once for each pair of distinct claims."""
    texts = dict.fromkeys(claim.claim for task in tasks for claim in task.scope)
    resources = {text: resource for text in texts if (resource := _resource(text, ignoring_case)) is not None}
    holders = {mode: _holders(tasks, mode) for mode in MODES}
    excluded: dict[tuple[str, LockMode], int] = {}
    index, budget, meetings = ClaimIndex.of(resources.items()), StepBudget(), 0
    for text, resource in resources.items():
        met = index.overlapping(resource, budget)
        if isinstance(met, TooComplex):
            return None
        meetings += len(met)
        if meetings > MEETINGS_MAX:
            return None
        for mode in MODES:
            excluded[text, mode] = _joined(holders[mode], met)
    found = [0] * len(tasks)
    for number, task in enumerate(tasks):
        for claim in task.scope:
            found[number] |= excluded.get((claim.claim, claim.mode), 0)
        found[number] &= ~(1 << number)
    return found


def _joined(members: Mapping[str, int], met: Sequence[IndexedClaim]) -> int:
    joined = 0
    for claim in met:
        joined |= members.get(claim.claim_id, 0)
    return joined


def _holders(tasks: Sequence[PlannedTask], asked: LockMode) -> dict[str, int]:
    """By claim, who holds it in a mode that excludes the one asked for."""
    held: dict[str, int] = {}
    for number, task in enumerate(tasks):
        for claim in task.scope:
            if conflicts(claim.mode, asked):
                held[claim.claim] = held.get(claim.claim, 0) | 1 << number
    return held


def _resource(text: str, ignoring_case: frozenset[str]) -> Resource | None:
    found = parse_in(text, ignoring_case)
    return found if isinstance(found, Resource) else None


def _told(first: PlannedTask, second: PlannedTask, ignoring_case: frozenset[str]) -> Overlap:
    """The first pair of claims that excludes, with its witness."""
    for one in first.scope:
        for other in second.scope:
            left, right = _resource(one.claim, ignoring_case), _resource(other.claim, ignoring_case)
            if left is None or right is None or not conflicts(one.mode, other.mode):
                continue
            witness = overlap(left, right, StepBudget())
            if isinstance(witness, Witness):
                return Overlap(first.key, second.key, one.claim, other.claim, witness.path)
    raise AssertionError("the index names only claims that overlap")
