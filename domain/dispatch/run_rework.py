"""Doing phases of a run anew: once more in the same generation, or in a next one with all that took from them."""

from domain.dispatch.run_items import retry_item
from domain.dispatch.run_pins import versions_of
from domain.dispatch.run_verbs import asked, unfit_phase
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Answer, Stamp
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.graph import graph_of
from domain.pipeline.decider import read_pipeline
from domain.pipeline.errors import VersionNotPublished
from domain.run.children import called
from domain.run.commands import RetryPhase, ReworkPhases
from domain.run.errors import BelongsToParent, PhaseNotInState, ReworkRefused, RunNotInState
from domain.run.events import Consumed, PhaseReleased, PhaseRetried, RunReworked
from domain.run.evolve import RUN
from domain.run.rework import Redo, invalidated, redo_of
from domain.run.state import SETTLED, TERMINAL, Effect, Run
from domain.run.undo import in_scope, lasts
from domain.run.undo_events import RunCompensationStarted

_OPEN = ("running", "paused", "failed", "cancelled")


class ReworkPlanned(Answer):
    """What is done anew, or would be."""

    done: bool
    """False where it was only asked for."""
    redone: tuple[str, ...]
    kept: tuple[str, ...]
    refused: tuple[str, ...]
    """Why it would be refused; empty where it would not."""
    undone: tuple[str, ...] = ()
    """Places whose effects are taken back first, in that order."""


