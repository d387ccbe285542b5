"""What the list shows of the budget of a run: its bounds, what was spent, and what is set aside for whom."""

from typing import assert_never

import orjson

from domain.kernel.values import Spend
from domain.kernel.work import Budget
from domain.run.budget_events import (
    BudgetEvent,
    RunBudgetAdjusted,
    RunBudgetNoticed,
    RunBudgetReserved,
    RunBudgetSettled,
)
from projections.pipeline_runs.rows import PipelineRunRow

Amounts = dict[str, float]


def accounted(row: PipelineRunRow, event: BudgetEvent) -> PipelineRunRow:
    """The row after the event."""
    match event:
        case RunBudgetReserved():
            shares = _shares(row)
            shares[event.payee] = _added(shares.get(event.payee, {}), event.budget.model_dump(exclude_none=True))
            return _with(row, shares)
        case RunBudgetSettled():
            shares = _shares(row)
            shares.pop(event.payee, None)
            spent = _added(orjson.loads(row.spent), _of(event.spent))
            return _with(row, shares)._replace(spent=_text(spent))
        case RunBudgetAdjusted():
            return row if event.loop else row._replace(budget=bounds_text(event.budget))
        case RunBudgetNoticed():
            return row
        case _:
            assert_never(event)


def bounds_text(budget: Budget) -> str:
    """Its bounds as JSON; empty where there are none."""
    said = budget.model_dump(exclude_none=True)
    return _text(said) if said else ""


def _shares(row: PipelineRunRow) -> dict[str, Amounts]:
    found: dict[str, Amounts] = orjson.loads(row.shares)
    return found


def _with(row: PipelineRunRow, shares: dict[str, Amounts]) -> PipelineRunRow:
    reserved: Amounts = {}
    for one in shares.values():
        reserved = _added(reserved, one)
    return row._replace(shares=orjson.dumps(shares, option=orjson.OPT_SORT_KEYS).decode(), reserved=_text(reserved))


def _of(spent: Spend) -> Amounts:
    return {name: one for name, one in spent.model_dump().items() if one}


def _added(one: Amounts, other: Amounts) -> Amounts:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def _text(amounts: Amounts) -> str:
    return orjson.dumps(amounts, option=orjson.OPT_SORT_KEYS).decode()
