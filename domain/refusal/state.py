"""What is remembered of refusals: how many there were, and what each principal was refused within a minute."""

from dataclasses import dataclass

from immutables import Map

from domain.kernel.ids import Instant


@dataclass(frozen=True, slots=True)
class Minute:
    """The refusals of one principal that were kept in the minute that began with the first of them."""

    since: Instant
    kept: tuple[str, ...]
    """Digests of what was refused."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """All of one project."""

    count: int = 0
    minutes: Map[str, Minute] = Map()
    """By principal; those whose minute is long over are dropped in time."""
