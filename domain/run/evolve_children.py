"""How runs that began others, or are taken back by others, fold."""

from typing import assert_never

from domain.kernel.change import replace
from domain.run.child_events import ChildEvent, ChildStarted, LedgerAdopted, RunRolledBack
from domain.run.events import Consumed
from domain.run.evolve_undo import adopted
from domain.run.fork_events import PhaseAdopted
from domain.run.state import Run
from domain.run.tallies import tallied


def of_child(run: Run, event: ChildEvent | PhaseAdopted) -> Run:
    """The run after the event."""
    match event:
        case ChildStarted():
            phase = replace(run.phase(event.place), status="waiting", reason="", child=event.child)
            known = run.children.set(event.child, Consumed(place=event.place, generation=event.generation))
            phases, tallies = run.phases.set(event.place, phase), tallied(run, event.place, phase)
            return replace(run, phases=phases, tallies=tallies, children=known)
        case RunRolledBack():
            return replace(run, rolled_back_by=event.rollback)
        case LedgerAdopted():
            return adopted(run, event)
        case PhaseAdopted():
            return _adopting(run, event)
        case _:
            assert_never(event)


def _adopting(run: Run, event: PhaseAdopted) -> Run:
    """The run with a phase as it settled in another one."""
    number = run.settled_total + 1
    said = replace(run.phase(event.place), status=event.outcome, consumed=event.consumed, reason=event.reason)
    phase = replace(said, arm=event.arm, summary=event.summary, input=event.input, output=event.output)
    taken = replace(phase, adopted_from=event.run, adopted_generation=event.source_generation)
    taken = replace(taken, settled_as=number, settled_at=event.at)
    phases = run.phases.set(event.place, taken)
    return replace(run, phases=phases, settled_total=number)
