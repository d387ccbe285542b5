"""What happened as the effects of a run were taken back."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event
from domain.run.events import Consumed, Outcome


class RunRollbackRequested(Event):
    """Somebody wants all effects taken back; what is under way is ended first."""

    TYPE: ClassVar[str] = "run.rollback_requested.v1"
    reason: str
    forced: bool
    """Also behind a point of no return."""
    by: str
    at: Instant


class RunCompensationStarted(Event):
    """Nobody works for the run any more; its effects are taken back, the latest settled first."""

    TYPE: ClassVar[str] = "run.compensation_started.v1"
    cause: Literal["failure", "cancel", "operator"]
    then: Outcome | Literal["running"]
    """How the run ends once that is done; ``running``: it goes on, and phases are done anew."""
    because: tuple[str, ...]
    """Places of the phases that decided it."""
    entries: tuple[Consumed, ...]
    """Of the ledger, in the order in which they are taken back."""
    at: Instant
    redo: tuple[str, ...] = ()
    """Keys of the phases that are done anew then."""


class RunCompensated(Event):
    """What stood in the way of phases that are done anew is taken back: the run goes on."""

    TYPE: ClassVar[str] = "run.compensated.v1"
    rollback: Literal["complete", "partial"]
    at: Instant
    deadline: Instant | None
    """Of the run; None where it has none."""


class RunHeld(Event):
    """Its effects would be taken back, but a point of no return was passed: a person decides."""

    TYPE: ClassVar[str] = "run.held.v1"
    cause: Literal["failure", "cancel", "operator"]
    then: Outcome
    """How the run would end."""
    because: tuple[str, ...]
    behind: tuple[str, ...]
    """Places of the points of no return."""
    at: Instant


class UndoStarted(Event):
    """A task takes back an effect."""

    TYPE: ClassVar[str] = "run.undo_started.v1"
    place: str
    generation: int
    task: str
    tries: int
    """Tasks that were made for it, this one included."""
    at: Instant
    due: Instant | None = None
    """Until when it has to be over; None without bound."""


class UndoSucceeded(Event):
    """The effect is taken back."""

    TYPE: ClassVar[str] = "run.undo_succeeded.v1"
    place: str
    generation: int
    at: Instant


class UndoFailed(Event):
    """It could not be taken back: all halts until a person decides, unless the definition goes on."""

    TYPE: ClassVar[str] = "run.undo_failed.v1"
    place: str
    generation: int
    reason: str
    at: Instant


class UndoResolved(Event):
    """It is settled without a task: a person took it back or left it, or nobody had begun what it would undo."""

    TYPE: ClassVar[str] = "run.undo_resolved.v1"
    place: str
    generation: int
    how: Literal["done", "skipped", "never_begun"]
    reason: str
    by: str
    """Principal; empty where it follows by itself."""
    at: Instant


UndoEvent = (
    RunRollbackRequested
    | RunCompensationStarted
    | RunCompensated
    | RunHeld
    | UndoStarted
    | UndoSucceeded
    | UndoFailed
    | UndoResolved
)
