"""Rows with many columns are changed often: what a named tuple does in a step for each column is done in a few."""

from collections.abc import Callable
from typing import Any, TypeVar

N = TypeVar("N", bound=tuple[Any, ...])


def quick(row: type[N]) -> type[N]:
    """The same class, whose ``_replace`` takes half of the time. Raises KeyError for a column that it has not."""
    new: Callable[[type[N], list[Any]], N] = tuple[Any, ...].__new__
    places = {name: place for place, name in enumerate(row.__annotations__)}

    def _replace(self: N, /, **changes: Any) -> N:
        cells = [*self]
        for name, value in changes.items():
            cells[places[name]] = value
        return new(row, cells)

    type.__setattr__(row, "_replace", _replace)
    return row
