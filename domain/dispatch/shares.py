"""What a task takes of its project beside locks: places under concurrency keys, and a share of the budget."""

from collections.abc import Sequence
from typing import Final

from domain.kernel.ids import SECOND, Instant
from domain.kernel.message import Event
from domain.kernel.values import ConcurrencyKey, Spend
from domain.project.settings import ProjectSettings
from domain.task.commands import NOTHING_USED
from domain.task.events import TaskAttemptEnded, TaskCompleted
from domain.task.state import Attempt, Task

RUNNING_KEY: Final = "attempts of the project"
"""The concurrency key that counts what a project has under way; no plan may use it."""


def places_of(task: Task, settings: ProjectSettings) -> tuple[ConcurrencyKey, ...]:
    """The concurrency keys of the next attempt: the task's own, and the project's cap where it has one."""
    plan = task.plan
    own = (ConcurrencyKey(key=plan.concurrency_key, limit=plan.concurrency_limit),) if plan.concurrency_key else ()
    cap = () if settings.running_max is None else (ConcurrencyKey(key=RUNNING_KEY, limit=settings.running_max),)
    return (*own, *cap)


def share_of(task: Task) -> Spend | None:
    """What the next attempt may cost at most, as far as the task is bounded; None where it is not."""
    budget, spent = task.budget, task.spent
    if takes_back(task) or (budget.tokens is None and budget.cost_microdollars is None):
        return None
    tokens = 0 if budget.tokens is None else max(0, budget.tokens - spent.input_tokens - spent.output_tokens)
    cost = 0 if budget.cost_microdollars is None else max(0, budget.cost_microdollars - spent.cost_microdollars)
    return Spend(tokens=tokens, cost_microdollars=cost)


def takes_back(task: Task) -> bool:
    """Whether it takes back what a run has done: that is counted, and never kept back for want of money."""
    return task.plan.origin is not None and task.plan.origin.purpose == "undo"


def bound_of(task: Task, settings: ProjectSettings) -> Spend | None:
    """The hard budget of the project, as far as it binds the task; a unit of 0 has no bound."""
    hard = settings.budget_hard
    if takes_back(task):
        return None
    if hard.tokens is None and hard.cost_microdollars is None:
        return None
    return Spend(tokens=hard.tokens or 0, cost_microdollars=hard.cost_microdollars or 0)


def cost_of(attempt: Attempt, events: Sequence[Event], at: Instant) -> Spend | None:
    """What the attempt cost, once these events ended it: as its holder said last; None where nothing was said."""
    usage = attempt.usage
    for event in events:
        if isinstance(event, TaskCompleted | TaskAttemptEnded) and event.usage is not None:
            usage = event.usage
    if usage is NOTHING_USED or usage == NOTHING_USED:
        return None
    return Spend(
        tokens=min(10**15, usage.input_tokens + usage.output_tokens),
        cost_microdollars=min(10**15, usage.cost_microdollars),
        wall_seconds=max(0, (at - attempt.at) // SECOND),
    )
