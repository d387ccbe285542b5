"""Taking back the effects of a run: asked for by a person, done by tasks, decided by hand where they fail."""

from domain.dispatch.run_rollback import taking_back
from domain.dispatch.run_verbs import asked
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.kernel.pipeline.expressions import Expressions
from domain.run.commands import ResolveUndo, RollbackRun
from domain.run.errors import BehindNoReturn, BelongsToParent, NothingToTakeBack, RunNotInState, UndoNotFailed
from domain.run.events import RunCancelRequested
from domain.run.evolve import RUN
from domain.run.state import TERMINAL, Effect, Run
from domain.run.undo import owed, passed
from domain.run.undo_events import RunRollbackRequested, UndoResolved


def rollback(command: RollbackRun, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """End what is under way, then take everything back, and settle as cancelled."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    underway = run.rollback_requested and run.status in ("cancelling", "compensating")
    if (underway and not run.held) or run.rolled_back_by:
        return Decision()
    if run.status in TERMINAL:
        return _of_ended(command, run, stamp, view, expressions)
    if run.status not in ("running", "paused") and not (run.status == "cancelling" and run.held):
        return refuse(RunNotInState(run=command.run, status=run.status, action="rolling it back"))
    points = passed(run)
    if points and not command.force:
        return refuse(BehindNoReturn(run=command.run, phase=points[0]))
    walk = RunWalk(run, stamp, view, expressions)
    by, at, reason = stamp.principal, stamp.time, command.reason
    walk.put(RunRollbackRequested(reason=reason, forced=bool(points), by=by, at=at))
    if not run.held or run.status == "paused":
        walk.put(RunCancelRequested(reason=reason, by=by, grace_seconds=command.grace_seconds, at=at))
    walk.go_on()
    return walk.decision()


def _of_ended(command: RollbackRun, run: Run, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """What has ended stays as it ended: another run takes back what it did."""
    above = run.queued.parent
    if above is not None:
        parent = view.read(RUN, StreamId(above.run))
        if isinstance(parent, Run) and parent.status not in TERMINAL:
            return refuse(BelongsToParent(run=command.run, parent=above.run, phase=above.place))
    points = passed(run)
    if points and not command.force:
        return refuse(BehindNoReturn(run=command.run, phase=points[0]))
    if not owed(run):
        return refuse(NothingToTakeBack(run=command.run))
    return taking_back(
        run,
        reason=command.reason,
        by=stamp.principal,
        forced=command.force,
        parent=None,
        stamp=stamp,
        view=view,
        expressions=expressions,
    )


def resolve_undo(command: ResolveUndo, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """An undo that failed is tried once more, was done by hand, or is left."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if run.status != "compensating":
        return refuse(RunNotInState(run=command.run, status=run.status, action="deciding about an undo"))
    # What an earlier version did is taken back as well, also where the phase is not there any more.
    known = (*(phase.key for phase in run.queued.definition.phases), *(one.place for one in run.ledger.values()))
    if command.phase.partition("/")[0] not in {one.partition("/")[0] for one in known}:
        return refuse(UnknownThing(kind="phase", name=command.phase))
    failed = next((run.ledger[key] for key in run.owed if _is_failed(run.ledger[key], command.phase)), None)
    if failed is None:
        return refuse(UndoNotFailed(run=command.run, phase=command.phase))
    walk = RunWalk(run, stamp, view, expressions)
    if command.how == "retry":
        walk.undo_again(failed)
    else:
        walk.put(
            UndoResolved(
                place=failed.place,
                generation=failed.generation,
                how="done" if command.how == "done" else "skipped",
                reason=command.reason,
                by=stamp.principal,
                at=stamp.time,
            )
        )
    walk.go_on()
    return walk.decision()


def _is_failed(entry: Effect, place: str) -> bool:
    return entry.undo == "failed" and entry.place == place
