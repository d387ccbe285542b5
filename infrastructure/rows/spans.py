"""Pages of the past of few rows among many versions: those true at a position are found by how long they lasted.

Versions are sorted by their length into levels, each sixteen times as long as the one before. Those of a level that
were true at a position began no longer before it than the longest of them lasts: an index finds these, however many
came since.
"""

from typing import Final

from infrastructure.rows.statements import Statements, identifier
from projections.kernel.requests import Equal, Selection
from projections.kernel.rows import R

PROBED_VERSIONS: Final = 1_000
"""So many are looked at in the order that is wanted, first: where many of them were true that is the shortest way."""
_LEVELS: Final = 7
_FACTOR_BITS: Final = 4


def level() -> str:
    """The level of a version: 0 of one that is still true."""
    shorter = " ".join(f"WHEN until - since < {_longest(number)} THEN {number}" for number in range(1, _LEVELS))
    return f"CASE WHEN until IS NULL THEN 0 {shorter} ELSE {_LEVELS} END"


def is_spanned(selection: Selection[R]) -> bool:
    """Whether an index by length serves the question."""
    columns = {one.column for one in selection.conditions if isinstance(one, Equal)}
    spans = selection.projection.past_spans
    return selection.as_of is not None and bool(spans) and columns.issuperset(spans)


def spanned(
    statements: Statements, selection: Selection[R], table: str, columns: str, value: str
) -> tuple[str, list[object]]:
    """All versions that were true at the position and have what is asked of the columns of the index, with the values
    in it; ``value`` is the placeholder of one."""
    at = selection.as_of or 0
    asked = [
        one for one in selection.conditions if isinstance(one, Equal) and one.column in selection.projection.past_spans
    ]
    equal = " AND ".join(f"{identifier(one.column)} = {value}" for one in asked)
    arms: list[str] = []
    values: list[object] = []
    for number in range(_LEVELS + 1):
        conditions = [equal, f"{level()} = {number}", f"since <= {value}"]
        values += [*(one.value for one in asked), at]
        if 0 < number < _LEVELS:
            conditions.append(f"since > {value}")
            values.append(at - _longest(number))
        if number > 0:
            conditions.append(f"until > {value}")
            values.append(at)
        arms.append(statements("versions_of_level", columns=columns, table=table, conditions=" AND ".join(conditions)))
    return f"({' UNION ALL '.join(arms)}) AS spanned", values


def _longest(number: int) -> int:
    """Versions of a level last for fewer positions."""
    return 1 << (_FACTOR_BITS * number)
