"""That keys of words were lost for good, as the log says it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import orjson

from domain.node.state import KEYS_STREAM
from infrastructure.log.port import LogRow


class Events(Protocol):
    """A log or its history."""

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        """Events of one stream with version > after, in order."""
        ...


class Loss(NamedTuple):
    """One declaration."""

    lost: str
    """Mark of the keys that are gone."""
    new: str
    through: int
    position: int


def losses(events: Events) -> Sequence[Loss]:
    """Every declaration, in order."""
    said = ((row.position, orjson.loads(row.state)) for row in events.events_of(KEYS_STREAM))
    return [Loss(one["lost"], one["new"], one["through"], position) for position, one in said]


def lost_through(events: Events, bound: str) -> int:
    """Position up to which words were kept under keys that are lost; 0 where none are.

    What was declared counts once the log goes by other keys than the lost ones: until then they may be put back.
    """
    return max((one.through for one in losses(events) if one.lost != bound), default=0)
