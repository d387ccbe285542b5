"""Runs that do the work of a phase: begun once, told what their parent wants, and heard once they have ended."""

from pydantic_core import from_json, to_json

from domain.dispatch.run_due import start_if_due
from domain.dispatch.run_rollback import take_back_child
from domain.dispatch.run_start import ENGINE_SEMANTICS, pins_of
from domain.dispatch.run_turns import concurrency_of, missed_turn
from domain.dispatch.run_verbs import cancel, find_run, pause, resume
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.fitting import fitting
from domain.kernel.pipeline.flow import Call
from domain.pipeline.decider import read_pipeline, read_version
from domain.pipeline.errors import VersionUnknown
from domain.pipeline.state import Version
from domain.run.account import tightest
from domain.run.begin import settled
from domain.run.budget_events import RunBudget
from domain.run.child_events import ParentRun
from domain.run.children import (
    STEERED,
    WHY_CANCELLED,
    WHY_PAUSED,
    call_of,
    child_of,
    ended,
    is_current,
    parent_of,
    phase_at,
    takes_back,
    too_deep,
    wish,
)
from domain.run.commands import (
    GRACE_SECONDS,
    BeginChild,
    CancelRun,
    FollowParent,
    PauseRun,
    ResumeRun,
    TakeBackChild,
    TellParent,
)
from domain.run.errors import NoTurn
from domain.run.events import PhaseParked, PhaseReleased, RunPaused, RunQueued
from domain.run.evolve import RUN
from domain.run.state import SETTLED, TERMINAL, Run, effect_key
from domain.run.undo_events import UndoResolved, UndoSucceeded


