"""What the line of one key is, as decisions see it."""

from dataclasses import dataclass

from immutables import Map

from domain.kernel.ids import Instant
from domain.turn.events import HeldPlace


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits, with its place in the line."""

    run: str
    limit: int
    rank: int
    since: Instant
    number: int
    """How many had asked before it."""
    holds: tuple[HeldPlace, ...] = ()
    replaces: bool = False

    @property
    def order(self) -> tuple[int, Instant, int]:
        """What the line is sorted by."""
        return (-self.rank, self.since, self.number)


@dataclass(frozen=True, slots=True)
class Place:
    """One of the places that the key gives, with the runs that share it."""

    number: int
    """How many were taken before it."""
    runs: Map[str, bool]


@dataclass(frozen=True, slots=True)
class Line:
    """Who has a place under the key, and who waits for one, the next first."""

    places: Map[str, Place] = Map()
    """By the run that took it first."""
    place_of: Map[str, str] = Map()
    """By run."""
    waiting: tuple[Waiting, ...] = ()
    missed: Map[str, bool] = Map()
    """Runs that are paused although they should go on, since they would wait in a circle; the values say nothing."""
    asked: int = 0
    """Runs that ever waited."""
    taken: int = 0
    """Places that were ever taken."""

    def waiter(self, run: str) -> Waiting | None:
        """The run as it waits, if it does."""
        return next((one for one in self.waiting if one.run == run), None)

    def in_order(self) -> tuple[str, ...]:
        """The places, the longest taken first."""
        return tuple(sorted(self.places, key=lambda one: self.places[one].number))