def rework(command: ReworkPhases, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """A next generation of the phases and of all that took from them; the rest is kept."""
    run = reworkable(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    return rework_in(RunWalk(run, stamp, view, expressions), command, stamp, view)


def rework_in(walk: RunWalk, command: ReworkPhases, stamp: Stamp, view: View) -> Decision:
    """The same of a run that may be done anew, behind what this decision has said of it already."""
    run = walk.run
    graph = graph_of(run.queued.definition.phases)
    unknown = next((one for one in command.phases if one not in graph.phases), None)
    if unknown is not None:
        return refuse(UnknownThing(kind="phase", name=unknown))
    redo = redo_of(run, graph, command.phases)
    back = in_scope(run, redo.redone) if command.undo else ()
    reasons = _reasons(redo, command.accept_repeat, repeated_below(run, redo, view), back)
    reasons += _not_undone(run, redo) if command.undo else ()
    turn = walk.turn.retake(run, "doing phases anew") if run.status in TERMINAL else None
    if turn is not None and not command.dry_run:
        return refuse(turn)
    reasons += () if turn is None else (turn.message(),)
    told = ReworkPlanned(
        done=not command.dry_run,
        redone=redo.redone,
        kept=redo.kept,
        refused=reasons if command.dry_run else (),
        undone=tuple(one.place for one in back),
    )
    if command.dry_run:
        return Decision(answer=told)
    if reasons:
        return refuse(ReworkRefused(run=command.run, reason=reasons[0]))
    for place in redo.redone:
        walk.give_up(place, command.reason)
    _anew(walk, command, () if back else redo.redone, stamp)
    if back:
        walk.put(_back_first(back, redo, stamp))
    walk.go_on()
    return walk.decision(answer=told)


def _back_first(back: tuple[Effect, ...], redo: Redo, stamp: Stamp) -> RunCompensationStarted:
    """What they did is taken back before they are done anew."""
    order = tuple(Consumed(place=one.place, generation=one.generation) for one in back)
    return RunCompensationStarted(
        cause="operator", then="running", because=(), entries=order, at=stamp.time, redo=redo.redone
    )


def _not_undone(run: Run, redo: Redo) -> tuple[str, ...]:
    """Why nothing can be taken back now."""
    if run.status == "paused":
        return ("it is paused: resume it first",)
    places = (place for key in redo.redone for place in run.places(key))
    live = (place for place in places if run.phase(place).child and run.phase(place).is_out)
    return tuple(f"run {run.phase(place).child} is under way for {place}: cancel it first" for place in live)


def retry(command: RetryPhase, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Another try in the same generation: of a parked phase, or of failed work with all that followed from that."""
    run = reworkable(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    graph = graph_of(run.queued.definition.phases)
    if command.phase not in {one for phase in run.queued.definition.phases for one in run.places(phase.key)}:
        return refuse(UnknownThing(kind="phase", name=command.phase))
    state = run.phase(command.phase)
    walk = RunWalk(run, stamp, view, expressions)
    if state.status == "failed" and "/" in command.phase:
        refused = retry_item(walk, command.phase, stamp)
        return refuse(refused) if refused is not None else walk.decision()
    if state.status == "parked":
        unfit = unfit_phase(run, command.run, command.phase, ("parked",), "retrying it")
        if unfit is not None:
            return refuse(unfit)
        if state.child and isinstance(view.read(RUN, StreamId(state.child)), Run):
            reason = f"its run {state.child} has failed: retry or rework that one, or rework the phase"
            return refuse(ReworkRefused(run=command.run, reason=reason))
        if state.task:
            refused = walk.try_again(command.phase)
            if refused is not None:
                return refuse(refused)
        walk.put(PhaseReleased(place=command.phase, generation=state.generation, at=stamp.time))
        if state.child:
            walk.put(called(run, command.phase, stamp.time)[0])  # it stands in the ledger already
    elif state.status == "failed" and state.task:
        if command.phase in redo_of(run, graph, ()).redone:
            reason = f"what {command.phase} did or took was taken back, so that another try would count on what is gone"
            return refuse(ReworkRefused(run=command.run, reason=reason))
        redo = redo_of(run, graph, (command.phase,))
        redone = tuple(one for one in redo.redone if one != command.phase)
        repeats = _repeats_behind(run, redo, command.phase, view)
        if repeats:
            instead = "fork the run" if redo.behind else f"rework {command.phase} with --undo or --accept-repeat"
            reason = f"{repeats[0]}: {instead} instead"
            return refuse(ReworkRefused(run=command.run, reason=reason))
        turn = walk.turn.retake(run, "trying it again") if run.status in TERMINAL else None
        if turn is not None:
            return refuse(turn)
        for place in redone:
            walk.give_up(place, command.reason)
        refused = walk.try_again(command.phase)
        if refused is not None:
            return refuse(refused)
        _anew(walk, command, redone, stamp)
        walk.put(PhaseRetried(place=command.phase, generation=state.generation, at=stamp.time))
    else:
        action = "retrying it"
        return refuse(PhaseNotInState(run=command.run, phase=command.phase, status=state.status, action=action))
    walk.go_on()
    return walk.decision()


def _repeats_behind(run: Run, redo: Redo, tried: str, view: View) -> tuple[str, ...]:
    """Why what took from a phase may not be done anew with it unasked; what tidies up is meant for every end."""
    tidies = {one.key for one in run.queued.definition.phases if one.join.rule == "settled"}
    lists = (redo.redone, redo.kept, redo.behind, redo.repeated)
    rest = Redo(*(tuple(one for one in keys if one != tried and one not in tidies) for keys in lists))
    return _reasons(rest, "", repeated_below(run, rest, view))


def reworkable(command: ReworkPhases | RetryPhase, stamp: Stamp, view: View) -> Run | Rejection:
    """A run that succeeded is closed: what others took for a fact stays one."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return run
    if run.status not in _OPEN:
        return RunNotInState(run=command.run, status=run.status, action="doing phases anew")
    if run.rolled_back_by or run.queued.rolls_back:
        taken = f"run {run.rolled_back_by} takes back what it did" if run.rolled_back_by else "it only takes back"
        return ReworkRefused(run=command.run, reason=taken)
    return _counted(command.run, run, view) or _put_away(run, stamp, view) or run


def _put_away(run: Run, stamp: Stamp, view: View) -> VersionNotPublished | None:
    """What has ended does not begin again by versions that were put away: nothing of those goes on any more."""
    for name, numbers in versions_of(run.queued).items() if run.status in TERMINAL else ():
        found = read_pipeline(name, stamp, view)
        if isinstance(found, UnknownThing):
            continue
        for number in numbers:
            version = found[1].versions.get(number)
            if version is not None and version.state == "retired":
                return VersionNotPublished(name=name, version=number, state=version.state)
    return None


def _counted(name: str, run: Run, view: View) -> BelongsToParent | None:
    """What a parent has counted on stays as it is: there the phase is done anew, by another run."""
    above = run.queued.parent
    parent = None if above is None else view.read(RUN, StreamId(above.run))
    if above is None or not isinstance(parent, Run):
        return None
    phase = parent.phase(above.place)
    live = phase.child == name and phase.generation == above.generation and phase.status not in SETTLED
    if live and parent.status not in TERMINAL:
        return None
    return BelongsToParent(run=name, parent=above.run, phase=above.place)


def repeated_below(run: Run, redo: Redo, view: View) -> tuple[str, ...]:
    """Phases whose runs may have changed the world, and would once more."""
    redone = {key: run.phase(key).generation for key in redo.redone}
    below = ((begun.place.partition("/")[0], child, begun.generation) for child, begun in sorted(run.children.items()))
    current = ((key, child) for key, child, generation in below if generation >= redone.get(key, generation + 1))
    found = {key for key, child in current if _has_changed(StreamId(child), view)}
    return tuple(key for key in redo.redone if key in found)


def _has_changed(name: StreamId, view: View) -> bool:
    run = view.read(RUN, name)
    if not isinstance(run, Run) or run.rolled_back_by:
        return False
    return lasts(run) or any(_has_changed(StreamId(child), view) for child in sorted(run.children))


def _reasons(redo: Redo, accepted: str, below: tuple[str, ...], back: tuple[Effect, ...] = ()) -> tuple[str, ...]:
    undone = {one.place.partition("/")[0] for one in back}
    passed = tuple(f"{place} is a point of no return and was passed" for place in redo.behind)
    if accepted:
        return passed
    return (
        *passed,
        *(
            f"{place} may have changed the world, and would once more"
            for place in (*redo.repeated, *below)
            if place not in undone
        ),
    )


def _deadline(run: Run, stamp: Stamp) -> Instant | None:
    """A run that had ended, or was held whatever the time, has its whole time once more."""
    seconds, stood = run.deadline_seconds, run.status in TERMINAL or bool(run.held)
    return Instant(stamp.time + int(seconds * SECOND)) if seconds is not None and stood else None


def _anew(walk: RunWalk, command: ReworkPhases | RetryPhase, redone: tuple[str, ...], stamp: Stamp) -> None:
    named = command.phases if isinstance(command, ReworkPhases) else (command.phase,)
    accepted = command.accept_repeat if isinstance(command, ReworkPhases) else ""
    walk.put(
        RunReworked(
            phases=named,
            reason=command.reason,
            accepted_repeat=accepted,
            by=stamp.principal,
            at=stamp.time,
            deadline=_deadline(walk.run, stamp),
        )
    )
    for place in redone:
        walk.put(invalidated(walk.run, place, ", ".join(named), stamp.time))
