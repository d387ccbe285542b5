"""What the surfaces ask of the past of the log."""

from collections.abc import Sequence
from typing import Protocol

from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant
from domain.kernel.past.causes import Causes
from domain.kernel.past.points import Point
from domain.kernel.past.steps import Stood
from projections.fleet_metrics.rows import MetricRow


class HourMeasures(Protocol):
    """What the read model does not tell of the measures of an hour up to a position."""

    @property
    def position(self) -> int: ...

    @property
    def at(self) -> Instant:
        """When the event there was recorded; 0 in front of all events."""
        ...

    @property
    def stretch(self) -> int:
        """The read model tells what an hour was before this stretch of the log."""
        ...

    @property
    def before(self) -> int:
        """Position up to which it does."""
        ...

    @property
    def rows(self) -> Sequence[MetricRow]: ...


class PastPort(Protocol):
    """How things stood, folded from the log. Nothing here asks who may know it. Raises a ServiceFault."""

    async def position(self, point: Point, bookmark: int | None = None) -> int | Rejection:
        """The position that a point means; ``bookmark`` is that of the one it names."""
        ...

    async def first(self, stream: str) -> Recorded | None:
        """The event that a stream began with."""
        ...

    async def event(self, position: int) -> Recorded | None:
        """The event at a position."""
        ...

    async def state(self, stream: str, position: int) -> Stood | Rejection:
        """The state of a stream after a position."""
        ...

    async def causes(self, event: Recorded) -> Causes:
        """What led to an event, and what it led to among the 20,000 that follow it."""
        ...

    async def hour(self, position: int) -> HourMeasures:
        """What the read model does not tell of the measures of the hour of the event at a position."""
        ...
