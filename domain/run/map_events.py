"""What happens to maps in a run."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.run.events import Consumed


class MapItem(Message):
    """One item: its key, its place in the run, and what its work is handed."""

    key: str
    place: str
    """``phase/item``; the item is its key, or a digest where a task's name could not hold that."""
    input: str
    """JSON text: an object."""


class MapExpanded(Event):
    """The items of a map are known, once in each of its generations."""

    TYPE: ClassVar[str] = "run.map_expanded.v1"
    place: str
    generation: int
    position: int
    """Of the phase in the order of the definition, from 1."""
    items: tuple[MapItem, ...]
    reads: tuple[Consumed, ...]
    at: Instant
