"""From the form of a plan to the tasks of the command: defaults merged in, needs led to keys."""

import re
from collections.abc import Collection
from typing import Final

from api.plan.fields import REQUIREMENTS_MAX, claim_of
from api.plan.model import BudgetEntry, NeedEntry, PlanForm, Shared, TaskEntry
from domain.kernel.ids import Instant
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import Budget, Escalation, RetryRule
from domain.task.commands import Need, PlannedTask

_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def planned_tasks(form: PlanForm) -> tuple[PlannedTask, ...]:
    """The tasks in the order of the file."""
    keys = frozenset(task.key for task in form.tasks)
    return tuple(_planned(task, form, keys) for task in form.tasks)


def _is_foreign(text: str, project: str, keys: Collection[str]) -> bool:
    """Whether a need names a task of another project.

    A need is first a key of this plan. Else ``project/key`` names a project if what is before the first slash can be
    one; with the plan's own project it is a task of this project that was planned before.
    """
    if text in keys or _own_key(text, project, keys) != text:
        return False
    before, slash, key = text.partition("/")
    return bool(slash) and key[:1].isalnum() and _PROJECT.fullmatch(before) is not None


def _own_key(text: str, project: str, keys: Collection[str]) -> str:
    """``project/key`` with the plan's own project is ``key``, unless a task of the plan is named so."""
    key = text.removeprefix(f"{project}/")
    return key if text not in keys and key[:1].isalnum() else text


def crowded_tasks(form: PlanForm) -> tuple[int, ...]:
    """Numbers of the tasks that require too much once the defaults are merged in."""
    return tuple(
        index
        for index, task in enumerate(form.tasks)
        if len(_merged(form.defaults.requires, task.requires)) > REQUIREMENTS_MAX
    )


def _planned(task: TaskEntry, form: PlanForm, keys: Collection[str]) -> PlannedTask:
    defaults = form.defaults
    return PlannedTask(
        key=task.key,
        title=task.title,
        body=task.body,
        kind=_source(task, defaults, "kind").kind,
        priority=_source(task, defaults, "priority").priority,
        needs=tuple(_need(need, form.project, keys) for need in task.needs),
        scope=tuple(ScopeClaim(claim=claim_of(entry.claim, entry.quantity), mode=entry.mode) for entry in task.scope),
        requires=_merged(defaults.requires, task.requires),
        retry=_retry(defaults.retry, task.retry),
        timeout_seconds=_source(task, defaults, "timeout").timeout,
        stall_seconds=_source(task, defaults, "stall").stall,
        extend_seconds_max=_source(task, defaults, "extend_max").extend_max,
        run=_source(task, defaults, "run").run,
        evidence=_source(task, defaults, "evidence").evidence,
        on_need_failed=_source(task, defaults, "on_need_failed").on_need_failed,
        not_before=None if task.not_before is None else Instant(task.not_before),
        deadline=None if task.deadline is None else Instant(task.deadline),
        labels=tuple(dict.fromkeys((*defaults.labels, *task.labels))),
        parent=task.parent,
        budget=_budget(defaults.budget, task.budget),
        concurrency_key=task.concurrency_key,
        concurrency_limit=task.concurrency_limit,
        idempotency_key=task.idempotency_key,
        escalate=tuple(
            Escalation(after=step.after, requires=step.requires)
            for step in _source(task, defaults, "escalate").escalate
        ),
        avoid=_source(task, defaults, "avoid").avoid,
    )


def _need(need: NeedEntry, project: str, keys: Collection[str]) -> Need:
    if not _is_foreign(need.task, project, keys):
        return Need(task=_own_key(need.task, project, keys), accept=need.accept)
    other, _, key = need.task.partition("/")
    return Need(task=key, accept=need.accept, project=other)


def _budget(defaults: BudgetEntry, own: BudgetEntry) -> Budget:
    """Merged field by field; null takes a default back."""
    tokens = _said(own, defaults, "tokens").tokens
    cost = _said(own, defaults, "cost_microdollars").cost_microdollars
    return Budget(tokens=tokens, cost_microdollars=cost, wall_seconds=_said(own, defaults, "wall_time").wall_time)


def _said(own: BudgetEntry, defaults: BudgetEntry, field: str) -> BudgetEntry:
    return own if field in own.model_fields_set else defaults


def _source(task: TaskEntry, defaults: Shared, field: str) -> Shared:
    """Where a field is taken from: the task if it says anything, null included."""
    return task if field in task.model_fields_set else defaults


def _merged(defaults: tuple[Requirement, ...], own: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """What a task requires of one capability replaces all that the default requires of it."""
    replaced = {requirement.key for requirement in own}
    return (*(requirement for requirement in defaults if requirement.key not in replaced), *own)


def _retry(defaults: RetryRule, own: RetryRule) -> RetryRule:
    def of(field: str) -> RetryRule:
        return own if field in own.model_fields_set else defaults

    return RetryRule(
        max_attempts=of("max_attempts").max_attempts,
        backoff_seconds_first=of("backoff_seconds_first").backoff_seconds_first,
        backoff_factor=of("backoff_factor").backoff_factor,
        backoff_seconds_max=of("backoff_seconds_max").backoff_seconds_max,
        on_exhausted=of("on_exhausted").on_exhausted,
        max_lost=of("max_lost").max_lost,
        jitter=of("jitter").jitter,
        kinds=of("kinds").kinds,
    )
