"""The forms of work in a pipeline file: what is done, undone, called."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from api.pipeline.fields import Bindings, Span
from api.plan.fields import Duration, Requirements, as_in
from api.plan.model import BudgetEntry, EscalationEntry, Form
from domain.kernel.pipeline.flow import Call
from domain.kernel.pipeline.words import PipelineName, ValueField, ValueType, Word
from domain.kernel.pipeline.work import OnExhausted, SideEffect, TaskSpec
from domain.kernel.values import LockMode, Value
from domain.kernel.work import Avoided, EvidenceKind, Label, RetryPace


class FieldForm(Form):
    """A typed value under a name."""

    type: ValueType = "text"
    required: bool = True
    """Whether it has to be given; one that need not be and has no default may be absent."""
    default: Value | None = None
    """What holds where nothing is given."""
    choices: tuple[Value, ...] = as_in(ValueField, "choices")
    """The only values that are taken."""
    description: str = as_in(ValueField, "description")


def _typed(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


Fields = Annotated[
    dict[Word, Annotated[FieldForm, BeforeValidator(_typed, json_schema_input_type=ValueType | FieldForm)]],
    Field(max_length=64),
]
"""Typed values by name: a type, or a mapping that says more."""


class RetryForm(RetryPace):
    """How often and after what pause a failed attempt is repeated."""

    max_lost: int = as_in(TaskSpec, "max_lost")
    """Sessions that may be lost over the task."""


class ScopeForm(Form):
    """A lock that the work needs."""

    claim: str = Field(min_length=1, max_length=600)
    """What is locked, such as ``path:repo//pattern``, ``env:${where}``."""
    mode: LockMode = "exclusive"


def _claim(value: object) -> object:
    return {"claim": value} if isinstance(value, str) else value


class TaskForm(Form):
    """The task that is created. ``${name}`` in its texts, but not in ``run``, is an input of the phase."""

    title: str = as_in(TaskSpec, "title")
    body: str = as_in(TaskSpec, "body")
    kind: str = as_in(TaskSpec, "kind")
    """Free label for routing: code, review, research, docs."""
    priority: int = as_in(TaskSpec, "priority")
    scope: Annotated[
        tuple[Annotated[ScopeForm, BeforeValidator(_claim, json_schema_input_type=str | ScopeForm)], ...],
        Field(max_length=64),
    ] = ()
    requires: Requirements = ()
    """Capabilities that a session must have, by name."""
    retry: RetryForm = RetryForm()
    timeout: Duration | None = None
    """Longest time of one attempt."""
    stall: Duration | None = None
    """Within which an attempt has to report something new."""
    extend_max: Duration | None = None
    """By how much the holder of an attempt may prolong its timeout."""
    run: str | None = as_in(TaskSpec, "run")
    """What a shell worker executes; the inputs are in its environment."""
    evidence: tuple[EvidenceKind, ...] = as_in(TaskSpec, "evidence")
    labels: tuple[Label, ...] = as_in(TaskSpec, "labels")
    budget: BudgetEntry = BudgetEntry()
    concurrency_key: str = as_in(TaskSpec, "concurrency_key")
    concurrency_limit: int = as_in(TaskSpec, "concurrency_limit")
    escalate: tuple[EscalationEntry, ...] = as_in(TaskSpec, "escalate")
    avoid: tuple[Avoided, ...] = as_in(TaskSpec, "avoid")


class UndoForm(TaskForm):
    """How the effect is taken back."""

    when: Literal["started", "succeeded"] = "started"
    """From when on there is something to take back."""
    close_within: Span | None = None


class WorkForm(TaskForm):
    """One piece of work."""

    inputs: Bindings = Field(default_factory=dict[str, Any])
    """What is handed to the task: expressions by name."""
    outputs: Fields = Field(default_factory=dict[str, Any])
    """What a completion has to say, by name."""
    effect: SideEffect = "effectful"
    """pure only reads, idempotent may be done again, effectful changes the world."""
    undo: UndoForm | None = None
    start_within: Span | None = None
    """From ready until somebody has begun."""
    on_start_late: Literal["park", "fail", "extend"] = "park"
    close_within: Span | None = None
    """From ready until the last attempt has ended."""
    on_exhausted: OnExhausted = "fail"


class CallForm(Form):
    """A run of another definition of the same project."""

    name: PipelineName
    version: int | None = as_in(Call, "version")
    """None is the latest."""
    pin: Literal["start", "call"] = "start"
    inputs: Bindings = Field(default_factory=dict[str, Any])
    budget: BudgetEntry = BudgetEntry()
    deadline: Span | None = None
    on_parent_cancel: Literal["cancel", "abandon"] = "cancel"
    on_parent_pause: Literal["cascade", "go_on"] = "cascade"
    recursive_depth_max: int = as_in(Call, "recursive_depth_max")


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Called = Annotated[CallForm, BeforeValidator(_named, json_schema_input_type=str | CallForm)]
"""A name, or a mapping that says more."""
