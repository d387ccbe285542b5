"""How the ledger of a run folds: what may have changed the world, and what was taken back."""

from typing import assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.ids import SECOND, Instant
from domain.run.child_events import AdoptedEffect, LedgerAdopted
from domain.run.events import EffectRegistered
from domain.run.gate_events import TimerSet
from domain.run.state import Effect, PhaseState, Run, effect_key
from domain.run.undo_events import (
    RunCompensated,
    RunCompensationStarted,
    RunHeld,
    RunRollbackRequested,
    UndoFailed,
    UndoResolved,
    UndoStarted,
    UndoSucceeded,
)
from domain.run.work_time import UNCLAIMED_SECONDS


def adopted(run: Run, event: LedgerAdopted) -> Run:
    """The ledger of another run, whose effects are taken back here."""
    ledger = run.ledger.update({entry.key: entry for entry in map(_effect, event.entries)})
    return replace(run, ledger=ledger, rollback_forced=event.forced)


def _effect(one: AdoptedEffect) -> Effect:
    said = Effect(one.place, one.generation, one.task, one.settled_as, one.outcome)
    return replace(said, work=one.work, is_earlier=one.is_earlier)


def in_ledger(run: Run, place: str, generation: int, phase: PhaseState) -> Map[str, Effect]:
    """The ledger, where what became of the phase stands in its entry, if it has one."""
    entry = run.ledger.get(effect_key(place, generation))
    if entry is None:
        return run.ledger
    settled = replace(entry, settled_as=phase.settled_as, outcome=phase.status)
    return run.ledger.set(entry.key, settled)


def rolling_back(
    run: Run, event: EffectRegistered | RunRollbackRequested | RunCompensationStarted | RunHeld | RunCompensated
) -> Run:
    """The run with one effect more, or on its way back."""
    match event:
        case EffectRegistered():
            entry = Effect(event.place, event.generation, event.task)
            return replace(run, ledger=run.ledger.set(entry.key, entry))
        case RunRollbackRequested():
            return replace(run, rollback_requested=True, rollback_forced=event.forced)
        case RunHeld():
            return replace(run, held=event.behind)
        case RunCompensationStarted():
            keys = tuple(effect_key(one.place, one.generation) for one in event.entries)
            on_its_way = replace(run, status="compensating", owed=keys, then=event.then, because=event.because)
            return replace(on_its_way, redo=event.redo)
        case RunCompensated():
            return replace(run, status="running", owed=(), redo=())
        case _:
            assert_never(event)


def looked_for(run: Run, event: TimerSet) -> Run:
    """Somebody has to come by then for what takes back an effect."""
    entry = run.ledger.get(effect_key(event.place, event.generation))
    if entry is None:
        return run
    return replace(run, ledger=run.ledger.set(entry.key, replace(entry, undo_pickup=event.due)))


def undoing(run: Run, event: UndoStarted | UndoSucceeded | UndoFailed | UndoResolved) -> Run:
    """One entry on its way back."""
    entry = run.ledger.get(effect_key(event.place, event.generation))
    if entry is None:
        return run
    match event:
        case UndoStarted():
            after = replace(entry, undo="undoing", undo_task=event.task, tries=event.tries, undo_due=event.due)
            after = replace(after, undo_pickup=Instant(event.at + UNCLAIMED_SECONDS * SECOND))
            taken = replace(run, ledger=run.ledger.set(entry.key, after))
            return taken if entry.is_run else replace(taken, tasks=run.tasks.set(event.task, event.place))
        case UndoSucceeded():
            after = replace(entry, undo="undone")
        case UndoFailed():
            after = replace(entry, undo="failed", left=True)
        case UndoResolved():
            gone = event.how == "done"
            after = replace(entry, undo="undone" if gone else "skipped", left=event.how == "skipped")
        case _:
            assert_never(event)
    return replace(run, ledger=run.ledger.set(entry.key, after))
