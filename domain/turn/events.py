"""What happens in the line of one key."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message


class HeldPlace(Message):
    """A place that a run has somewhere."""

    line: str
    """Stream of the other key."""
    place: str


class TurnAsked(Event):
    """A run waits in line."""

    TYPE: ClassVar[str] = "turn.asked.v1"
    run: str
    limit: int
    """Places that there are for it to be one of."""
    rank: int
    """The higher comes first; of equal ones whoever waits longer."""
    since: Instant
    """From when on it counts as waiting."""
    holds: tuple[HeldPlace, ...]
    """Places under other keys that the runs above it keep until it has ended."""
    replaces: bool
    """Whether those before it are to give way."""
    at: Instant


class TurnTaken(Event):
    """A run has a place, and waits no more. Runs inside of it share the place."""

    TYPE: ClassVar[str] = "turn.taken.v1"
    run: str
    place: str
    """Id of the run that took it first."""
    at: Instant


class TurnLeft(Event):
    """A run neither has a place any more nor waits for one."""

    TYPE: ClassVar[str] = "turn.left.v1"
    run: str
    at: Instant


class TurnMissed(Event):
    """A run that should go on may not wait here yet, or would close a circle; it is told once a place comes free."""

    TYPE: ClassVar[str] = "turn.missed.v1"
    run: str
    at: Instant


TurnEvent = TurnAsked | TurnTaken | TurnLeft | TurnMissed
