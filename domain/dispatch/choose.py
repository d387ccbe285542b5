"""Whether a session has what a task requires, and how well it suits: the same for dispatch and for explaining."""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from operator import ge, gt, le, lt
from typing import Final, TypeGuard, assert_never

from domain.kernel.values import Requirement, Scalar

Capability = Scalar | tuple[Scalar, ...]
Capabilities = Mapping[str, Capability]

_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def lacking(requires: Iterable[Requirement], capabilities: Capabilities) -> tuple[Requirement, ...]:
    """The requirements that do not hold and are no mere wishes."""
    return tuple(one for one in requires if one.weight is None and not meets(one, capabilities))


def merit(requires: Iterable[Requirement], capabilities: Capabilities) -> int:
    """The sum of the weights of the wishes that hold; 0 where nothing is wished for."""
    return sum(one.weight for one in requires if one.weight is not None and meets(one, capabilities))


def unfulfilled(requires: Iterable[Requirement], capabilities: Capabilities) -> tuple[Requirement, ...]:
    """The wishes that do not hold."""
    return tuple(one for one in requires if one.weight is not None and not meets(one, capabilities))


def meets(requirement: Requirement, capabilities: Capabilities) -> bool:
    """Whether one requirement holds.

    Values of different types are never equal nor ordered: true is not 1 and "2" is not 2. A label that the session
    does not carry satisfies only ``!=`` and ``exists`` with the value false.
    """
    has, wanted = capabilities.get(requirement.key), requirement.value
    match requirement.operator:
        case "exists":
            return (has is not None) is (wanted is not False)
        case "!=":
            return has is None or not _same(has, wanted)
        case "=":
            return has is not None and _same(has, wanted)
        case "in":
            return has is not None and isinstance(wanted, tuple) and any(_same(has, one) for one in wanted)
        case "contains":
            return isinstance(has, tuple) and _contains(has, wanted if isinstance(wanted, tuple) else (wanted,))
        case "<" | "<=" | ">" | ">=" as order:
            return _is_number(has) and _is_number(wanted) and _ORDERS[order](has, wanted)
        case _:
            assert_never(requirement.operator)


def flaw(requirement: Requirement) -> str | None:
    """Why a requirement could never hold for any session, or None if it is sound."""
    value = requirement.value
    if any(isinstance(one, float) and not isfinite(one) for one in (value if isinstance(value, tuple) else (value,))):
        return "a number has to be finite"
    match requirement.operator:
        case "=" | "!=":
            return "it takes one value, not a list" if isinstance(value, tuple) else None
        case "<" | "<=" | ">" | ">=":
            return None if _is_number(value) else "it takes a number"
        case "in":
            return None if isinstance(value, tuple) and value else "it takes a list of values"
        case "contains":
            return "the list is empty" if value == () else None
        case "exists":
            return None if isinstance(value, bool) else "it takes true or false"
        case _:
            assert_never(requirement.operator)


def _same(one: Capability, other: Capability) -> bool:
    """Equality of scalars of one type; integers and decimals are one type, booleans are another."""
    if isinstance(one, tuple) or isinstance(other, tuple):
        return False
    if _is_number(one) and _is_number(other):
        return one == other
    return type(one) is type(other) and one == other


def _contains(members: tuple[Scalar, ...], wanted: tuple[Scalar, ...]) -> bool:
    return all(any(_same(member, one) for member in members) for one in wanted)


def _is_number(value: Capability | None) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
