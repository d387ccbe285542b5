"""Let go locks: what a gate keeps is free once the gate, or its run, has settled, or the work is done anew."""

from typing import Final

from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import View
from domain.kernel.policy import Cause, Derived, Policy
from domain.lock.commands import LetGoLocks
from domain.run.events import PhaseBlocked, PhaseInvalidated, PhaseSettled, PhaseSkipped, RunSettled
from domain.run.evolve import RUN
from domain.run.loops import outline_now
from domain.run.migrate_events import RunMigrated
from domain.run.state import Run


def react(cause: Cause, view: View) -> tuple[Derived, ...]:
    """A word to look, where the definition has a gate that keeps locks."""
    run = view.read(RUN, cause.stream)
    # A version that keeps none may have taken the place of one that did.
    moved = isinstance(cause.event, RunMigrated)
    if not isinstance(run, Run) or not (moved or outline_now(run).keeps_locks):
        return ()
    asked = LetGoLocks(project=cause.project, run=cause.stream)
    return (Derived(asked, lock_stream(cause.project), cause.project),)


LET_GO_LOCKS: Final = Policy(
    "let_go_locks", (PhaseSettled, PhaseSkipped, PhaseBlocked, PhaseInvalidated, RunSettled, RunMigrated), react
)
