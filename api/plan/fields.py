"""Types of single fields of a plan file: how each is read, bounded and described."""

from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationInfo

from api.plan.notation import CHOICES_MAX, DURATION, TEXT_LENGTH_MAX, conditions_of, refused, seconds_of
from domain.kernel.message import Message
from domain.kernel.values import Operator, Requirement
from domain.lock.errors import BadPattern
from domain.lock.pool_name import POOL, read_pool, written
from domain.lock.resource import parse

REQUIREMENTS_MAX: Final = 64
"""Conditions of one task, defaults included."""


def as_in(message: type[Message], name: str) -> Any:
    """The default and the bounds that a field has in the command, so that no limit is written twice."""
    return copy(message.model_fields[name])


Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]

_DurationText = Annotated[str, StringConstraints(pattern=DURATION)]
_Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]
Duration = Annotated[_Seconds, BeforeValidator(seconds_of, json_schema_input_type=_DurationText | _Seconds)]
"""``90s``, ``20m``, ``1h30m`` or seconds; more than nothing, at most 7 days."""
_ManySeconds = Annotated[float, Field(gt=0, le=30 * 86_400)]
LongDuration = Annotated[_ManySeconds, BeforeValidator(seconds_of, json_schema_input_type=_DurationText | _ManySeconds)]
"""The same, at most 30 days."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(value: object) -> object:
    """Microseconds since 1970 of a text with date, time and zone; whatever is no text is judged as it is."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment < _EPOCH:
        raise refused("this is no instant", "Write date, time and time zone: 2031-05-04T12:00:00Z.")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(instant: int) -> str:
    """An instant as a plan writes it."""
    return (_EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")


_MomentText = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
Moment = Annotated[int, BeforeValidator(_instant, json_schema_input_type=_MomentText)]
"""``2031-05-04T12:00:00Z``, kept as microseconds since 1970."""

_CapabilityName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Single = bool | int | float | Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX)]
_Choice = Annotated[list[_Single], Field(min_length=1, max_length=CHOICES_MAX)]
_Demands = Annotated[dict[Operator | Literal["weight"], _Single | _Choice], Field(min_length=1)]
_Condition = Annotated[
    tuple[tuple[object, object, object], ...],
    BeforeValidator(
        conditions_of,
        json_schema_input_type=_Single | _Choice | _Demands | Annotated[list[_Demands], Field(min_length=1)],
    ),
]
_CONDITIONS: Final[TypeAdapter[dict[str, tuple[tuple[object, object, object], ...]]]] = TypeAdapter(
    dict[_CapabilityName, _Condition]
)


def _requirements(value: object) -> tuple[dict[str, object], ...]:
    """One requirement per condition, in the order written; a fault keeps the capability's name in its place."""
    conditions = _CONDITIONS.validate_python(value, strict=True)
    return tuple(
        {"key": key, "operator": operator, "value": operand, "weight": weight}
        for key, found in conditions.items()
        for operator, operand, weight in found
    )


Requirements = Annotated[
    tuple[Requirement, ...],
    Field(max_length=REQUIREMENTS_MAX),
    BeforeValidator(_requirements, json_schema_input_type=dict[_CapabilityName, _Condition]),
]


def _canonical_claim(text: str) -> str:
    resource = parse(text)
    if isinstance(resource, BadPattern):
        raise refused(f"this is no claim: {resource.reason}", resource.advice(), "bad_scope")
    return resource.text


Claim = Annotated[str, StringConstraints(min_length=1, max_length=600), AfterValidator(_canonical_claim)]


def units_of(quantity: int, entry: ValidationInfo) -> int:
    """The quantity of a claim, where the claim is on units of a pool and says no other one itself."""
    claim: object = entry.data.get("claim")
    if quantity == 1 or not isinstance(claim, str):
        return quantity
    if not claim.startswith(POOL):
        raise refused("only a pool has units to count", "Leave it out, or claim `pool:NAME`.")
    wish = read_pool(claim.removeprefix(POOL))
    if wish.members:
        raise refused("the claim names its units", "Leave it out, or leave the members out.")
    if wish.quantity not in (1, quantity):
        raise refused(f"the claim says {wish.quantity} itself", "Say it once.")
    return quantity


def claim_of(claim: str, quantity: int) -> str:
    """The claim with its quantity, as it is written in one text."""
    if quantity == 1:
        return claim
    return f"{POOL}{written(replace(read_pool(claim.removeprefix(POOL)), quantity=quantity))}"
