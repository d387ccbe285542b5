"""How a plan writes durations and requirements: from the file's notation to values, and back."""

import re
from typing import Final, cast, get_args

from pydantic_core import PydanticCustomError

from api.plan.nodes import UnreadableError
from api.plan.yaml_text import plain_value
from domain.kernel.values import Operator, Requirement, Scalar

DURATION: Final = (
    r"^(?=[0-9])(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6}(?:\.[0-9]{1,6})?)s)?$"
)
"""Days, hours, minutes and seconds in this order, each at most once: ``1h30m``."""
CHOICES_MAX: Final = 100
"""Values of one ``in`` list."""
TEXT_LENGTH_MAX: Final = 1_000
"""Characters of one value that is compared."""
WEIGHT_MAX: Final = 1_000
"""Of what is only wished for."""
Condition = tuple[Operator, Scalar | tuple[Scalar, ...], int | None]
"""Operator, value, and the weight of what is only wished for."""

_UNIT_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_OPERATORS: Final[frozenset[str]] = frozenset(get_args(Operator))
_PREFIXES: Final[tuple[Operator, ...]] = ("!=", "<=", ">=", "=", "<", ">")
"""Operators that a text may begin with; the longer ones first."""
_ORDERING: Final = frozenset({"<", "<=", ">", ">="})


def refused(message: str, advice: str, code: str = "bad_value") -> PydanticCustomError:
    """A mistake in one value, as validation raises it; the code is one of FaultCode."""
    return PydanticCustomError("plan", "{message}", {"message": message, "advice": advice, "code": code})


def seconds_of(value: object) -> object:
    """Seconds of ``1h30m``; whatever is no text passes unchanged, to be judged as a number."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(DURATION[1:-1], value)
    if found is None:
        raise refused("this is no duration", "Write it like 90s, 20m, 1h30m or 2d, or as a number of seconds.")
    amounts = zip(found.groups(), _UNIT_SECONDS.values(), strict=True)
    return float(sum(float(amount) * unit for amount, unit in amounts if amount is not None))


def duration_of(seconds: float) -> str | float:
    """The shortest notation of a number of seconds: ``20m``; fractions stay numbers."""
    if seconds != int(seconds) or seconds <= 0:
        return seconds
    rest, parts = int(seconds), ""
    for letter, unit in _UNIT_SECONDS.items():
        count, rest = divmod(rest, unit)
        parts += f"{count}{letter}" if count else ""
    return parts


def conditions_of(value: object) -> tuple[Condition, ...]:
    """What one entry of ``requires`` demands of its capability.

    A scalar is an equality unless it is text that begins with an operator; a list is a choice; a mapping from
    operators to values says anything, also several things, and with a ``weight`` it only wishes for them; a list of
    mappings says all of them.
    """
    if isinstance(value, dict):
        return _from_operators(cast("dict[str, object]", value))
    if isinstance(value, tuple):
        several = cast("tuple[object, ...]", value)
        if several and all(isinstance(one, dict) for one in several):
            return tuple(found for one in several for found in _from_operators(cast("dict[str, object]", one)))
        return (("in", _choices(several), None),)
    if isinstance(value, str):
        return ((*_from_text(value), None),)
    return (("=", _scalar(value), None),)


def notation_of(requirements: tuple[Requirement, ...]) -> object:
    """The shortest notation that reads back as these conditions, all on one capability."""
    by_weight: dict[int | None, dict[str, object]] = {}
    for item in requirements:
        weighed: dict[str, object] = {} if item.weight is None else {"weight": item.weight}
        by_weight.setdefault(item.weight, weighed)[item.operator] = item.value
    if sum(len(said) - (weight is not None) for weight, said in by_weight.items()) < len(requirements):
        return [_single(item) for item in requirements]
    if len(by_weight) > 1:
        return list(by_weight.values())
    if len(requirements) == 1 and requirements[0].weight is None:
        only = requirements[0]
        short: object = only.value
        if only.operator in _PREFIXES and only.operator != "=":
            short = f"{only.operator}{_text_of(only.value)}"
        if _reads_back(short, only):
            return short
    return next(iter(by_weight.values()))


def _single(item: Requirement) -> dict[str, object]:
    said: dict[str, object] = {item.operator: item.value}
    return said if item.weight is None else said | {"weight": item.weight}


def _reads_back(short: object, wanted: Requirement) -> bool:
    try:
        operator, value, _ = conditions_of(short)[0]
    except PydanticCustomError:
        return False
    return operator == wanted.operator and type(value) is type(wanted.value) and value == wanted.value


def _text_of(value: Scalar | tuple[Scalar, ...]) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_operators(value: dict[str, object]) -> tuple[Condition, ...]:
    weight, demands = _weight_of(value), {name: operand for name, operand in value.items() if name != "weight"}
    if not demands:
        raise refused("the mapping is empty", 'Write an operator and a value: {">=": 100000}.')
    found: list[Condition] = []
    for name, operand in demands.items():
        if name not in _OPERATORS:
            raise refused(f"{name!r} is no operator", f"Use one of {'  '.join(get_args(Operator))}.")
        found.append((cast("Operator", name), _operand(cast("Operator", name), operand), weight))
    return tuple(found)


def _weight_of(value: dict[str, object]) -> int | None:
    if "weight" not in value:
        return None
    weight = value["weight"]
    if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= WEIGHT_MAX:
        raise refused("`weight` is a whole number", f"Write 1 to {WEIGHT_MAX}, or leave it out for what is required.")
    return weight


def _operand(operator: Operator, value: object) -> Scalar | tuple[Scalar, ...]:
    if operator == "in":
        if not isinstance(value, tuple):
            raise refused("`in` takes a list", "Write {in: [a, b]}, or the list alone.")
        return _choices(cast("tuple[object, ...]", value))
    if operator == "contains" and isinstance(value, tuple):
        return _choices(cast("tuple[object, ...]", value))
    scalar = _scalar(value)
    if operator == "exists" and not isinstance(scalar, bool):
        raise refused("`exists` takes true or false", "Write {exists: true}.")
    if operator in _ORDERING and (isinstance(scalar, bool) or not isinstance(scalar, int | float)):
        raise refused(f"`{operator}` compares numbers only", "Write a number; versions and words have no order here.")
    return scalar


def _from_text(text: str) -> tuple[Operator, Scalar | tuple[Scalar, ...]]:
    for operator in _PREFIXES:
        if text.startswith(operator):
            return operator, _operand(operator, _typed(text[len(operator) :].strip()))
    return "=", _scalar(text)


def _typed(text: str) -> object:
    try:
        return plain_value(text)
    except UnreadableError as error:
        raise refused(error.message, error.advice) from error


def _choices(values: tuple[object, ...]) -> tuple[Scalar, ...]:
    if not 1 <= len(values) <= CHOICES_MAX:
        raise refused(f"the list holds {len(values)} values", f"List 1 to {CHOICES_MAX} values, any of which will do.")
    return tuple(_scalar(value) for value in values)


def _scalar(value: object) -> Scalar:
    if isinstance(value, str) and len(value) > TEXT_LENGTH_MAX:
        raise refused(f"the text is longer than {TEXT_LENGTH_MAX} characters", "Shorten it.")
    if isinstance(value, bool | int | float | str):
        return value
    raise refused("a text, a number or a boolean belongs here", "Write one value, such as python, 8 or true.")
