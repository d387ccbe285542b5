"""Concurrency keys and budget shares of grants: counted entries of the lock space beside its claims (locks.md 1)."""

from collections.abc import Iterable
from typing import Final

from domain.kernel.values import ConcurrencyKey, Spend
from domain.lock.entries import Grant
from domain.lock.errors import BudgetExhausted, ConcurrencyFull
from domain.lock.state import LockSpace

HOLDERS_TOLD_MAX: Final = 8
"""Holders that a refusal names, the oldest first."""


def over_concurrency(space: LockSpace, wanted: tuple[ConcurrencyKey, ...]) -> ConcurrencyFull | None:
    """The first key that has no room for one more, or None."""
    for one in wanted:
        tokens = space.coverage.concurrency.get(one.key)
        if tokens is not None and len(tokens) >= one.limit:
            holders = _named(space.grants[token] for token in sorted(tokens))
            return ConcurrencyFull(key=one.key, limit=one.limit, count=len(tokens), holders=holders)
    return None


def over_budget(space: LockSpace, wanted: Spend, budget: Spend) -> BudgetExhausted | None:
    """The first unit of which the budget has no more to set aside; a limit of 0 is none."""
    reserved, spent = space.coverage.reserved, space.spent
    for unit, limit, gone, held, more in (
        ("tokens", budget.tokens, spent.tokens, reserved.tokens, wanted.tokens),
        (
            "microdollars",
            budget.cost_microdollars,
            spent.cost_microdollars,
            reserved.cost_microdollars,
            wanted.cost_microdollars,
        ),
        ("seconds", budget.wall_seconds, spent.wall_seconds, reserved.wall_seconds, wanted.wall_seconds),
    ):
        if limit and gone + held + more > limit:
            shares = (grant for _, grant in sorted(space.grants.items()) if grant.reserved and not grant.is_orphaned)
            return BudgetExhausted(
                unit=unit, limit=limit, spent=gone, reserved=held, wanted=more, holders=_named(shares) or "nobody"
            )
    return None


def _named(grants: Iterable[Grant]) -> str:
    names = [grant.owner.name for grant in grants]
    more = len(names) - HOLDERS_TOLD_MAX
    return ", ".join(names[:HOLDERS_TOLD_MAX]) + (f" and {more} more" if more > 0 else "")
