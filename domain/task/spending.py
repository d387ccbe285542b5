"""What a task may spend and has spent."""

from domain.kernel.ids import SECOND, Instant
from domain.task.commands import NOTHING_USED, Usage
from domain.task.state import Attempt, Task


def added(one: Usage, other: Usage) -> Usage:
    """Both together; the model is the one named last."""
    if other is NOTHING_USED or other == NOTHING_USED:
        return one
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cost_microdollars=one.cost_microdollars + other.cost_microdollars,
        tool_calls=one.tool_calls + other.tool_calls,
        model=other.model or one.model,
    )


def beyond(total: Usage, before: Usage) -> Usage:
    """What a total has more than a former one."""
    return Usage(
        input_tokens=max(0, total.input_tokens - before.input_tokens),
        output_tokens=max(0, total.output_tokens - before.output_tokens),
        cost_microdollars=max(0, total.cost_microdollars - before.cost_microdollars),
        tool_calls=max(0, total.tool_calls - before.tool_calls),
        model=total.model,
    )


def overspent(task: Task, usage: Usage) -> str | None:
    """Which bound of the budget the ended attempts and a live one with this usage have reached; None for none."""
    total, budget = added(task.spent, usage), task.budget
    tokens = total.input_tokens + total.output_tokens
    if budget.tokens is not None and tokens >= budget.tokens:
        return f"{tokens} of {budget.tokens} tokens are spent"
    if budget.cost_microdollars is not None and total.cost_microdollars >= budget.cost_microdollars:
        return f"{total.cost_microdollars} of {budget.cost_microdollars} micro-dollars are spent"
    if budget.wall_seconds is not None and task.spent_seconds >= budget.wall_seconds:
        return f"{task.spent_seconds:.0f} of {budget.wall_seconds:g} seconds are spent"
    return None


def time_is_up(task: Task, attempt: Attempt) -> Instant | None:
    """When the attempt has used up the time that is left; None where time is not bounded."""
    if task.budget.wall_seconds is None:
        return None
    left = max(0.0, task.budget.wall_seconds - task.spent_seconds)
    return Instant(attempt.at + int(left * SECOND))


def spent_by(task: Task) -> Usage:
    """What all ended attempts of the task and of its parts spent."""
    total = task.used
    for part in task.parts.values():
        total = added(total, part.usage)
    return total
