"""What a run sets aside for work, and why it does not: never more than is left, to all that begin at once alike."""

from dataclasses import dataclass
from typing import Literal

from domain.kernel.ids import Instant
from domain.kernel.values import Spend
from domain.kernel.work import Budget
from domain.run.account import UNBOUNDED, UNITS, WORDS, Share, Sum, Unit, amount, bound
from domain.run.budget_events import RunBudgetNoticed, RunBudgetReserved
from domain.run.loops import outline_now
from domain.run.state import SETTLED, Run


@dataclass(frozen=True, slots=True)
class Lack:
    """Why nothing is set aside: what others have of it may come back, or all is spent."""

    how: Literal["wait", "spent"]
    reason: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What the work of a place may spend."""

    aside: Budget
    """Of this, what counts against the run."""
    whole: Budget
    """With the bounds that only the work has itself."""


def keeps_account(run: Run) -> bool:
    """Whether the run, or one of its loops, has a budget, or whoever takes it back has to know what it took."""
    loops = outline_now(run).loops
    return (
        run.limit != UNBOUNDED
        or bool(run.queued.rolls_back)
        or any(loop_limit(run, phase.key) != UNBOUNDED for phase in loops)
    )


def loop_limit(run: Run, key: str) -> Budget:
    """What all iterations of a loop may spend together."""
    said = next((one.budget for one in outline_now(run).loops if one.key == key), UNBOUNDED)
    return run.account.loop_limits.get(key, said)


def loop_around(run: Run, place: str) -> str:
    """The loop with a budget that a place is inside of, with its generation; empty for none."""
    key = place.partition("/")[0]
    if key == place or loop_limit(run, key) == UNBOUNDED:
        return ""
    return f"{key}@{run.phase(key).generation}"


def granted(run: Run, place: str, own: Budget, *, sharing: int) -> Grant | Lack:
    """What a place may spend now. Where it says no bound itself it shares with all that begin now or are under way."""
    scopes = _scopes(run, place)
    aside: dict[str, int | None] = {}
    for unit in UNITS:
        found = _granted(scopes, unit, bound(own, unit), sharing, len(run.account.shares))
        if isinstance(found, Lack):
            return found
        aside[unit] = found
    said = {unit: aside[unit] if aside[unit] is not None else getattr(own, unit) for unit in UNITS}
    return Grant(Budget.model_validate(aside), Budget.model_validate(said))


def _granted(
    scopes: tuple[tuple[Budget, Sum], ...], unit: Unit, own: int | None, sharing: int, under_way: int
) -> int | Lack | None:
    limits = [(limit, one) for budget, one in scopes if (limit := bound(budget, unit)) is not None]
    if not limits:
        return None
    limit, tight = min(limits, key=lambda pair: pair[0] - amount(pair[1].spent, unit))
    rest = limit - amount(tight.spent, unit)
    left = min(most - amount(one.spent, unit) - amount(one.reserved, unit) for most, one in limits)
    if rest < 1:
        return Lack("spent", f"{amount(tight.spent, unit)} of {limit} {WORDS[unit]} are spent")
    # Rather than with less than half of what would be fair it waits until others give something back.
    least = max(1, rest // (2 * (sharing + under_way)))
    wanted = min(own, rest) if own is not None else max(least, left // sharing)
    if wanted > left:
        return Lack(
            "wait", f"{left} of {limit} {WORDS[unit]} are neither spent nor set aside, of which it needs {wanted}"
        )
    return wanted


def _scopes(run: Run, place: str) -> tuple[tuple[Budget, Sum], ...]:
    loop = loop_around(run, place)
    whole = (run.limit, run.account.whole)
    if not loop:
        return (whole,)
    return (whole, (loop_limit(run, loop.partition("@")[0]), run.account.loops.get(loop, Sum())))


def reserved(run: Run, payee: str, place: str, aside: Budget, at: Instant) -> RunBudgetReserved:
    """That so much is set aside."""
    generation, loop = run.phase(place).generation, loop_around(run, place)
    return RunBudgetReserved(payee=payee, place=place, generation=generation, loop=loop, budget=aside, at=at)


def is_over(run: Run, payee: str, share: Share) -> bool:
    """Whether the run does not count on it any more; on a task that is parked neither: that asks anew."""
    phase = run.phase(share.place)
    if phase.generation != share.generation or phase.status in SETTLED:
        return True
    return phase.child != payee and (phase.task != payee or phase.status != "offered")


def noticed(run: Run, at: Instant) -> RunBudgetNoticed | None:
    """That the soft budget is reached, once."""
    soft, spent = run.queued.budget.soft, run.account.whole.spent
    if run.account.noticed:
        return None
    for unit in UNITS:
        limit = bound(soft, unit)
        if limit is not None and amount(spent, unit) >= limit:
            words = f"{amount(spent, unit)} {WORDS[unit]} are spent, of which {limit} were to be told of"
            return RunBudgetNoticed(reason=words, at=at)
    return None


def committed(one: Sum) -> Spend:
    """What is spent or set aside."""
    return one.spent.plus(one.reserved)


def left_in(run: Run, place: str, unit: Unit) -> int | None:
    """What is neither spent nor set aside of all that bounds a place; None where nothing does."""
    known = ((bound(limit, unit), committed(one)) for limit, one in _scopes(run, place))
    return min((most - amount(gone, unit) for most, gone in known if most is not None), default=None)
