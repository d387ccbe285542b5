"""What is asked of a run that exists: pause, resume, cancel, skip, resolve, and word of its tasks."""

from typing import Literal, assert_never

from domain.dispatch.run_due import start_if_due
from domain.dispatch.run_walk import RunWalk
from domain.dispatch.run_work_time import begun_late, given_up, look_again, pickup_due, start_late
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId, is_type_id
from domain.kernel.message import Stamp
from domain.kernel.pipeline.expressions import Expressions
from domain.run.begin import settled
from domain.run.commands import (
    CancelRun,
    PauseRun,
    ReachRunStart,
    ResumeRun,
    RunVerb,
    TellRun,
)
from domain.run.errors import PhaseNotInState, RunErased, RunMovedOn, RunNotInState
from domain.run.events import (
    PhaseParked,
    PhaseReleased,
    PhaseSettled,
    PhaseSkipped,
    RunCancelRequested,
    RunPaused,
    RunResumed,
)
from domain.run.evolve import RUN
from domain.run.gate_events import TimerSet
from domain.run.state import SETTLED, TERMINAL, Run, effect_key
from domain.run.undo_events import UndoFailed, UndoSucceeded
from domain.task.commands import Usage
from domain.task.decider import TASK
from domain.task.spending import overspent
from domain.task.state import Assigned, Backoff, Ended, Parked, Pending, Ready, Running, Settled, Task
from domain.task.terms import Origin
from domain.turn.commands import TakeTurn


def find_run(view: View, name: str, stamp: Stamp) -> Run | UnknownThing:
    """The run with that id; one of another project does not exist here."""
    state = view.read(RUN, StreamId(name)) if is_type_id(name, RUN.prefix) else RUN.initial
    if not isinstance(state, Run) or state.queued.project != stamp.project:
        return UnknownThing(kind="run", name=name)
    return state


