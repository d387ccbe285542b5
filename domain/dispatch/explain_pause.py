"""Why a run is paused: who did it, or what keeps it from going on with the run that began it."""

from domain.dispatch.explanation import Reason
from domain.dispatch.run_turns import Turn
from domain.kernel.decider import View
from domain.kernel.ids import Instant, StreamId
from domain.run.children import STEERED, wish
from domain.run.evolve import RUN
from domain.run.state import Run


def paused(run: Run, now: Instant, view: View) -> Reason:
    """The reason of a run that is paused."""
    parent = run.queued.parent
    if run.paused_by != STEERED or parent is None:
        words, unblock = f"it was paused by {run.paused_by}", "Resume it: `signalbox run resume`."
        return Reason(code="run_paused", words=words, unblock=unblock, about=run.queued.run)
    left = left_behind(run, now, view)
    if left is not None:
        return left
    words = f"it is paused because run {parent.run} is, which began it"
    return Reason(code="run_paused", words=words, unblock="Resume that run.", about=parent.run)


def left_behind(run: Run, now: Instant, view: View) -> Reason | None:
    """Why a run that was paused with the one that began it has not gone on with it; None where that does not go on."""
    parent = run.queued.parent
    above = None if parent is None else view.read(RUN, StreamId(parent.run))
    if run.paused_by != STEERED or parent is None or not isinstance(above, Run):
        return None
    if wish(above, run.queued.run, parent) != "go_on":
        return None
    refusal = Turn(run, now, view).closes_circle(run, "resuming it")
    why = "" if refusal is None else f": {refusal.message()}"
    words = f"run {parent.run}, which began it, goes on, and it has stayed paused{why}"
    unblock = f"Resume it: `signalbox run resume {run.queued.run}`."
    if refusal is not None:
        unblock = "Wait until one of those has ended, or cancel it: then it goes on by itself."
    return Reason(code="run_paused", words=words, unblock=unblock, about=run.queued.run)
