"""How a run folds whose phases are other ones from here on: by another version, or in a next generation."""

from collections.abc import Mapping
from typing import Final

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.pipeline.definition import Definition, RepeatPhase
from domain.kernel.work import Budget
from domain.run.account import Account
from domain.run.events import Consumed, PhaseInvalidated
from domain.run.migrate_events import KnownPhase, RunMigrated
from domain.run.state import Effect, PhaseState, Run
from domain.run.tallies import given_up
from domain.run.undo import made_by, works_of


def migrated(run: Run, event: RunMigrated) -> Run:
    """The run after it. Phases that are begun anew or skipped for it say so themselves."""
    named = _Named({one.before: one.place for one in event.moved})
    works = works_of(run.queued.definition)
    effects = (
        replace(one, place=named.at(one.place), work=made_by(one, works), is_earlier=True)
        for one in run.ledger.values()
    )
    known = {"definition": event.definition, "version": event.version, "digest": event.digest}
    queued = run.queued.model_copy(update={**known, "inputs": event.inputs, "pins": event.pins})
    kept = replace(run, queued=queued, begun_as=run.begun_as or run.queued, moved_deadline=event.deadline)
    kept = replace(kept, account=_bounded(run, event.definition))
    ledger: Map[str, Effect] = Map((one.key, one) for one in effects)
    renamed = replace(kept, phases=_phases(run, named), tasks=_tasks(run, named), ledger=ledger, owed=())
    failing = "" if run.failing in event.gone else named.at(run.failing)
    former = _former(run, event, named)
    return replace(renamed, failing=failing, former=former, moved=run.moved.update(named.names))


def invalidated(run: Run, event: PhaseInvalidated) -> Run:
    """The run with a next generation of a phase: by the version of now, however it was defined before."""
    fresh = PhaseState(generation=event.generation + 1, changes=event.changes)
    former = run.former.delete(event.place) if event.place in run.former else run.former
    anew = replace(run, phases=run.phases.set(event.place, fresh), former=former)
    return given_up(anew, event.place)


def _bounded(run: Run, definition: Definition) -> Account:
    """Bounds of loops that were set by hand hold as long as the version says of these loops what the former said."""
    if not run.account.loop_limits:
        return run.account
    before, after = _budgets(run.queued.definition), _budgets(definition)
    held = {key: one for key, one in run.account.loop_limits.items() if before.get(key) == after.get(key)}
    return replace(run.account, loop_limits=Map(held))


def _budgets(definition: Definition) -> dict[str, Budget]:
    return {one.key: one.budget for one in definition.phases if isinstance(one, RepeatPhase)}


class _Named:
    """What places are called from here on."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names: Final = names

    def at(self, place: str) -> str:
        head, slash, rest = place.partition("/")
        return f"{self.names.get(head, head)}{slash}{rest}"


def _phases(run: Run, named: _Named) -> Map[str, PhaseState]:
    if not named.names:
        return run.phases
    return Map((named.at(place), _moved(place, state, named)) for place, state in run.phases.items())


def _moved(place: str, state: PhaseState, named: _Named) -> PhaseState:
    consumed = tuple(Consumed(place=named.at(one.place), generation=one.generation) for one in state.consumed)
    # Where another run is asked about it, it has the name that it was taken over under.
    other = state.adopted_as or place if state.adopted_from and place in named.names else state.adopted_as
    return replace(state, consumed=consumed, adopted_as=other)


def _tasks(run: Run, named: _Named) -> Map[str, str]:
    if not named.names:
        return run.tasks
    return Map((task, named.at(place)) for task, place in run.tasks.items())


def _former(run: Run, event: RunMigrated, named: _Named) -> Map[str, KnownPhase]:
    """Phases as they settled that the version does not have, or has otherwise."""
    phases = {phase.key: KnownPhase(phase=phase) for phase in run.queued.definition.phases} | dict(run.former)
    there = {phase.key for phase in event.definition.phases}
    kept = {key: one for key, one in run.former.items() if key not in there}
    gone = {key: phases[key] for key in event.gone if key in phases}
    drifted = {named.at(one.phase): phases[one.phase] for one in event.drifted if one.phase in phases}
    return Map({**kept, **gone, **{key: one for key, one in drifted.items() if key in there}})
