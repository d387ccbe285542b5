"""The assignment problem: which row gets which column so that the sum of scores is the largest possible."""

from collections.abc import Mapping, Sequence
from typing import Final

ROWS_MAX: Final = 32
COLUMNS_MAX: Final = 2_048
"""Beyond these bounds a matching would hold a node up: the caller keeps to them."""


def best_matching(scores: Sequence[Mapping[int, int]], columns: int) -> tuple[int | None, ...]:
    """The column of each row, None where the row goes without; the same input gives the same answer.

    ``scores[row][column]`` is what the pair is worth, more than 0; a pair that is not there is impossible. Each column
    is given once. Takes O(rows^2 x (rows + columns)): successive shortest paths with potentials (Kuhn, 1955; Munkres,
    1957), where each row may also take an empty column of its own, which is worth nothing.

    Raises ValueError beyond ``ROWS_MAX`` rows or ``COLUMNS_MAX`` columns.
    """
    if len(scores) > ROWS_MAX or columns > COLUMNS_MAX:
        raise ValueError(f"{len(scores)} rows and {columns} columns are more than {ROWS_MAX} and {COLUMNS_MAX}")
    impossible = 1 + sum(max(row.values(), default=0) for row in scores)
    costs = [
        [*(-row[column] if column in row else impossible for column in range(columns)), *(0 for _ in scores)]
        for row in scores
    ]
    owners = _cheapest(costs, columns + len(scores))
    taken: list[int | None] = [None] * len(scores)
    for column, row in enumerate(owners[:columns]):
        if row is not None:
            taken[row] = column
    return tuple(taken)


def _cheapest(costs: Sequence[Sequence[int]], columns: int) -> list[int | None]:
    """The row of each column in a complete matching of the rows that costs the least."""
    owners: list[int | None] = [None] * columns
    of_rows, of_columns = [0] * len(costs), [0] * columns
    for row in range(len(costs)):
        _augment(row, costs, owners, of_rows, of_columns)
    return owners


def _augment(
    start: int,
    costs: Sequence[Sequence[int]],
    owners: list[int | None],
    of_rows: list[int],
    of_columns: list[int],
) -> None:
    """Give the row a column along the cheapest path of exchanges; the potentials stay feasible."""
    columns = len(owners)
    distance: list[int | None] = [None] * columns
    came_from = [-1] * columns
    done: list[int] = []
    open_columns = set(range(columns))
    row, base, through = start, 0, -1
    while True:
        best: tuple[int, int] | None = None
        for column in open_columns:
            found = base + costs[row][column] - of_rows[row] - of_columns[column]
            known = distance[column]
            if known is None or found < known:
                distance[column] = known = found
                came_from[column] = through
            if best is None or (known, column) < best:
                best = (known, column)
        if best is None:
            raise AssertionError("every row has an empty column of its own")
        base, through = best
        open_columns.discard(through)
        owner = owners[through]
        if owner is None:
            break
        done.append(through)
        row = owner
    for column in done:
        gained = base - (distance[column] or 0)
        of_columns[column] -= gained
        of_rows[owners[column] or 0] += gained
    of_rows[start] += base
    while through != -1:
        before = came_from[through]
        owners[through] = start if before == -1 else owners[before]
        through = before
