"""Work that a run gives out: the task of a place, or one that takes back an effect, with what the run says of it."""

from typing import NamedTuple

from domain.dispatch.plan_birth import Born
from domain.dispatch.run_tasks import asked_of, born, made_for, undo_of, undoing_of
from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Stamp
from domain.kernel.pipeline.work import Work
from domain.run.budgets import Grant
from domain.run.events import EffectRegistered, PhaseOffered, PhaseParked
from domain.run.evolve import Following
from domain.run.state import Effect, Run
from domain.run.undo_events import UndoFailed, UndoResolved, UndoStarted
from domain.task.state import Task, TaskState


class GivenOut(NamedTuple):
    """What happens in the run, and the task with its first events, where one is made."""

    events: tuple[Following, ...]
    made: Born | None = None


def given_out(
    run: Run,
    place: str,
    work: Work,
    path_length: int,
    stamp: Stamp,
    ignoring_case: frozenset[str],
    granted: Grant | None = None,
) -> GivenOut:
    """The task that a place makes now; a phase that cannot have one is parked. ``granted`` is what it may spend."""
    at, generation, asked = stamp.time, run.phase(place).generation, asked_of(run, place, work)
    if granted is not None and not isinstance(asked, str):
        asked = asked.model_copy(update={"budget": granted.whole})
    made = (
        asked if isinstance(asked, str) else born(asked, *made_for(run, place, work), path_length, stamp, ignoring_case)
    )
    if isinstance(made, str):
        return GivenOut((PhaseParked(place=place, generation=generation, kind="definition", reason=made, at=at),))
    task = made.writes[0].stream
    offered = PhaseOffered(place=place, generation=generation, task=task, at=at)
    if work.effect == "pure":
        return GivenOut((offered,), made)
    # In the same append as the task: nothing can change the world before it is in the ledger.
    return GivenOut((offered, EffectRegistered(place=place, generation=generation, task=task, at=at)), made)


def undo_given_out(
    run: Run, entry: Effect, work: Work | None, task: TaskState, stamp: Stamp, ignoring_case: frozenset[str]
) -> GivenOut:
    """The task that takes the effect back; none where nobody had begun what it would undo."""
    at, place, generation, tries = stamp.time, entry.place, entry.generation, entry.tries + 1
    if entry.is_run:
        return GivenOut((UndoStarted(place=place, generation=generation, task=entry.task, tries=tries, at=at),))
    undo = None if work is None else work.undo
    if undo is None or not isinstance(task, Task) or not task.attempts:
        never = {"place": place, "generation": generation, "reason": "nobody had begun it", "by": "", "at": at}
        return GivenOut((UndoResolved.model_validate({**never, "how": "never_begun"}),))
    asked, handed = undo_of(run, entry, undo, task)
    made = asked if isinstance(asked, str) else born(asked, *undoing_of(run, entry, handed), 1, stamp, ignoring_case)
    if isinstance(made, str):
        return GivenOut((UndoFailed(place=place, generation=generation, reason=made, at=at),))
    within, stream = undo.close_within_seconds, made.writes[0].stream
    due = None if within is None else Instant(at + int(within * SECOND))
    started = UndoStarted(place=place, generation=generation, task=stream, tries=tries, at=at, due=due)
    return GivenOut((started,), made)
