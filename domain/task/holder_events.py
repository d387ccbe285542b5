"""What holders, and sessions that want to be, say beside their reports: a bid for a task, and that it takes longer."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.task.terms import Bid


class TaskBid(Event):
    """A session offers to do the ready task; the offer holds until the task is given out."""

    TYPE: ClassVar[str] = "task.bid.v1"
    session: str
    bid: Bid


class TaskExtended(Event):
    """The holder of an attempt needs longer, as its plan allows."""

    TYPE: ClassVar[str] = "task.extended.v1"
    token: int
    seconds: float
    """By which its timeout is prolonged, with all that was before."""
    until: Instant
    """When it runs out of time now."""
    at: Instant


HolderEvent = TaskBid | TaskExtended
