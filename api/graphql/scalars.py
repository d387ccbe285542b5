"""Numbers that GraphQL's own Int cannot hold: they travel as JSON integers up to 2^53, tokens as decimal strings."""

from collections.abc import Callable
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.ids import Instant, Position

Long = NewType("Long", int)
"""An integer from -2^53 to 2^53."""

INTEGER_MAX: Final = 2**53
"""Beyond it JavaScript's numbers lose the last digits; 10,000 events a second stay below it for 28,000 years."""


def _integer(lowest: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if type(value) is not int or not lowest <= value <= INTEGER_MAX:
            raise GraphQLError(f"This is an integer from {lowest} to {INTEGER_MAX}.")
        return value

    return parse


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
    Long: strawberry.scalar(
        name="Long",
        description="A JSON integer from -2^53 to 2^53.",
        parse_value=_integer(-INTEGER_MAX),
    ),
}