def begin(command: BeginChild, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Begin the run of a phase, unless it is there or not wanted any more; what forbids it parks the phase."""
    parent = find_run(view, command.run, stamp)
    if isinstance(parent, UnknownThing):
        return refuse(parent)
    place, generation = command.place, command.generation
    name = child_of(parent, place, generation)
    state = parent.phase(place)
    if isinstance(view.read(RUN, name), Run) or state.child != name or state.status != "waiting":
        return Decision()
    above = parent_of(parent, place, generation)
    if wish(parent, name, above) == "cancel":
        walk = RunWalk(parent, stamp, view, expressions)
        walk.put(settled(state, place, "cancelled", WHY_CANCELLED, stamp.time))
        walk.go_on()
        return walk.decision()
    queued = _queued(parent, name, above, stamp, view)
    if isinstance(queued, str):
        walk = RunWalk(parent, stamp, view, expressions)
        walk.put(PhaseParked(place=place, generation=generation, kind="definition", reason=queued, at=stamp.time))
        walk.go_on()
        return walk.decision()
    walk = RunWalk(Run(queued), stamp, view, expressions)
    refusal = walk.turn.refusal(walk.run, "beginning its run")
    if refusal is not None:
        walk = RunWalk(parent, stamp, view, expressions)
        reason = refusal.message()
        walk.put(PhaseParked(place=place, generation=generation, kind="run", reason=reason, at=stamp.time))
        walk.go_on()
        return walk.decision()
    if wish(parent, name, above) == "pause":
        walk.put(RunPaused(reason=WHY_PAUSED, by=STEERED, at=stamp.time))
    else:
        start_if_due(walk, stamp)
        walk.go_on()
    return walk.decision(queued)


def _queued(parent: Run, name: StreamId, above: ParentRun, stamp: Stamp, view: View) -> RunQueued | str:
    """The first event of the child, or why there cannot be one."""
    phase = phase_at(parent, above.place)
    call = None if phase is None else call_of(phase)
    if call is None:
        return "its definition calls no pipeline here"
    found = _version(parent, call, stamp, view)
    if isinstance(found, Rejection):
        return found.message()
    number, version = found
    pins = pins_of(version.definition, stamp, view)
    flaw = too_deep(call, above)
    if flaw is not None:
        return flaw
    if isinstance(pins, Rejection):
        return pins.message()
    handed = parent.phase(above.place).input
    said = fitting(version.definition.inputs, from_json(handed) if handed else {})
    if isinstance(said, str):
        return f"the inputs do not fit the pipeline {call.pipeline}: {said}"
    of, share = parent.queued, parent.account.shares.get(name)
    inputs = to_json(said).decode()
    turn = concurrency_of(call.pipeline, version.definition.concurrency, inputs)
    if isinstance(turn, Rejection):
        return turn.message()
    return RunQueued(
        run=name,
        project=of.project,
        pipeline=version.definition.name,
        version=number,
        digest=version.digest,
        engine_semantics=ENGINE_SEMANTICS,
        definition=version.definition,
        inputs=inputs,
        labels=tuple(dict.fromkeys((*version.definition.labels, *of.labels))),
        priority=of.priority,
        idempotency_key="",
        correlation_key=of.correlation_key,
        start_at=stamp.time,
        by=of.by,
        at=stamp.time,
        parent=above,
        pins=pins,
        deadline_seconds=call.deadline_seconds,
        concurrency=turn,
        budget=RunBudget(
            hard=tightest(version.definition.budget, call.budget if share is None else share.budget),
            soft=version.definition.budget_soft,
            carved=share is not None,
        ),
        under_key=True,
    )


def _version(parent: Run, call: Call, stamp: Stamp, view: View) -> tuple[int, Version] | Rejection:
    """What the call names, as it was settled when the parent began: that stays, whatever was deprecated since."""
    pinned = next((pin.version for pin in parent.queued.pins if pin.pipeline == call.pipeline), None)
    number = call.version if call.version is not None else pinned if call.pin == "start" else None
    if number is None:
        return read_version(call.pipeline, None, stamp, view)
    found = read_pipeline(call.pipeline, stamp, view)
    if isinstance(found, UnknownThing):
        return found
    version = found[1].versions.get(number)
    return VersionUnknown(name=call.pipeline, version=number) if version is None else (number, version)


def follow(command: FollowParent, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Do as the parent wants it now; what somebody else paused stays paused."""
    child = view.read(RUN, StreamId(command.run))
    if not isinstance(child, Run) or child.status in TERMINAL or child.queued.parent is None:
        return Decision()
    above = child.queued.parent
    parent = find_run(view, above.run, stamp)
    if isinstance(parent, UnknownThing) or above.purpose != "work":
        return Decision()
    project, run = stamp.project, command.run
    match wish(parent, command.run, above):
        case "cancel" if child.status in ("queued", "running", "paused"):
            grace = parent.cancel_grace_seconds if parent.status == "cancelling" else GRACE_SECONDS
            reason = parent.cancel_reason or WHY_CANCELLED
            wanted = CancelRun(project=project, run=run, reason=reason[:500], grace_seconds=grace)
            return cancel(wanted, stamp, view, expressions, leaves_effects=takes_back(parent, command.run, above))
        case "pause" if child.status in ("queued", "running"):
            return pause(PauseRun(project=project, run=run, reason=WHY_PAUSED), stamp, view, expressions)
        case "go_on" if child.status == "paused" and child.paused_by == STEERED:
            resumed = resume(ResumeRun(project=project, run=run), stamp, view, expressions)
            if isinstance(resumed.rejection, NoTurn):
                missed = missed_turn(child, stamp, view)
                return Decision((missed,) if missed is not None else ())
            return resumed
        case _:
            return Decision()


def tell_parent(command: TellParent, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Take note of how a run that this one began stands; only what that says itself now is believed."""
    parent = find_run(view, command.run, stamp)
    child = view.read(RUN, StreamId(command.child))
    if isinstance(parent, UnknownThing) or not isinstance(child, Run):
        return refuse(parent) if isinstance(parent, UnknownThing) else Decision()
    above = child.queued.parent
    if above is None or above.run != parent.queued.run or parent.status in TERMINAL:
        return Decision()
    entry = parent.ledger.get(effect_key(above.place, above.generation))
    if above.purpose == "work" and entry is not None and entry.undo == "undoing" and entry.task == command.child:
        wanted = TakeBackChild(project=stamp.project, run=command.run, place=above.place, generation=above.generation)
        return Decision() if child.rolled_back_by else take_back_child(wanted, stamp, view, expressions)
    walk = RunWalk(parent, stamp, view, expressions)
    if above.purpose == "undo":
        _note_rollback(walk, above, child, stamp)
    else:
        _note(walk, above, child, stamp)
    walk.go_on()
    return walk.decision()


def _note(walk: RunWalk, above: ParentRun, child: Run, stamp: Stamp) -> None:
    place, state = above.place, walk.run.phase(above.place)
    if state.status in SETTLED or not is_current(walk.run, child.queued.run, above):
        return
    if child.status not in TERMINAL:
        if state.status == "parked":  # it was out of its parent's sight as failed, and is done anew in part
            walk.put(PhaseReleased(place=place, generation=above.generation, at=stamp.time))
        return
    event = ended(walk.run, place, child, stamp.time)
    if not (isinstance(event, PhaseParked) and state.status == "parked"):
        walk.put(event)


def _note_rollback(walk: RunWalk, above: ParentRun, child: Run, stamp: Stamp) -> None:
    entry = walk.run.ledger.get(effect_key(above.place, above.generation))
    if entry is None or entry.undo != "undoing" or child.status not in TERMINAL:
        return
    place, generation, at = above.place, above.generation, stamp.time
    walk.spend_rollback(child, place)
    if child.status == "succeeded":
        walk.put(UndoSucceeded(place=place, generation=generation, at=at))
        return
    reason = f"run {child.queued.run} left something of it"
    said = {"place": place, "generation": generation, "how": "skipped", "reason": reason, "by": "", "at": at}
    walk.put(UndoResolved.model_validate(said))
