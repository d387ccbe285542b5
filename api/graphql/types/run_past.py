"""What a run did, what it cost and what is different: attempts, entries of its costs, differences of two points."""

import json
from enum import Enum

import strawberry
from strawberry.scalars import JSON

from domain.kernel.ids import Instant, Position


@strawberry.enum
class AttemptPurpose(Enum):
    """What somebody worked for."""

    WORK = "work"
    UNDO = "undo"


@strawberry.type
class RunAttempt:
    """An attempt at work of a run, or at taking back what it did."""

    run_id: str = strawberry.field(description="The run that was asked for, or one inside of it.")
    place: str = strawberry.field(
        description="Of the phase; of an item `phase/item`, in a loop `loop/iteration/phase`."
    )
    generation: int
    purpose: AttemptPurpose
    task_id: str
    session_id: str
    attempt: int | None = strawberry.field(description="Its number; null where the event is archived.")
    began: Position
    began_at: Instant
    ended_at: Instant | None = strawberry.field(description="Null while it is under way.")
    how: str = strawberry.field(
        description="completed, or how it ended else, such as timeout or session_lost; under_way before."
    )


@strawberry.type
class RunCost:
    """What was spent for a run as a whole, or for one task of it."""

    run_id: str
    depth: int = strawberry.field(
        description="0 of the run that was asked for, 1 of the runs that it began, and so on."
    )
    place: str = strawberry.field(description="Of the task; of a run as a whole the phase whose work it does.")
    task_id: str | None = strawberry.field(description="Null: the run as a whole, with all that is inside of it.")
    generation: int | None = strawberry.field(description="In which the task was made; null of a run as a whole.")
    purpose: AttemptPurpose = strawberry.field(description="UNDO: to take back what was done.")
    pipeline: str
    status: str = strawberry.field(description="Of the task, or of the run as a whole.")
    spent: JSON = strawberry.field(
        description="By unit: what attempts said, live ones included; of a run with a budget what its account says."
    )
    budget: JSON | None = strawberry.field(description="Of a run: what it may spend, by unit; null without a bound.")
    reserved: JSON | None = strawberry.field(
        description="Of a run with a budget: what is set aside for work under way."
    )


@strawberry.type
class RunDifference:
    """Something that two runs, or two points of one, have differently."""

    place: str = strawberry.field(description="Of the phase; empty of the run as a whole.")
    name: str = strawberry.field(description="What differs, such as status or output.")
    before: JSON | None
    after: JSON | None = strawberry.field(description="Null, as the other, where there is no such phase on that side.")


def told(text: str | None) -> JSON | None:
    """A JSON text of a row as it is shown."""
    return json.loads(text) if text else None
