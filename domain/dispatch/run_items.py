"""One item of a map once more, while the map waits for others or has not given up the rest."""

from domain.dispatch.run_walk import RunWalk
from domain.kernel.errors import Rejection
from domain.kernel.message import Stamp
from domain.run.errors import ReworkRefused
from domain.run.events import PhaseRetried
from domain.run.state import Run


def retry_item(walk: RunWalk, place: str, stamp: Stamp) -> Rejection | None:
    """Another try of an item that has failed, in the same generation; why not, where the map cannot count it."""
    reason = _against(walk.run, place)
    if reason:
        return ReworkRefused(run=walk.run.queued.run, reason=reason)
    refused = walk.try_again(place)
    if refused is not None:
        return refused
    walk.put(PhaseRetried(place=place, generation=walk.run.phase(place).generation, at=stamp.time))
    walk.go_on()
    return None


def _against(run: Run, place: str) -> str:
    around = place.rpartition("/")[0]
    state = run.phase(around)
    outer = place.partition("/")[0]
    if place not in {item.place for item in state.items} or not run.phase(place).task:
        return f"it is inside of {outer}, which is done anew as a whole: rework {outer}"
    if state.status != "waiting":
        return f"{around} has settled without it: rework {outer}"
    if any(run.phase(item.place).status == "cancelled" for item in state.items):
        return f"{around} has given up other items for its sake: rework {outer}"
    return ""
