"""Taking back what a run has done that has ended: by another run, which does nothing but that."""

from typing import Final

from domain.dispatch.run_due import start_if_due
from domain.dispatch.run_verbs import find_run
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId, derived_id
from domain.kernel.message import Stamp
from domain.kernel.pipeline.expressions import Expressions
from domain.run.budget_events import RunBudget
from domain.run.child_events import AdoptedEffect, LedgerAdopted, ParentRun, RunRolledBack
from domain.run.children import is_current, phase_at
from domain.run.commands import TakeBackChild
from domain.run.evolve import RUN, Following
from domain.run.state import TERMINAL, Effect, Run, effect_key
from domain.run.undo import is_partial, owed, passed
from domain.run.undo_events import UndoFailed, UndoResolved, UndoSucceeded

NO_BUDGET: Final = RunBudget()
"""Whatever was spent: what is in the world is taken back all the same."""
CHILD: Final = "its parent takes it back"


def taking_back(
    source: Run,
    *,
    reason: str,
    by: str,
    forced: bool,
    parent: ParentRun | None,
    stamp: Stamp,
    view: View,
    expressions: Expressions,
) -> Decision:
    """A run that takes back what another one did and nobody has taken back yet; that one knows of it for ever."""
    at, before = stamp.time, source.queued
    name = derived_id(RUN.prefix, before.at, (before.run, "rollback"))
    said = {"run": name, "idempotency_key": "", "correlation_key": "", "start_at": at, "by": by, "at": at}
    queued = before.model_copy(
        update={**said, "parent": parent, "pins": (), "rolls_back": before.run, "budget": NO_BUDGET, "under_key": True}
    )
    left = tuple(_adopted(source, one) for _, one in sorted(source.ledger.items()) if one.undo in ("", "failed"))
    walk = RunWalk(Run(queued), stamp, view, expressions)
    refusal = walk.turn.refusal(walk.run, "taking back what it did")
    if refusal is not None:
        return refuse(refusal)
    walk.put(LedgerAdopted(source=before.run, forced=forced, entries=left, at=at))
    start_if_due(walk, stamp)
    walk.go_on()
    decision = walk.decision(queued)
    known = RunRolledBack(rollback=name, reason=reason, by=by, at=at)
    return decision._replace(writes=(Write(StreamId(before.run), (known,), stamp.project), *decision.writes))


def _adopted(source: Run, entry: Effect) -> AdoptedEffect:
    known = source.former.get(entry.place.partition("/")[0])
    phase = phase_at(source, entry.place) or (None if known is None else known.phase)
    return AdoptedEffect(
        place=entry.place,
        generation=entry.generation,
        kind="" if phase is None else phase.kind,
        title="" if phase is None else phase.title,
        task=entry.task,
        settled_as=entry.settled_as,
        outcome=entry.outcome,
        work=entry.work,
        is_earlier=entry.is_earlier,
    )


def take_back_child(command: TakeBackChild, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Take back what a run of a phase has done, by its own ledger; what stands against it halts the parent."""
    parent = find_run(view, command.run, stamp)
    if isinstance(parent, UnknownThing):
        return refuse(parent)
    entry = parent.ledger.get(effect_key(command.place, command.generation))
    if entry is None or not entry.is_run or entry.undo != "undoing":
        return Decision()
    child = view.read(RUN, StreamId(entry.task))
    if not isinstance(child, Run):
        return _said(
            parent, _resolved(entry, "never_begun", "it was never begun", stamp.time), stamp, view, expressions
        )
    if _is_ending(parent, child) or _is_begun(parent, child, entry, view):
        return Decision()  # whoever is under way tells the parent when it has ended
    found = _already(child, entry, stamp, view) or _against(parent, child, entry, stamp)
    if found is not None:
        return _said(parent, found, stamp, view, expressions)
    begun = taking_back(
        child,
        reason=CHILD,
        by=parent.queued.by,
        forced=parent.rollback_forced,
        parent=_above(parent, entry),
        stamp=stamp,
        view=view,
        expressions=expressions,
    )
    if begun.rejection is None:
        return begun
    return _said(parent, _failed(entry, begun.rejection.message(), stamp.time), stamp, view, expressions)


def _is_ending(parent: Run, child: Run) -> bool:
    """Whether the parent has given it up, so that it is cancelled or will be, and somebody may still work for it."""
    above = child.queued.parent
    if child.status in TERMINAL or above is None or above.run != parent.queued.run:
        return False
    return not is_current(parent, child.queued.run, above)


def _is_begun(parent: Run, child: Run, entry: Effect, view: View) -> bool:
    """Whether the run that takes it back for this parent is under way: it was asked for before."""
    other = view.read(RUN, StreamId(child.rolled_back_by)) if child.rolled_back_by else None
    own = isinstance(other, Run) and other.queued.parent == _above(parent, entry)
    return isinstance(other, Run) and own and other.status not in TERMINAL


def _above(parent: Run, entry: Effect) -> ParentRun:
    above = parent.queued.parent
    return ParentRun(
        run=parent.queued.run,
        place=entry.place,
        generation=entry.generation,
        purpose="undo",
        root=parent.queued.run if above is None else above.root,
        ancestry=(*(() if above is None else above.ancestry), parent.queued.pipeline),
    )


def _already(child: Run, entry: Effect, stamp: Stamp, view: View) -> Following | None:
    """What follows where nothing is left to be taken back, or where another run does so."""
    if child.status not in TERMINAL:
        return _resolved(entry, "skipped", f"run {entry.task} was left to itself and goes on", stamp.time)
    if child.rolled_back_by:
        return _by_another(child.rolled_back_by, entry, stamp, view)
    if owed(child):
        return None
    left = is_partial(child)
    reason = "what it did cannot be taken back" if left else "there is nothing to take back"
    return _resolved(entry, "skipped" if left else "never_begun", reason, stamp.time)


def _by_another(name: str, entry: Effect, stamp: Stamp, view: View) -> Following:
    other = view.read(RUN, StreamId(name))
    if not isinstance(other, Run) or other.status not in TERMINAL:
        return _failed(entry, f"run {name} takes it back already: try once more when that has ended", stamp.time)
    if other.status == "succeeded":
        return UndoSucceeded(place=entry.place, generation=entry.generation, at=stamp.time)
    return _resolved(entry, "skipped", f"run {name} left something of it", stamp.time)


def _against(parent: Run, child: Run, entry: Effect, stamp: Stamp) -> UndoFailed | None:
    points = passed(child)
    if points and not parent.rollback_forced:
        reason = f"its run {entry.task} has passed the point of no return {points[0]}"
        return _failed(entry, reason, stamp.time)
    ttl, ended = child.queued.definition.undo_ttl_seconds, child.settled_at
    if ttl is not None and ended is not None and stamp.time > ended + int(ttl * SECOND):
        return _failed(entry, f"its run {entry.task} could be taken back for {ttl:g} s after its end", stamp.time)
    return None


def _failed(entry: Effect, reason: str, at: Instant) -> UndoFailed:
    return UndoFailed(place=entry.place, generation=entry.generation, reason=reason, at=at)


def _resolved(entry: Effect, how: str, reason: str, at: Instant) -> UndoResolved:
    said = {"place": entry.place, "generation": entry.generation, "how": how, "reason": reason, "by": "", "at": at}
    return UndoResolved.model_validate(said)


def _said(parent: Run, event: Following, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    walk = RunWalk(parent, stamp, view, expressions)
    walk.put(event)
    walk.go_on()
    return walk.decision()
