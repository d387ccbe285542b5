"""Types of single fields of a plan file: how each is read, bounded and described."""

from copy import copy
from datetime import datetime
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter

from api.plan.notation import CHOICES_MAX, DURATION, TEXT_LENGTH_MAX, conditions_of, refused, seconds_of
from domain.kernel.message import Message
from domain.kernel.values import Operator, Requirement
from domain.lock.errors import BadPattern
from domain.lock.modes import Mode
from domain.lock.resource import parse
from domain.task.commands import RetryRule

REQUIREMENTS_MAX: Final = 64
"""Conditions of one task, defaults included."""
_LATER: Final = "Leave it out for now; its rules come with a later release."


def as_in(message: type[Message], name: str) -> Any:
    """The default and the bounds that a field has in the command, so that no limit is written twice."""
    return copy(message.model_fields[name])


def _refuse_for_now(_: object) -> object:
    raise refused("this field is valid and not yet honoured", _LATER, "not_yet")


NotYet: Final = AfterValidator(_refuse_for_now)
"""The field is checked like the others and then refused, so that nobody believes it to be in force."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]

_DurationText = Annotated[str, StringConstraints(pattern=DURATION)]
_Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]
Duration = Annotated[_Seconds, BeforeValidator(seconds_of, json_schema_input_type=_DurationText | _Seconds)]
"""``90s``, ``20m``, ``1h30m`` or seconds; more than nothing, at most 7 days."""


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise refused("this is no instant", "Write date, time and time zone: 2031-05-04T12:00:00Z.")
    return text


Moment = Annotated[str, AfterValidator(_moment), Field(max_length=40, json_schema_extra={"format": "date-time"})]


def _without_cancel(value: object) -> object:
    if _says_cancel(value):
        raise refused("on_exhausted: cancel is valid and not yet honoured", "Use fail or park for now.", "not_yet")
    return value


def _says_cancel(value: object) -> bool:
    return isinstance(value, dict) and cast("dict[str, object]", value).get("on_exhausted") == "cancel"


Retry = Annotated[RetryRule, BeforeValidator(_without_cancel)]

_CapabilityName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Single = bool | int | float | Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX)]
_Choice = Annotated[list[_Single], Field(min_length=1, max_length=CHOICES_MAX)]
_Condition = Annotated[
    tuple[tuple[object, object], ...],
    BeforeValidator(
        conditions_of,
        json_schema_input_type=_Single | _Choice | Annotated[dict[Operator, _Single | _Choice], Field(min_length=1)],
    ),
]
_CONDITIONS: Final[TypeAdapter[dict[str, tuple[tuple[object, object], ...]]]] = TypeAdapter(
    dict[_CapabilityName, _Condition]
)


def _requirements(value: object) -> tuple[dict[str, object], ...]:
    """One requirement per condition, in the order written; a fault keeps the capability's name in its place."""
    conditions = _CONDITIONS.validate_python(value, strict=True)
    return tuple(
        {"key": key, "operator": operator, "value": operand}
        for key, found in conditions.items()
        for operator, operand in found
    )


Requirements = Annotated[
    tuple[Requirement, ...],
    Field(max_length=REQUIREMENTS_MAX),
    BeforeValidator(_requirements, json_schema_input_type=dict[_CapabilityName, _Condition]),
]


def _honoured_claim(text: str) -> str:
    resource = parse(text)
    if isinstance(resource, BadPattern):
        raise refused(f"this is no claim: {resource.reason}", resource.advice(), "bad_scope")
    if resource.kind != "path":
        message = f"claims of the kind {resource.kind} are valid and not yet honoured"
        raise refused(message, "Claim paths for now: path:repo//src/**.", "not_yet")
    return resource.text


Claim = Annotated[str, StringConstraints(min_length=1, max_length=600), AfterValidator(_honoured_claim)]


def _honoured_mode(mode: Mode) -> Mode:
    if mode not in ("shared", "exclusive"):
        raise refused(f"the mode {mode} is valid and not yet honoured", "Use shared or exclusive for now.", "not_yet")
    return mode


ClaimMode = Annotated[Mode, AfterValidator(_honoured_mode)]
