"""The form of a plan file: every field with its type, bounds and meaning, the one source of checks and schema."""

from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from api.plan.fields import Claim, Duration, LongDuration, Moment, Requirements, Text, as_in, units_of
from domain.kernel.message import Message
from domain.kernel.values import LockMode
from domain.kernel.work import Avoided, Budget, Escalation, EvidenceKind, RetryRule
from domain.lock.pool_name import QUANTITY_MAX
from domain.task.commands import ApplyPlan, Need, Outcome, PlannedTask, TaskKey
from domain.task.terms import OnNeedFailed

ProjectName = Annotated[
    str, StringConstraints(pattern=r"^(?:[a-z0-9][a-z0-9-]{0,62}|proj_[0-7][0-9a-hjkmnp-tv-z]{25})$")
]


class Form(Message):
    """A part of a plan file; the sentence below a field is its description in the schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class BudgetEntry(Form):
    """What all attempts of the task may spend together."""

    tokens: int | None = as_in(Budget, "tokens")
    """Input and output tokens."""
    cost_microdollars: int | None = as_in(Budget, "cost_microdollars")
    wall_time: LongDuration | None = None
    """Sum of the attempts' times, at most 30 days."""


class EscalationEntry(Form):
    """What a session must have on top once attempts were used up."""

    after: int = as_in(Escalation, "after")
    """Attempts that count against the retry rule."""
    requires: Annotated[Requirements, Field(min_length=1, max_length=16)]


class Shared(Form):
    """What ``defaults`` may say once for all tasks, and each task for itself."""

    kind: str = as_in(PlannedTask, "kind")
    """Free label for routing: code, review, research, docs."""
    priority: int = as_in(PlannedTask, "priority")
    """The larger, the earlier, among tasks that are ready."""
    retry: RetryRule = RetryRule()
    """How often and after what pause a failed attempt is repeated; merged field by field with the default."""
    timeout: Duration | None = None
    """Longest time of one attempt from start to close: 90s, 20m, 1h30m, or seconds. Null takes a default back."""
    stall: Duration | None = None
    """Within which an attempt has to report something new. Null takes a default back."""
    extend_max: Duration | None = None
    """By how much the holder of an attempt may prolong its timeout. Null takes a default back."""
    requires: Requirements = ()
    """Capabilities that a session must have, by name; merged by name with the default."""
    run: str | None = as_in(PlannedTask, "run")
    """What a shell worker executes; without it the worker's own --exec. Null takes a default back."""
    evidence: tuple[EvidenceKind, ...] = as_in(PlannedTask, "evidence")
    """What a completion has to carry."""
    budget: BudgetEntry = BudgetEntry()
    """Tokens, money and time that the task may spend; when they are spent it is parked."""
    labels: tuple[Text, ...] = as_in(PlannedTask, "labels")
    """Words to find the task by."""
    on_need_failed: OnNeedFailed = "block"
    """What follows when a need can no longer be met: wait for a person, be cancelled, or begin all the same."""
    escalate: tuple[EscalationEntry, ...] = as_in(PlannedTask, "escalate")
    """What further attempts require on top."""
    avoid: tuple[Avoided, ...] = as_in(PlannedTask, "avoid")
    """Whom further attempts avoid for a minute, so that somebody else may try: session, host, model."""


class NeedEntry(Form):
    """An edge to a task that has to settle first."""

    task: TaskKey
    """Key of a task of this plan or already in the project; ``project/key`` where the key is not in this plan."""
    accept: tuple[Outcome, ...] = as_in(Need, "accept")
    """Outcomes that satisfy the need."""


class ScopeEntry(Form):
    """A lock that the work needs."""

    claim: Claim
    """What is locked, such as ``path:repo//pattern``, ``branch:repo//main``, ``env:staging``."""
    mode: LockMode = "exclusive"
    """intent declares a plan, shared reads, update reads and may upgrade, exclusive writes."""
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX), AfterValidator(units_of)] = 1
    """How many units of a pool; the same as ``pool:gpu;quantity=2`` in the claim."""


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
    parent: TaskKey | None = None
    """Key of the task that this one is a part of; that one waits until its parts have settled."""
    not_before: Moment | None = None
    """The earliest start, with a time zone: 2031-05-04T12:00:00Z."""
    deadline: Moment | None = None
    """When it has to be done, with a time zone; a task that is late asks for a person."""
    concurrency_key: str = as_in(PlannedTask, "concurrency_key")
    """Tasks of one key run only so many at a time."""
    concurrency_limit: int = as_in(PlannedTask, "concurrency_limit")
    """How many."""
    idempotency_key: str = as_in(PlannedTask, "idempotency_key")
    """A name of the work beyond this plan: what was planned under it before is not planned again."""


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
    "escalate": EscalationEntry,
    "needs": NeedEntry,
    "scope": ScopeEntry,
}
"""The form of a mapping by the name of the field that holds it or its list."""


def plan_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a plan file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PlanForm.model_json_schema()}
