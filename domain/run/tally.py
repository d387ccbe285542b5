"""How the items of a map stand together, as the state of a run keeps it."""

from dataclasses import dataclass
from typing import Final

from immutables import Map


@dataclass(frozen=True, slots=True)
class Tally:
    """How the items of a map stand together."""

    generation: int
    """Of the map; items of another one are not counted."""
    counts: Map[str, int] = Map()
    """By status; none that is 0."""
    ready: tuple[str, ...] = ()
    """Places that are ready, in the order in which they became so."""
    under_way: Map[str, str] = Map()
    """Places that are neither pending nor settled; the values say nothing."""
    next: int = 0
    """Number of the first item, from 0, that may be pending: they begin in their order."""
    dropped: int = 0
    """How many of those under way are not needed any more."""


NO_TALLY: Final = Tally(generation=0)
