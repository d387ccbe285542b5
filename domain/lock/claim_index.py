"""The live claims of a lock space as a persistent tree, so that a request meets only those it may overlap.

A claim hangs at the node of its stem; edges are plain names or globs. The walk of a request compares each edge once,
however many claims share it, and what it reaches is exactly what overlaps (see ``overlap`` for the proof).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop
from operator import attrgetter
from typing import NamedTuple, TypeVar

from immutables import Map

from domain.lock.errors import TooComplex
from domain.lock.meeting import Meeting, meet
from domain.lock.overlap import StepBudget, overlap, too_complex
from domain.lock.resource import Kind, Resource
from domain.lock.segment import Glob, Name


class IndexedClaim(NamedTuple):
    """One claim of the index; ``claim_id`` may appear with several resources."""

    claim_id: str
    resource: Resource
    order: str
    """Key of the claim. Sorts like (id, text), since no text holds a NUL, and several times faster."""


_Found = list[IndexedClaim]
"""Only sorted claims leave this module, since the order of a map is not the same in each run."""
_Claims = Map[str, IndexedClaim]
_NO_CLAIMS: _Claims = Map()
_NO_NAMES: "Map[Name, _Node]" = Map()
_NO_GLOBS: "Map[Glob, _Node]" = Map()


@dataclass(frozen=True, slots=True)
class _Node:
    claims: _Claims = _NO_CLAIMS
    """Those whose stem ends here."""
    within: _Claims = _NO_CLAIMS
    """Those of the whole subtree, so that a wide request need not walk it."""
    names: "Map[Name, _Node]" = _NO_NAMES
    globs: "Map[Glob, _Node]" = _NO_GLOBS


class _Lane(NamedTuple):
    """Claims of one scope that are compared alike: same ref scope, same reading of letter case."""

    ref_scope: str | None
    fold_case: bool


_Lanes = Map[_Lane, _Node]
_Scope = tuple[Kind, str]
_Label = TypeVar("_Label", Name, Glob)
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_EMPTY = _Node()
_NO_LANES: _Lanes = Map()
_NO_SCOPES: Map[_Scope, _Lanes] = Map()


@dataclass(frozen=True, slots=True)
class ClaimIndex:
    """A value: ``add`` and ``remove`` return another index and share almost everything with this one."""

    scopes: Map[_Scope, _Lanes] = _NO_SCOPES

    @classmethod
    def of(cls, claims: Iterable[tuple[str, Resource]]) -> "ClaimIndex":
        """The index of these claims."""
        index = cls()
        for claim_id, resource in claims:
            index = index.add(claim_id, resource)
        return index

    def add(self, claim_id: str, resource: Resource) -> "ClaimIndex":
        """With this claim; O(segments x log claims). Adding it twice changes nothing."""
        scope, lane = _address(resource)
        lanes = self.scopes.get(scope, _NO_LANES)
        grown = _with(lanes.get(lane, _EMPTY), _indexed(claim_id, resource), 0)
        return ClaimIndex(self.scopes.set(scope, lanes.set(lane, grown)))

    def remove(self, claim_id: str, resource: Resource) -> "ClaimIndex":
        """Without this claim; removing what is not there changes nothing."""
        scope, lane = _address(resource)
        lanes = self.scopes.get(scope, _NO_LANES)
        cut = _without(lanes.get(lane, _EMPTY), _indexed(claim_id, resource), 0)
        left = _put(lanes, lane, cut if cut.within else None)
        return ClaimIndex(_put(self.scopes, scope, left or None))

    def candidates(self, resource: Resource) -> tuple[str, ...]:
        """Ids of claims that may overlap, ascending, each once; misses none and costs no budget."""
        found = self._search(resource, None)
        return tuple(sorted({claim.claim_id for claim in found})) if isinstance(found, list) else ()

    def overlapping(self, resource: Resource, budget: StepBudget) -> tuple[IndexedClaim, ...] | TooComplex:
        """Exactly the claims that overlap, by ascending id and text, or a refusal when finding out costs too much."""
        found = self._search(resource, budget)
        if not isinstance(found, list):
            return found
        return tuple(sorted(found, key=attrgetter("order")))

    def oldest_overlapping(self, resource: Resource, budget: StepBudget) -> Iterator[IndexedClaim] | TooComplex:
        """The same one by one: whoever stops after the first few is spared the order of the others."""
        found = self._search(resource, budget)
        return _in_order(found) if isinstance(found, list) else found

    def possible(self, resource: Resource) -> tuple[IndexedClaim, ...]:
        """All claims that ``candidates`` names, by ascending id and text."""
        found = self._search(resource, None)
        return tuple(sorted(found, key=attrgetter("order"))) if isinstance(found, list) else ()

    def _search(self, resource: Resource, budget: StepBudget | None) -> _Found | TooComplex:
        found: _Found = []
        for lane, root in self.scopes.get((resource.kind, resource.scope), _NO_LANES).items():
            if None not in (lane.ref_scope, resource.ref_scope) and lane.ref_scope != resource.ref_scope:
                continue
            alike = lane.fold_case == resource.fold_case
            more = _walk(root, resource, budget) if alike else _compared(root, resource, budget)
            if not isinstance(more, list):
                return more
            found += more
        return found


def _in_order(found: _Found) -> Iterator[IndexedClaim]:
    by_order = {claim.order: claim for claim in found}
    if len(by_order) < len(found):  # one claim read in two ways of letter case
        yield from sorted(found, key=attrgetter("order"))
        return
    heap = list(by_order)
    heapify(heap)
    while heap:
        yield by_order[heappop(heap)]


def _address(resource: Resource) -> tuple[_Scope, _Lane]:
    return (resource.kind, resource.scope), _Lane(resource.ref_scope, resource.fold_case)


def _indexed(claim_id: str, resource: Resource) -> IndexedClaim:
    return IndexedClaim(claim_id, resource, f"{claim_id}\0{resource.text}")


def _with(node: _Node, claim: IndexedClaim, depth: int) -> _Node:
    key, stem = claim.order, claim.resource.stem
    within = node.within.set(key, claim)
    if depth == len(stem):
        return _Node(node.claims.set(key, claim), within, node.names, node.globs)
    edge = stem[depth]
    if isinstance(edge, str):
        child = _with(node.names.get(edge, _EMPTY), claim, depth + 1)
        return _Node(node.claims, within, node.names.set(edge, child), node.globs)
    child = _with(node.globs.get(edge, _EMPTY), claim, depth + 1)
    return _Node(node.claims, within, node.names, node.globs.set(edge, child))


def _without(node: _Node, claim: IndexedClaim, depth: int) -> _Node:
    key, stem = claim.order, claim.resource.stem
    within = _put(node.within, key, None)
    if depth == len(stem):
        return _Node(_put(node.claims, key, None), within, node.names, node.globs)
    edge = stem[depth]
    if isinstance(edge, str):
        return _Node(node.claims, within, _pruned(node.names, edge, claim, depth), node.globs)
    return _Node(node.claims, within, node.names, _pruned(node.globs, edge, claim, depth))


def _pruned(children: Map[_Label, _Node], edge: _Label, claim: IndexedClaim, depth: int) -> Map[_Label, _Node]:
    child = _without(children.get(edge, _EMPTY), claim, depth + 1)
    return _put(children, edge, child if child.within else None)


def _put(entries: Map[_Key, _Value], key: _Key, value: _Value | None) -> Map[_Key, _Value]:
    """With the entry, or without it where there is no value."""
    if value is not None:
        return entries.set(key, value)
    return entries.delete(key) if key in entries else entries


def _walk(root: _Node, resource: Resource, budget: StepBudget | None) -> _Found | TooComplex:
    """Every claim on the way covers the request from above; where the stem ends, everything below overlaps."""
    found: _Found = []
    stem = resource.stem
    open_nodes = [(root, 0, 0)]
    while open_nodes:
        node, depth, steps = open_nodes.pop()
        if depth == len(stem):
            found.extend(node.within.values())
            continue
        found.extend(node.claims.values())
        named, price = _named(node, stem[depth])
        if budget is not None and not budget.pays(price, steps + min(price, 1)):
            return too_complex(resource)
        open_nodes.extend((child, depth + 1, steps + min(price, 1)) for child in named)
        for glob, child in node.globs.items():
            meeting = _meeting(stem[depth], glob, budget)
            if budget is not None and not budget.pays(meeting.steps, steps + meeting.steps):
                return too_complex(resource)
            if meeting.name is not None:
                open_nodes.append((child, depth + 1, steps + meeting.steps))
    return found


def _named(node: _Node, segment: Name | Glob) -> tuple[list[_Node], int]:
    """Children whose plain name the segment matches, and how many were compared."""
    if isinstance(segment, Glob):
        matches = segment.expression.fullmatch
        return [child for name, child in node.names.items() if matches(name)], len(node.names)
    child = node.names.get(segment)
    return ([] if child is None else [child]), 0


def _meeting(segment: Name | Glob, glob: Glob, budget: StepBudget | None) -> Meeting:
    """Without a budget two globs are taken to meet: a candidate too many, never one too few."""
    return meet(segment, glob) if budget is not None or isinstance(segment, str) else Meeting(glob.text, 0)


def _compared(root: _Node, resource: Resource, budget: StepBudget | None) -> _Found | TooComplex:
    """One by one, for the short while in which a repository's setting for letter case has just changed."""
    found: _Found = []
    for claim in root.within.values():
        answer = None if budget is None else overlap(resource, claim.resource, budget)
        if isinstance(answer, TooComplex):
            return answer
        if budget is None or answer is not None:
            found.append(claim)
    return found
