"""Word from the line of a concurrency key: a later run takes the place of one that is there."""

from domain.dispatch.run_verbs import cancel, find_run
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.kernel.pipeline.expressions import Expressions
from domain.run.commands import GRACE_SECONDS, CancelRun
from domain.run.evolve import RUN
from domain.run.state import Run
from domain.turn.commands import GiveWay


def give_way(command: GiveWay, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """The run is cancelled for the sake of a later one, if that still waits; what takes back, or is held, stays."""
    run, later = find_run(view, command.run, stamp), view.read(RUN, StreamId(command.to))
    if isinstance(run, UnknownThing):
        return refuse(run)
    waits = isinstance(later, Run) and later.status == "queued"
    # What becomes of the effects of a run that is held is for a person to say, not for who comes later.
    asks = bool(run.held) or run.queued.rolls_back
    if not waits or asks or run.status not in ("queued", "running", "paused"):
        return Decision()
    wanted = CancelRun(
        project=stamp.project, run=command.run, reason=f"run {command.to} takes its turn", grace_seconds=GRACE_SECONDS
    )
    return cancel(wanted, stamp, view, expressions)
