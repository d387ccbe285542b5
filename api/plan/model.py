"""The form of a plan file: every field with its type, bounds and meaning, the one source of checks and schema."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from api.plan.fields import Claim, ClaimMode, Duration, Moment, NotYet, Requirements, Retry, Text, as_in
from domain.kernel.message import Message
from domain.task.commands import ApplyPlan, Need, Outcome, PlannedTask, RetryRule, TaskKey

ProjectName = Annotated[
    str, StringConstraints(pattern=r"^(?:[a-z0-9][a-z0-9-]{0,62}|proj_[0-7][0-9a-hjkmnp-tv-z]{25})$")
]


class Form(Message):
    """A part of a plan file; the sentence below a field is its description in the schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class BudgetEntry(Form):
    """What a task may spend."""

    tokens: int | None = Field(default=None, gt=0)
    cost_microdollars: int | None = Field(default=None, gt=0)
    wall_time: Duration | None = None


class Shared(Form):
    """What ``defaults`` may say once for all tasks, and each task for itself."""

    kind: str = as_in(PlannedTask, "kind")
    """Free label for routing: code, review, research, docs."""
    priority: int = as_in(PlannedTask, "priority")
    """The larger, the earlier, among tasks that are ready."""
    retry: Retry = RetryRule()
    """How often and after what pause a failed attempt is repeated; merged field by field with the default."""
    timeout: Duration | None = None
    """Longest time of one attempt from start to close: 90s, 20m, 1h30m, or seconds. Null takes a default back."""
    requires: Requirements = ()
    """Capabilities that a session must have, by name; merged by name with the default."""
    run: str | None = as_in(PlannedTask, "run")
    """What a shell worker executes; without it the worker's own --exec. Null takes a default back."""
    evidence: Annotated[tuple[Text, ...], Field(max_length=16), NotYet] = ()
    """Not yet: what a completion must carry, such as commit, test_report, review."""
    budget: Annotated[BudgetEntry, NotYet] = BudgetEntry()
    """Not yet: tokens, money and time that the task may spend."""
    labels: Annotated[tuple[Text, ...], Field(max_length=64), NotYet] = ()
    """Not yet: words to find the task by."""
    on_need_failed: Annotated[Literal["block", "cancel", "proceed"], NotYet] = "block"
    """Not yet: what follows when a need can no longer be met."""


class NeedEntry(Form):
    """An edge to a task that has to settle first."""

    task: TaskKey
    """Key of a task of this plan or already in the project; ``project/key`` where the key is not in this plan."""
    accept: tuple[Outcome, ...] = as_in(Need, "accept")
    """Outcomes that satisfy the need."""


class ScopeEntry(Form):
    """A lock that the work needs."""

    claim: Claim
    """``path:repo//pattern``; the other kinds of locks are not yet honoured."""
    mode: ClaimMode = "exclusive"
    """shared or exclusive; intent and update are not yet honoured."""
    quantity: Annotated[int, Field(ge=1, le=10_000), NotYet] = 1
    """Not yet: how many units of a pool."""


def _as_need(value: object) -> object:
    return {"task": value} if isinstance(value, str) else value


def _as_scope(value: object) -> object:
    return {"claim": value} if isinstance(value, str) else value


class TaskEntry(Shared):
    """One task."""

    key: TaskKey
    """The task's name, unique in its project."""
    title: str = as_in(PlannedTask, "title")
    """What is to be done, in one line."""
    body: str = as_in(PlannedTask, "body")
    """What to do, in markdown."""
    needs: tuple[Annotated[NeedEntry, BeforeValidator(_as_need, json_schema_input_type=TaskKey | NeedEntry)], ...] = (
        as_in(PlannedTask, "needs")
    )
    """Tasks that have to settle first: a key, or a mapping with the outcomes that are accepted."""
    scope: tuple[Annotated[ScopeEntry, BeforeValidator(_as_scope, json_schema_input_type=Claim | ScopeEntry)], ...] = (
        as_in(PlannedTask, "scope")
    )
    """Locks that the work needs: a claim, or a mapping with its mode."""
    parent: Annotated[TaskKey, NotYet] = ""
    """Not yet: the task that this one is a part of."""
    not_before: Annotated[Moment, NotYet] = ""
    """Not yet: the earliest start, with a time zone: 2031-05-04T12:00:00Z."""
    deadline: Annotated[Moment, NotYet] = ""
    """Not yet: when it has to be done, with a time zone."""
    concurrency_key: Annotated[Text, NotYet] = ""
    """Not yet: tasks of one key run only so many at a time."""
    concurrency_limit: Annotated[int, Field(ge=1, le=10_000), NotYet] = 1
    """Not yet: how many."""
    idempotency_key: Annotated[Text, NotYet] = ""
    """Not yet: a name of the work beyond this plan."""


class PlanForm(Form):
    """A plan: tasks that are created together, all or none."""

    project: ProjectName
    """Name or id of the project."""
    defaults: Shared = Shared()
    """What holds for every task that does not say otherwise."""
    tasks: tuple[TaskEntry, ...] = as_in(ApplyPlan, "tasks")
    """1 to 2,000 tasks, in any order."""


FORMS: Final[dict[str, type[Message]]] = {
    "": PlanForm,
    "defaults": Shared,
    "tasks": TaskEntry,
    "retry": RetryRule,
    "budget": BudgetEntry,
    "needs": NeedEntry,
    "scope": ScopeEntry,
}
"""The form of a mapping by the name of the field that holds it or its list."""


def plan_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a plan file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PlanForm.model_json_schema()}
