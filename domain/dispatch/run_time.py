"""What the time of a whole run brings: its deadline, which pauses move."""

from domain.dispatch.run_verbs import find_run
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.message import Stamp
from domain.kernel.pipeline.expressions import Expressions
from domain.run.commands import GRACE_SECONDS, PassRunDeadline
from domain.run.events import RunCancelRequested


def pass_deadline(command: PassRunDeadline, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """The run is cancelled; nothing where it has ended, where a person decides about it, or where it is paused."""
    run = find_run(view, command.run, stamp)
    if isinstance(run, UnknownThing):
        return refuse(run)
    moot = run.status not in ("queued", "running") or run.held or run.queued.rolls_back
    if moot or run.deadline is None or stamp.time < run.deadline:
        return Decision()
    walk = RunWalk(run, stamp, view, expressions)
    reason = "its deadline has passed"
    walk.put(RunCancelRequested(reason=reason, by="", grace_seconds=GRACE_SECONDS, at=stamp.time))
    walk.go_on()
    return walk.decision()