def pause(command: PauseRun, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Nothing new begins; tasks that nobody has are held."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if run.status == "paused":
        return Decision()
    if run.status not in ("queued", "running"):
        return refuse(RunNotInState(run=command.run, status=run.status, action="pausing it"))
    walk = RunWalk(run, stamp, view, expressions)
    walk.hold()
    walk.put(RunPaused(reason=command.reason, by=stamp.principal, at=stamp.time))
    return walk.decision()


def resume(command: ResumeRun, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Tasks may be claimed again, and what became decidable meanwhile is looked at."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if run.status in ("queued", "running"):
        return Decision()
    if run.status != "paused":
        return refuse(RunNotInState(run=command.run, status=run.status, action="resuming it"))
    walk = RunWalk(run, stamp, view, expressions)
    stuck = walk.turn.closes_circle(run, "resuming it")
    if stuck is not None:
        return refuse(stuck)
    walk.release()
    seconds = (stamp.time - (run.paused_at or stamp.time)) / SECOND
    deadline = None if run.deadline is None else Instant(run.deadline + int(seconds * SECOND))
    walk.put(RunResumed(by=stamp.principal, paused_seconds=seconds, at=stamp.time, deadline=deadline))
    walk.set_timers()
    start_if_due(walk, stamp)
    walk.go_on()
    return walk.decision()


def cancel(
    command: CancelRun, stamp: Stamp, view: View, expressions: Expressions, *, leaves_effects: bool = True
) -> Decision:
    """What has not begun settles now, what is under way once its attempt has ended.

    ``leaves_effects`` is the answer to whether a run that is held leaves what it did; False is none.
    """
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    leaves = run.status == "cancelling" and run.held and not run.left
    if run.status in ("cancelling", "cancelled") and not leaves:
        return Decision()
    if run.status in TERMINAL or run.status == "compensating" or run.queued.rolls_back:
        return refuse(RunNotInState(run=command.run, status=run.status, action="cancelling it"))
    walk = RunWalk(run, stamp, view, expressions)
    reason = command.reason or "its run was cancelled"
    said = {"reason": reason, "by": stamp.principal, "grace_seconds": command.grace_seconds, "at": stamp.time}
    walk.put(RunCancelRequested.model_validate({**said, "leaves_effects": leaves_effects}))
    walk.go_on()
    return walk.decision()


def reach_start(command: ReachRunStart | TakeTurn, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """The earliest start, or a free place, has come: the run starts if it may now. A paused one does when resumed."""
    run = find_run(view, command.run, stamp)
    if isinstance(run, UnknownThing):
        return refuse(run)
    walk = RunWalk(run, stamp, view, expressions)
    start_if_due(walk, stamp)
    walk.go_on()
    return walk.decision()


def tell(command: TellRun, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Take note of how a task of the run stands; only what the task itself says now is believed."""
    run = find_run(view, command.run, stamp)
    if isinstance(run, UnknownThing):
        return refuse(run)
    place = run.tasks.get(command.task)
    task = view.read(TASK, StreamId(command.task))
    if place is None or not isinstance(task, Task) or run.status in TERMINAL:
        return Decision()
    walk = RunWalk(run, stamp, view, expressions)
    phase = run.phase(place)
    if task.plan.origin is not None and task.plan.origin.purpose == "undo":
        _note_undo(walk, task.plan.origin, command.task, task, stamp)
    elif phase.task == command.task and phase.status not in SETTLED:
        _note(walk, place, task, stamp)
    walk.go_on()
    return walk.decision()


def _note_undo(walk: RunWalk, origin: Origin, name: str, task: Task, stamp: Stamp) -> None:
    """How it went to take back an effect; a parked task waits for a person like any other."""
    entry = walk.run.ledger.get(effect_key(origin.place, origin.generation))
    if entry is None or entry.undo != "undoing" or entry.undo_task != name:
        return
    place, generation, at = origin.place, origin.generation, stamp.time
    due = pickup_due(task.phase) if isinstance(task.phase, Ready | Backoff) else entry.undo_pickup
    if due is not None and due != entry.undo_pickup:  # a word that was heard changes nothing
        walk.put(TimerSet(place=place, generation=generation, kind="undo_pickup", due=due, at=at))
    if not isinstance(task.phase, Settled):
        return
    walk.spend_undo(name, place)
    if task.phase.outcome == "completed":
        walk.put(UndoSucceeded(place=place, generation=generation, at=at))
    else:
        reason = task.failure or f"its task was {task.phase.outcome}"
        walk.put(UndoFailed(place=place, generation=generation, reason=reason, at=at))


def _note(walk: RunWalk, place: str, task: Task, stamp: Stamp) -> None:
    phase, at = walk.run.phase(place), stamp.time
    match task.phase:
        case Settled(leaving=leaving) if leaving is not None:
            pass  # somebody may still work on it
        case Settled():
            walk.put(_outcome(walk, place, task, stamp))
        case Parked(reason):
            if phase.status != "parked":
                generation = phase.generation
                kind: Literal["task", "budget"] = "task" if overspent(task, Usage()) is None else "budget"
                walk.put(PhaseParked(place=place, generation=generation, kind=kind, reason=reason, at=at))
        case Pending() | Ready() | Assigned() | Running() | Backoff() | Ended():
            if phase.status == "parked":
                walk.put(PhaseReleased(place=place, generation=phase.generation, at=at))
            elif begun_late(walk, place, task, stamp):
                start_late(walk, place, task, stamp)
            elif task.attempts and isinstance(task.phase, Ready | Backoff):
                look_again(walk, place, task.phase, stamp)
        case _:
            assert_never(task.phase)


def _outcome(walk: RunWalk, place: str, task: Task, stamp: Stamp) -> PhaseSettled | PhaseSkipped:
    """How the phase settles with its task."""
    phase, at = walk.run.phase(place), stamp.time
    if not isinstance(task.phase, Settled) or task.phase.outcome == "cancelled":
        return settled(phase, place, "cancelled", task.failure or "its task was cancelled", at)
    if task.phase.outcome == "failed":
        return given_up(walk, place, task.failure, stamp)
    return PhaseSettled(
        place=place,
        generation=phase.generation,
        outcome="succeeded",
        reason="",
        arm="",
        summary=task.phase.summary,
        output=task.phase.output,
        by="",
        at=at,
    )


def asked(command: RunVerb, stamp: Stamp, view: View) -> Run | Rejection:
    """The run, if it is where whoever asks believes it to be, and its words were not erased."""
    run = found(command, stamp, view)
    return RunErased(run=command.run) if isinstance(run, Run) and run.erased else run


def found(command: RunVerb, stamp: Stamp, view: View) -> Run | Rejection:
    """The same of a run for which no words are needed."""
    run = find_run(view, command.run, stamp)
    if isinstance(run, UnknownThing):
        return run
    revision = view.version(StreamId(command.run))
    if command.expected_revision is not None and command.expected_revision != revision:
        return RunMovedOn(run=command.run, expected=command.expected_revision, revision=revision)
    return run


def unfit_phase(run: Run, name: str, place: str, statuses: tuple[str, ...], action: str) -> Rejection | None:
    if run.status not in ("queued", "running", "paused"):
        return RunNotInState(run=name, status=run.status, action=action)
    if place not in {one for phase in run.queued.definition.phases for one in run.places(phase.key)}:
        return UnknownThing(kind="phase", name=place)
    status = run.phase(place).status
    return None if status in statuses else PhaseNotInState(run=name, phase=place, status=status, action=action)
