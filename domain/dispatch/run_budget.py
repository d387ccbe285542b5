"""Other bounds for a run: taken from its parent where that has some, and what was parked for want of them goes on."""

from domain.dispatch.run_verbs import asked
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Answer, Stamp
from domain.kernel.pipeline.definition import RepeatPhase
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.work import Budget
from domain.run.account import UNBOUNDED, UNITS, WORDS, Sum, amount, bound
from domain.run.budget_commands import AdjustBudget
from domain.run.budget_events import RunBudgetAdjusted
from domain.run.budgets import committed, left_in, loop_around, loop_limit, reserved
from domain.run.errors import BudgetRefused, RunNotInState
from domain.run.events import PhaseReleased
from domain.run.evolve import RUN
from domain.run.state import TERMINAL, Run


class BudgetAdjusted(Answer):
    """The bounds of now, and what goes on with them."""

    budget: Budget
    released: tuple[str, ...]
    """Places that had been parked because all was spent."""


def adjust(command: AdjustBudget, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Only units that had a bound: what was spent before somebody counted is not known."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if run.status == "succeeded" or run.queued.rolls_back:
        return refuse(RunNotInState(run=command.run, status=run.status, action="adjusting its budget"))
    loop = command.phase or ""
    if loop and not any(one.key == loop and isinstance(one, RepeatPhase) for one in run.queued.definition.phases):
        return refuse(UnknownThing(kind="phase", name=loop))
    before = loop_limit(run, loop) if loop else run.limit
    wanted = Budget.model_validate(before.model_dump() | command.budget.model_dump(exclude_none=True))
    if wanted == before:
        return Decision(answer=BudgetAdjusted(budget=before, released=()))
    reason = _against(run, loop, before, wanted)
    if reason:
        return refuse(BudgetRefused(run=command.run, reason=reason))
    above = () if loop else _from_parent(run, before, wanted, stamp, view)
    if isinstance(above, BudgetRefused):
        return refuse(above)
    walk = RunWalk(run, stamp, view, expressions)
    by, at = stamp.principal, stamp.time
    walk.put(RunBudgetAdjusted(loop=loop, budget=wanted, reason=command.reason, by=by, at=at))
    walk.also(*above)
    released = _released(walk, stamp)
    walk.go_on()
    return walk.decision(answer=BudgetAdjusted(budget=wanted, released=released))


def _against(run: Run, loop: str, before: Budget, wanted: Budget) -> str:
    """Why these bounds cannot be: one that was none, or less than is spent or set aside already."""
    account = run.account
    known = account.loops.get(loop_around(run, f"{loop}/"), Sum()) if loop else account.whole
    for unit in UNITS:
        limit = bound(wanted, unit)
        if limit is not None and bound(before, unit) is None:
            return f"it has no bound for {WORDS[unit]}, and what was spent before is not known"
        if limit is not None and limit < amount(committed(known), unit):
            return f"{amount(committed(known), unit)} {WORDS[unit]} are spent or set aside already"
    return ""


def _from_parent(
    run: Run, before: Budget, wanted: Budget, stamp: Stamp, view: View
) -> tuple[Write, ...] | BudgetRefused:
    """So much more is set aside in the parent; what a run gives back its parent has once it has ended."""
    above = run.queued.parent
    parent = None if above is None or not run.queued.budget.carved else view.read(RUN, StreamId(above.run))
    if above is None or not isinstance(parent, Run):
        return ()
    name = run.queued.run
    more = _more(before, wanted)
    share = parent.account.shares.get(name)
    if share is None or parent.status in TERMINAL or parent.phase(above.place).generation != share.generation:
        reason = f"run {above.run}, of whose budget it has a part, does not count on it any more"
        return BudgetRefused(run=name, reason=reason)
    for unit in UNITS:
        asked_for, left = bound(more, unit), left_in(parent, above.place, unit)
        if asked_for is not None and left is not None and asked_for > left:
            words = f"run {above.run}, of whose budget it has a part, has {left} {WORDS[unit]} left: raise that first"
            return BudgetRefused(run=name, reason=words)
    event = reserved(parent, name, above.place, more, stamp.time)
    return (Write(StreamId(above.run), (event,), stamp.project),) if more != UNBOUNDED else ()


def _more(before: Budget, wanted: Budget) -> Budget:
    said: dict[str, int | None] = {}
    for unit in UNITS:
        more = (bound(wanted, unit) or 0) - (bound(before, unit) or 0)
        said[unit] = more if more > 0 else None
    return Budget.model_validate(said)


def _released(walk: RunWalk, stamp: Stamp) -> tuple[str, ...]:
    """Places that go on, as far as the bounds reach, in their order."""
    found: list[str] = []
    for place, state in sorted(walk.run.phases.items()):
        parked = state.status == "parked" and state.parked_for == "budget"
        if not parked or (state.task and walk.try_again(place) is not None):
            continue
        walk.put(PhaseReleased(place=place, generation=state.generation, at=stamp.time))
        found.append(place)
    return tuple(found)
