"""Numbers that GraphQL's own Int cannot hold: they travel as JSON integers up to 2^53, tokens as decimal strings."""

from collections.abc import Callable
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.ids import Instant, Position
from domain.kernel.past.points import POINT_CHARACTERS_MAX

Long = NewType("Long", int)
"""An integer from -2^53 to 2^53."""

PointText = NewType("PointText", str)
"""A point in time as people write it."""

INTEGER_MAX: Final = 2**53
"""Beyond it JavaScript's numbers lose the last digits; 10,000 events a second stay below it for 28,000 years."""


def _integer(lowest: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if type(value) is not int or not lowest <= value <= INTEGER_MAX:
            raise GraphQLError(f"This is an integer from {lowest} to {INTEGER_MAX}.")
        return value

    return parse


def _point(value: Any) -> str:
    if type(value) is int and 0 <= value <= INTEGER_MAX:
        return f"@{value}"
    if not isinstance(value, str) or not 0 < len(value) <= POINT_CHARACTERS_MAX:
        raise GraphQLError(f"This is a point: a position, or a text of at most {POINT_CHARACTERS_MAX} characters.")
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Position: strawberry.scalar(
        name="Position",
        description="Place in the log: a JSON integer from 0 to 2^53; 0 is before the first event.",
        parse_value=_integer(0),
    ),
    Instant: strawberry.scalar(
        name="Instant",
        description="Microseconds since 1970-01-01T00:00:00Z by the server's clock: a JSON integer up to 2^53.",
        parse_value=_integer(0),
    ),
    PointText: strawberry.scalar(
        name="Point",
        description="A point in time: a position (1234 or `@1234`), an instant (`2026-11-22T14:03:00Z`), a time ago "
        "(`-15m`), an event (`STREAM@VERSION`), or a bookmark "
        "(`PROJECT/NAME`).",
        parse_value=_point,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A JSON integer from -2^53 to 2^53.",
        parse_value=_integer(-INTEGER_MAX),
    ),
}
