"""The account of a run, as its decisions see it: what is set aside, what was spent, and whether there is enough."""

from dataclasses import dataclass
from math import ceil
from typing import Final, Literal, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.values import Spend
from domain.kernel.work import Budget
from domain.run.budget_events import (
    BudgetEvent,
    RunBudgetAdjusted,
    RunBudgetNoticed,
    RunBudgetReserved,
    RunBudgetSettled,
)

Unit = Literal["tokens", "cost_microdollars", "wall_seconds"]
UNITS: Final[tuple[Unit, ...]] = ("tokens", "cost_microdollars", "wall_seconds")
WORDS: Final[dict[Unit, str]] = {
    "tokens": "tokens",
    "cost_microdollars": "micro-dollars",
    "wall_seconds": "seconds of work",
}
NOTHING: Final = Spend()
UNBOUNDED: Final = Budget()


@dataclass(frozen=True, slots=True)
class Share:
    """What is set aside for one task, or for one run that does the work of a phase."""

    place: str
    generation: int
    loop: str
    budget: Budget


@dataclass(frozen=True, slots=True)
class Sum:
    """What was spent and what is set aside of one budget."""

    spent: Spend = NOTHING
    reserved: Spend = NOTHING


@dataclass(frozen=True, slots=True)
class Account:
    """Of a run and its loops."""

    whole: Sum = Sum()
    shares: Map[str, Share] = Map()
    """By task or run."""
    loops: Map[str, Sum] = Map()
    """By loop with its generation."""
    limit: Budget | None = None
    """None where it is that of the start."""
    loop_limits: Map[str, Budget] = Map()
    """By key, where they are others than in the definition."""
    noticed: bool = False
    """Whether a person was told that little is left."""
    seen: bool = False
    """Whether one has said so."""


def bound(budget: Budget, unit: Unit) -> int | None:
    """The bound in whole units; None for none."""
    match unit:
        case "tokens":
            return budget.tokens
        case "cost_microdollars":
            return budget.cost_microdollars
        case "wall_seconds":
            return None if budget.wall_seconds is None else ceil(budget.wall_seconds)
        case _:
            assert_never(unit)


def amount(spend: Spend, unit: Unit) -> int:
    """So much of it."""
    match unit:
        case "tokens":
            return spend.tokens
        case "cost_microdollars":
            return spend.cost_microdollars
        case "wall_seconds":
            return spend.wall_seconds
        case _:
            assert_never(unit)


def spend_of(budget: Budget) -> Spend:
    """What it sets aside; nothing in units that have no bound."""
    return Spend.model_validate({unit: bound(budget, unit) or 0 for unit in UNITS})


def tightest(*budgets: Budget) -> Budget:
    """In each unit the smallest bound."""
    said = {unit: [one for budget in budgets if (one := getattr(budget, unit)) is not None] for unit in UNITS}
    return Budget.model_validate({unit: min(found) if found else None for unit, found in said.items()})


def evolved(account: Account, event: BudgetEvent) -> Account:
    """The account after the event."""
    match event:
        case RunBudgetReserved():
            return _reserved(account, event)
        case RunBudgetSettled():
            return _settled(account, event)
        case RunBudgetNoticed():
            return replace(account, noticed=True, seen=False)
        case RunBudgetAdjusted():
            if event.loop:
                return replace(account, loop_limits=account.loop_limits.set(event.loop, event.budget))
            return replace(account, limit=event.budget, noticed=False)
        case _:
            assert_never(event)


def _reserved(account: Account, event: RunBudgetReserved) -> Account:
    before, more = account.shares.get(event.payee), spend_of(event.budget)
    whole = event.budget if before is None else _joined(before.budget, event.budget)
    share = Share(event.place, event.generation, event.loop, whole)
    return _with(replace(account, shares=account.shares.set(event.payee, share)), event.loop, NOTHING, more, NOTHING)


def _settled(account: Account, event: RunBudgetSettled) -> Account:
    share = account.shares.get(event.payee)
    if share is None:
        return _with(account, event.loop, event.spent, NOTHING, NOTHING)
    gone = replace(account, shares=account.shares.delete(event.payee))
    return _with(gone, share.loop, event.spent, NOTHING, spend_of(share.budget))


def _with(account: Account, loop: str, spent: Spend, more: Spend, less: Spend) -> Account:
    def changed(before: Sum) -> Sum:
        return Sum(before.spent.plus(spent), before.reserved.plus(more).minus(less))

    whole = replace(account, whole=changed(account.whole))
    return replace(whole, loops=whole.loops.set(loop, changed(whole.loops.get(loop, Sum())))) if loop else whole


def _joined(one: Budget, other: Budget) -> Budget:
    said = {unit: [found for budget in (one, other) if (found := getattr(budget, unit)) is not None] for unit in UNITS}
    return Budget.model_validate({unit: sum(found) if found else None for unit, found in said.items()})
