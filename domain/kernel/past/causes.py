"""What led to an event, and what it led to in turn, across streams."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.kernel.decider import Recorded

DEPTH_MAX: Final = 1_000
"""Causes that a chain backwards names at most."""


@dataclass(slots=True)
class Effect:
    """An event with those that it caused, in order of position."""

    recorded: Recorded
    effects: "list[Effect]" = field(default_factory=list["Effect"])


@dataclass(frozen=True, slots=True)
class Causes:
    """Everything that is known of why one event is there."""

    event: Recorded
    siblings: tuple[Recorded, ...]
    """What the same command wrote beside it."""
    chain: tuple[Recorded, ...]
    """The events that led to it, the nearest first; the last one came from whoever asked its command."""
    effects: tuple[Effect, ...]
    """What policies did because of it."""


def place_of(recorded: Recorded) -> str:
    """The id of an event, as causations name it: ``STREAM@VERSION``."""
    return f"{recorded.stream}@{recorded.version}"


def chain_of(event: Recorded, look: Callable[[str, int], Recorded | None]) -> tuple[Recorded, ...]:
    """The causes of an event, the nearest first; ``look`` finds the event of a stream and version."""
    chain: list[Recorded] = []
    now = event
    while now.causation_id is not None and len(chain) < DEPTH_MAX:
        stream, _, version = now.causation_id.rpartition("@")
        found = look(stream, int(version)) if stream and version.isdigit() else None
        # A cause stands before its effect in the log, so no damaged row can lead round in a circle.
        if found is None or found.position >= now.position:
            break
        chain.append(found)
        now = found
    return tuple(chain)


def effects_of(event: Recorded, later: Iterable[Recorded]) -> tuple[Effect, ...]:
    """What an event caused among those that follow it, in order of position."""
    root = Effect(event)
    known = {place_of(event): root}
    for recorded in later:
        cause = known.get(recorded.causation_id or "")
        if cause is not None and recorded.position > cause.recorded.position:
            effect = Effect(recorded)
            cause.effects.append(effect)
            known[place_of(recorded)] = effect
    return tuple(root.effects)


def walked(effects: Sequence[Effect]) -> Iterator[tuple[int, Effect]]:
    """Every effect of a tree with its depth, from 1 on, causes before their effects.

    A cascade is as deep as a plan is long, so nothing here goes into itself.
    """
    ahead = [(1, one) for one in reversed(effects)]
    while ahead:
        depth, one = ahead.pop()
        yield depth, one
        ahead += [(depth + 1, each) for each in reversed(one.effects)]


def pruned(effects: Sequence[Effect], keep: Callable[[Recorded], bool]) -> tuple[Effect, ...]:
    """The tree without what is not kept, and without all that came of it."""
    root: list[Effect] = []
    ahead = [(root, one) for one in reversed(effects)]
    while ahead:
        beside, one = ahead.pop()
        if keep(one.recorded):
            kept = Effect(one.recorded)
            beside.append(kept)
            ahead += [(kept.effects, each) for each in reversed(one.effects)]
    return tuple(root)
