"""Taking back what a run has done: which effects are owed, in which order, and what is left in the world."""

from collections.abc import Iterable, Mapping

from domain.kernel.pipeline.definition import (
    AnyPhase,
    Definition,
    GatePhase,
    MapPhase,
    PipelinePhase,
    RepeatPhase,
    WorkPhase,
)
from domain.kernel.pipeline.graph import every_phase, key_at
from domain.kernel.pipeline.work import Work
from domain.run.state import Effect, Run


def owed(run: Run) -> tuple[Effect, ...]:
    """Effects that can be taken back and were not, the latest settled first.

    Whoever took from a phase settled after it: this is a reverse order of what depends on what, over all generations.
    What was given up before it settled comes first: nobody took from it, while it may have taken from any other.
    """
    works = works_of(run.queued.definition)
    found = [one for one in run.ledger.values() if one.undo in ("", "failed") and _is_owed(one, works)]
    return tuple(sorted(found, key=lambda one: (one.settled_as > 0, -one.settled_as, one.place, one.generation)))


def in_scope(run: Run, keys: Iterable[str]) -> tuple[Effect, ...]:
    """Those of some phases only, with all that is inside of them."""
    wanted = frozenset(keys)
    return tuple(one for one in owed(run) if one.place.partition("/")[0] in wanted)


def passed(run: Run) -> tuple[str, ...]:
    """Points of no return that have succeeded: behind them nothing is taken back by itself."""
    found: dict[str, None] = {}
    # What an earlier version said of a phase when it settled holds as well, also of one that is not there any more.
    before = ((key, one.phase) for key, one in sorted(run.former.items()))
    for key, phase in (*((one.key, one) for one in run.queued.definition.phases), *before):
        if isinstance(phase, RepeatPhase):
            found |= dict.fromkeys(passed_inside(run, phase))
        elif is_final(phase) and run.phase(key).status == "succeeded":
            found[key] = None
    return tuple(found)


def passed_inside(run: Run, loop: RepeatPhase) -> tuple[str, ...]:
    """Those of the iterations of a loop."""
    final = [one.key for one in loop.phases if is_final(one)]
    rounds = range(1, run.phase(loop.key).iteration + 1) if final else ()
    places = (f"{loop.key}/{number}/{key}" for number in rounds for key in final)
    return tuple(place for place in places if run.phase(place).status == "succeeded")


def is_final(phase: AnyPhase) -> bool:
    """Whether it is a point of no return once it has succeeded."""
    return isinstance(phase, WorkPhase | GatePhase | MapPhase | PipelinePhase) and phase.point_of_no_return


def is_undone(run: Run) -> bool:
    """Whether nothing is left to be taken back, or to be tried."""
    best = run.queued.definition.best_effort
    over = ("undone", "skipped", "failed") if best else ("undone", "skipped")
    return all(key not in run.ledger or run.ledger[key].undo in over for key in run.owed)


def is_partial(run: Run) -> bool:
    """Whether something that may have changed the world stays as it is."""
    works = works_of(run.queued.definition)
    return any(_is_left(one, works) for one in run.ledger.values())


def lasts(run: Run) -> bool:
    """Whether its own work may have left another world and was not taken back."""
    works = works_of(run.queued.definition)
    effects = (made_by(one, works) for one in run.ledger.values() if one.undo != "undone")
    return any(work is not None and work.effect == "effectful" for work in effects)


def works_of(definition: Definition) -> dict[str, Work]:
    """What is done at each phase, or at each of its items, by key."""
    found: dict[str, Work] = {}
    for phase in every_phase(definition):
        if isinstance(phase, WorkPhase):
            found[phase.key] = phase.work
        elif isinstance(phase, MapPhase) and isinstance(phase.map.each, Work):
            found[phase.key] = phase.map.each
    return found


def made_by(entry: Effect, works: Mapping[str, Work]) -> Work | None:
    """The work that has the effect: as it was when it was done, whatever the definition says by now."""
    return entry.work or works.get(key_at(entry.place))


def _is_owed(entry: Effect, works: dict[str, Work]) -> bool:
    if entry.is_run:
        return True  # whatever it has done stands in its own ledger
    work = made_by(entry, works)
    if work is None or work.undo is None:
        return False
    return work.undo.when == "started" or entry.outcome == "succeeded"


def _is_left(entry: Effect, works: dict[str, Work]) -> bool:
    if entry.undo in ("failed", "skipped"):
        return entry.left
    work = made_by(entry, works)
    lasting = work is not None and work.effect == "effectful" and entry.outcome == "succeeded"
    return entry.undo == "" and lasting
