"""Whether two claims can touch the same thing, exactly, and a path that shows it.

A match covers everything below it, so both languages are closed downwards, and two facts follow that make the
product over segments a walk along one diagonal:

1. Without ``**``, two patterns overlap iff the segments they both have meet pairwise: the rest of the longer one
   lies below the end of the shorter one.
2. What follows a ``**`` never decides. If ``a/**`` and ``c`` share a path, extend that path by something that
   matches ``b``: it is still below a match of ``c``, and ``a/**/b`` matches it.

So overlap compares stems (the segments before the first ``**``). Note what 2 means: ``**/*.py`` overlaps ``docs/x``,
because a claim on ``docs/x`` covers ``docs/x/y.py`` as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from domain.lock.errors import TooComplex
from domain.lock.meeting import STEPS_PER_PAIR_MAX, example, meet
from domain.lock.resource import Resource, folded
from domain.lock.segment import ANY_DEPTH, AnyDepth, Glob, Segment

STEPS_PER_REQUEST_MAX: Final = 1_000_000
_FILLER: Final = "x"
_OPEN_ENDS: Final[tuple[tuple[Segment, ...], ...]] = ((), (ANY_DEPTH,))
"""Rests of a pattern that cover every longer path, so the search for a witness is short."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A path that both claims cover."""

    path: str


class StepBudget:
    """Product states that one request may still visit; made anew for each decision and never kept."""

    __slots__ = ("left",)

    def __init__(self, steps: int = STEPS_PER_REQUEST_MAX) -> None:
        self.left = steps

    def pays(self, steps: int, pair: int) -> bool:
        """Takes the steps just made; ``pair`` is the sum of one pair with them. False when either limit is passed."""
        self.left -= steps
        return self.left >= 0 and pair <= STEPS_PER_PAIR_MAX


def too_complex(requested: Resource) -> TooComplex:
    """The refusal; it names only what the caller asked for, since it may not be allowed to see the other claim."""
    return TooComplex(resource=requested.text, steps_max=STEPS_PER_PAIR_MAX)


def overlap(requested: Resource, other: Resource, budget: StepBudget) -> Witness | TooComplex | None:
    """A path that both cover, None if there is none, or a refusal when finding out costs too much."""
    if not in_one_scope(requested, other):
        return None
    if requested.fold_case != other.fold_case:
        requested, other = folded(requested), folded(other)
    shared: list[str] = []
    steps = 0
    for one, two in zip(requested.stem, other.stem, strict=False):
        if isinstance(one, str) and isinstance(two, str):
            if one != two:
                return None
            shared.append(one)
            continue
        meeting = meet(one, two)
        steps += meeting.steps
        if not budget.pays(meeting.steps, steps):
            return too_complex(requested)
        if meeting.name is None:
            return None
        shared.append(meeting.name)
    smaller, larger = (requested, other) if requested.text <= other.text else (other, requested)
    return Witness("/".join(_extended(shared, smaller, larger)))


def in_one_scope(one: Resource, other: Resource) -> bool:
    """Same kind and scope, and not two different explicit ref scopes."""
    return (
        one.kind == other.kind
        and one.scope == other.scope
        and (one.ref_scope == other.ref_scope or one.ref_scope is None or other.ref_scope is None)
    )


def covers(claim: Resource, path: Sequence[str]) -> bool:
    """Whether a concrete path, given as segments without ``.`` and ``..``, is a match of the claim or below one.

    With folding the path has to be folded too. At most 33 states for each segment of the path.
    """
    segments = claim.segments
    reached = _with_skips(segments, {0})
    for name in path:
        if len(segments) in reached:
            return True
        reached = _with_skips(segments, {after for place in reached for after in _after(segments, place, name)})
    return len(segments) in reached


def _after(segments: tuple[Segment, ...], place: int, name: str) -> tuple[int, ...]:
    segment = segments[place]
    match segment:
        case AnyDepth():
            return (place, place + 1)
        case Glob():
            return (place + 1,) if segment.matches(name) else ()
        case str():
            return (place + 1,) if segment == name else ()
        case _:
            assert_never(segment)


def _with_skips(segments: tuple[Segment, ...], places: set[int]) -> set[int]:
    """``**`` may stand for nothing, except at the end. No two stand together, so one pass is enough."""
    last = len(segments) - 1
    return places | {place + 1 for place in places if place < last and segments[place] == ANY_DEPTH}


def _extended(shared: list[str], one: Resource, other: Resource) -> list[str]:
    """The shared names continued to a path that both claims cover; the shorter and then the smaller text first."""
    depth = len(shared)
    rest_one, rest_other = one.segments[depth:], other.segments[depth:]
    if not rest_one and not rest_other:
        return shared
    end_one, end_other = _concrete(rest_one), _concrete(rest_other)
    if rest_one in _OPEN_ENDS and end_other:
        return shared + end_other
    if rest_other in _OPEN_ENDS and end_one:
        return shared + end_one
    ends = sorted((end_one, end_other), key=lambda names: (len(names), names))
    for end in ends:
        if covers(one, shared + end) and covers(other, shared + end):
            return shared + end
    longer, absorbing = (rest_other, rest_one) if len(one.stem) == depth else (rest_one, rest_other)
    return shared + _concrete(longer) + _concrete(absorbing[1:])


def _concrete(segments: tuple[Segment, ...]) -> list[str]:
    """Names that match the segments, with as few as possible for ``**``."""
    names = [example(segment) for segment in segments if not isinstance(segment, AnyDepth)]
    return [*names, _FILLER] if segments and segments[-1] == ANY_DEPTH else names
