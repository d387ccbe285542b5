"""What follows once nobody works for a run any more: its effects are taken back, it is held, or it settles."""

from typing import Literal

from domain.kernel.ids import Instant
from domain.run.events import Consumed, Outcome
from domain.run.state import Effect, Run
from domain.run.undo import owed, passed
from domain.run.undo_events import RunCompensationStarted, RunHeld

Cause = Literal["failure", "cancel", "operator"]


def closing(
    run: Run, cause: Cause, outcome: Outcome, because: tuple[str, ...], at: Instant
) -> RunCompensationStarted | RunHeld | None:
    """How the effects are taken back, where they are to be; None where nothing is, so that the run settles.

    Behind a point of no return nothing is taken back by itself: the run is held until somebody forces it, ends the run
    without, or has something done anew.
    """
    entries = () if run.left else owed(run)
    behind = passed(run) if entries and not run.rollback_forced else ()
    if behind:
        return RunHeld(cause=cause, then=outcome, because=because, behind=behind, at=at)
    if not entries:
        return None
    return RunCompensationStarted(cause=cause, then=outcome, because=because, entries=_in_order(entries), at=at)


def back_from_start(run: Run, at: Instant) -> RunCompensationStarted:
    """How a run begins that does nothing but take back what another one did."""
    return RunCompensationStarted(cause="operator", then="succeeded", because=(), entries=_in_order(owed(run)), at=at)


def _in_order(entries: tuple[Effect, ...]) -> tuple[Consumed, ...]:
    return tuple(Consumed(place=one.place, generation=one.generation) for one in entries)
