"""The form of a plan file: every field with its type, bounds and meaning, the one source of checks and schema."""

from collections.abc import Iterable
from copy import copy
from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter

from api.plan.notation import DURATION, conditions_of, refused, seconds_of
from domain.kernel.message import Message
from domain.kernel.values import Requirement
from domain.lock.modes import Mode
from domain.lock.resource import parse
from domain.task.commands import Need, Outcome, PlannedTask, RetryRule, TaskKey


class Form(Message):
    """A part of a plan file; the sentence below each field is its description in the schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def _as_in(message: type[Message], name: str) -> Any:
    """The default and the bounds that a field has in the command, so that no limit is written twice."""
    return copy(message.model_fields[name])


def _no_null(value: object) -> object:
    if value is None:
        raise refused("the field is empty", "Leave it out or give it a value.")
    return value


_PLANNED: Final = "It is valid, but its rules come with a later release; leave it out for now."


def _refuse_for_now(value: object) -> object:
    raise refused("this field is not yet honoured", _PLANNED, "not_yet")


NotYet: Final = AfterValidator(_refuse_for_now)
"""The field is checked like the others and then refused, so that nobody believes it to be in force."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
DurationText = Annotated[str, StringConstraints(pattern=DURATION)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]
Duration = Annotated[Seconds, BeforeValidator(seconds_of, json_schema_input_type=DurationText | Seconds)]


def _retry_without_cancel(value: object) -> object:
    if isinstance(value, dict) and cast("dict[str, object]", value).get("on_exhausted") == "cancel":
        raise refused("on_exhausted: cancel is not yet honoured", "Use fail or park for now.", "not_yet")
    return value


CapabilityName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Value = bool | int | float | str
_Condition = Annotated[
    tuple[tuple[Any, Any], ...],
    BeforeValidator(
        conditions_of,
        json_schema_input_type=_Value
        | Annotated[list[_Value], Field(min_length=1, max_length=100)]
        | dict[Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "exists"], _Value | list[_Value]],
    ),
]
_Conditions = dict[CapabilityName, _Condition]
_CONDITIONS: Final[TypeAdapter[Any]] = TypeAdapter(_Conditions)


def _requirements(value: object) -> tuple[dict[str, object], ...]:
    """One requirement per condition, in the order written; faults keep the capability's name in their place."""
    conditions = cast("dict[str, tuple[tuple[str, object], ...]]", _CONDITIONS.validate_python(value, strict=True))
    return tuple(
        {"key": key, "operator": operator, "value": operand}
        for key, found in conditions.items()
        for operator, operand in found
    )


Requirements = Annotated[tuple[Requirement, ...], BeforeValidator(_requirements, json_schema_input_type=_Conditions)]


class Budget(Form):
    """What a task may spend."""

    tokens: int | None = Field(default=None, gt=0)
    cost_microdollars: int | None = Field(default=None, gt=0)
    wall_time: Duration | None = None


class Shared(Form):
    """What a task may say, or ``defaults`` once for all of them."""

    kind: str = _as_in(PlannedTask, "kind")
    """Free label for routing: code, review, research, docs."""
    priority: int = _as_in(PlannedTask, "priority")
    """The larger, the earlier, among tasks that are ready."""
    retry: Annotated[RetryRule, BeforeValidator(_retry_without_cancel)] = RetryRule()
    """How often and after what pause a failed attempt is repeated; merged field by field with the default."""
    timeout: Annotated[Seconds | None, BeforeValidator(seconds_of, json_schema_input_type=DurationText | Seconds | None)] = None
    """Longest time of one attempt from start to close, as 90s, 20m, 1h30m or seconds; null takes a default back."""
    requires: Requirements = ()
    """Capabilities that a session must have; merged by name with the default."""
    run: str | None = _as_in(PlannedTask, "run")
    """What a shell worker executes; without it the worker's own --exec. Null takes a default back."""
    evidence: Annotated[tuple[Text, ...], Field(max_length=16), NotYet] = ()
    """What a completion must carry: commit, test report, review. Not yet."""
    budget: Annotated[Budget, NotYet] = Budget()
    """Tokens, money and time that the task may spend. Not yet."""
    labels: Annotated[tuple[Text, ...], Field(max_length=64), NotYet] = ()
    """Words to find the task by. Not yet."""
    on_need_failed: Annotated[Literal["block", "cancel", "proceed"], NotYet] = "block"
    """What follows when a need can no longer be met. Not yet."""


def _need(value: object) -> object:
    return {"task": value} if isinstance(value, str) else value


class NeedEntry(Form):
    """An edge to a task that has to settle first."""

    task: TaskKey
    """Key of a task of this plan, or of one already in the project."""
    accept: tuple[Outcome, ...] = _as_in(Need, "accept")
    """Outcomes that satisfy the need."""


def _claim(value: object) -> object:
    return {"claim": value} if isinstance(value, str) else value


def _resource(text: str) -> str:
    found = parse(text)
    if not hasattr(found, "kind"):
        raise refused(f"this is no claim: {found.reason}", found.advice(), "bad_scope")
    return text


class ScopeEntry(Form):
    """A lock that the work needs."""

    claim: Annotated[str, StringConstraints(min_length=1, max_length=600)]
    mode: Mode = "exclusive"


class TaskEntry(Shared):
    """One task."""

    key: TaskKey
    """The task's name, unique in its project."""
    title: str = _as_in(PlannedTask, "title")
    """What is to be done, in one line."""
    body: str = _as_in(PlannedTask, "body")
    """What to do, in markdown."""
    needs: tuple[Annotated[NeedEntry, BeforeValidator(_need, json_schema_input_type=TaskKey | NeedEntry)], ...] = ()
    """Tasks that have to settle first."""
