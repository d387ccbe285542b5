"""What is known under one topic, as decisions see it."""

from dataclasses import dataclass

from immutables import Map

from domain.fact.events import FactPublished


@dataclass(frozen=True, slots=True)
class Topic:
    """The latest fact, if there is one yet, and runs that wait for the next, with their projects."""

    latest: FactPublished | None = None
    awaited_by: Map[str, str] = Map()
