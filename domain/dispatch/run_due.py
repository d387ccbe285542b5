"""The start of a run that is queued: once its time has come, and its turn."""

from domain.dispatch.run_walk import RunWalk
from domain.kernel.message import Stamp
from domain.run.closing import back_from_start
from domain.run.events import RunStarted


def start_if_due(walk: RunWalk, stamp: Stamp) -> None:
    """A run starts once its time has come and it has its turn; one that only takes back begins with that."""
    run = walk.run
    if run.status != "queued" or stamp.time < run.queued.start_at or not walk.turn.take(run):
        return
    walk.put(back_from_start(run, stamp.time) if run.queued.rolls_back else RunStarted(at=stamp.time))
