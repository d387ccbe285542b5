"""How a row class becomes a table, and a selection a statement, in the words of one database."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, assert_never

from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Rewriting, without_words
from infrastructure.rows.spans import PROBED_VERSIONS, is_spanned, level, spanned
from infrastructure.rows.statements import Statements, identifier
from projections.catalogue import AnyProjection
from projections.kernel.requests import Above, Begins, Condition, Equal, Holds, OneOf, Selection, Tally, first_beyond
from projections.kernel.rows import ColumnKind, R, Row, columns_of, json_text

Values = list[object]
_PLACE: Final = ("since", "until")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between databases beside the statements themselves."""

    schema: str
    """What stands before a table's name, with its dot."""
    types: tuple[tuple[ColumnKind, str], ...]
    value: str
    """Placeholder of a value."""
    one_of: str
    """Condition on {column} and a placeholder that takes the whole list."""
    holds: str
    """Condition that the text of {column} contains the value of a placeholder."""
    json_lists: bool
    """Whether a list is passed as JSON text."""
    no_index: str
    """A {column} whose indexes are not to be taken: rows that are named by their keys are found by these."""


def definition(statements: Statements, dialect: Dialect, generation: Generation) -> list[str]:
    """The statements that make the table of a generation, so that it can be filled."""
    projection = generation.projection
    row: type[Row] = projection.row
    types = dict(dialect.types)
    columns = ",\n    ".join(
        f"{identifier(column.name)} {types[column.kind]}{'' if column.nullable else ' NOT NULL'}"
        for column in columns_of(row)
    )
    # A line is written once, in the order of the log, and no row of it is looked up by its key.
    lines = projection.keeps == "lines"
    primary = "since, key" if lines else "key, since"
    made = [statements("create_table", table=table_name(dialect, generation), columns=columns, primary=primary)]
    if not lines:
        made.append(_index(statements, dialect, generation, "create_live_key", "live", ("key",)))
    return made


def indexes(statements: Statements, dialect: Dialect, generation: Generation) -> list[str]:
    """The statements that make what only questions need: a table is filled faster without."""
    projection = generation.projection
    made: list[str] = []
    for number, index in enumerate(projection.indexes):
        made.append(_index(statements, dialect, generation, "create_live_index", f"i{number}", index))
    for number, index in enumerate(projection.past_indexes):
        made.append(_index(statements, dialect, generation, "create_past_index", f"p{number}", index))
    if projection.past_spans:
        text = statements(
            "create_span_index",
            index=identifier(f"{generation.table}_spans"),
            table=table_name(dialect, generation),
            columns=", ".join(map(identifier, projection.past_spans)),
            level=level(),
        )
        made.append(text)
    return made


def _index(
    statements: Statements, dialect: Dialect, generation: Generation, name: str, tail: str, columns: tuple[str, ...]
) -> str:
    return statements(
        name,
        index=identifier(f"{generation.table}_{tail}"),
        table=table_name(dialect, generation),
        columns=", ".join(identifier(column) for column in columns),
    )


def table_name(dialect: Dialect, generation: Generation) -> str:
    return dialect.schema + identifier(generation.table)


@lru_cache(maxsize=64)
def stored_columns(projection: AnyProjection) -> tuple[str, ...]:
    """The columns of a table in the order in which versions are written."""
    return (*_PLACE, *row_columns(projection))


@lru_cache(maxsize=64)
def row_columns(projection: AnyProjection) -> tuple[str, ...]:
    """The columns of a row, in the order of its fields."""
    row: type[Row] = projection.row
    return tuple(identifier(column.name) for column in columns_of(row))


def page_statements(
    statements: Statements, dialect: Dialect, generation: Generation, selection: Selection[R]
) -> list[tuple[str, Values]]:
    """Statements of which the first is to be taken that finds a whole page, else the last: each gives checkpoint and
    rows of one snapshot."""
    table = table_name(dialect, generation)
    if not is_spanned(selection):
        return [_page_statement(statements, dialect, generation, selection, table, [])]
    columns = ", ".join(stored_columns(generation.projection))
    asked: Values = []
    wanted = [one for one in selection.conditions if one.column in selection.projection.past_spans]
    beginning = [*_conditions(dialect, wanted, asked), *_start(dialect, selection, asked)]
    first = statements(
        "first_versions",
        columns=columns,
        table=table,
        conditions=" AND ".join(beginning),
        order=_order(selection),
        limit=str(PROBED_VERSIONS),
    )
    all_, values = spanned(statements, selection, table, columns, dialect.value)
    return [
        _page_statement(statements, dialect, generation, selection, f"({first}) AS probed", asked),
        _page_statement(statements, dialect, generation, selection, all_, values),
    ]


def _page_statement(
    statements: Statements,
    dialect: Dialect,
    generation: Generation,
    selection: Selection[R],
    source: str,
    given: Values,
) -> tuple[str, Values]:
    """``source`` is what is chosen from, with the values ``given`` in it."""
    values: Values = [*given]
    conditions = [*_moment(dialect, selection, values)]
    conditions += _conditions(dialect, selection.conditions, values)
    begun = selection.projection.begun
    if selection.as_of is not None and begun is not None and selection.order.columns[0] == begun:
        # It excludes no row that was there, and the index begins at the first one that was.
        conditions.append(f"{identifier(begun)} <= {dialect.value}")
        values.append(selection.as_of)
    conditions += _start(dialect, selection, values)
    text = statements(
        "select_page",
        table=source,
        columns=", ".join(row_columns(generation.projection)),
        shown=", ".join(f"r.{column}" for column in row_columns(generation.projection)),
        conditions=" AND ".join(conditions),
        order=_order(selection),
        shown_order=_order(selection, "r."),
        limit=str(selection.limit + 1),
    )
    return text, [*values, generation.projection.name, generation.number]


def _order(selection: Selection[R], place: str = "") -> str:
    direction = " DESC" if selection.order.descending else ""
    return ", ".join(f"{place}{identifier(column)}{direction}" for column in selection.order.columns)


def _start(dialect: Dialect, selection: Selection[R], values: Values) -> list[str]:
    """The condition that a page begins behind the one before, if there is one."""
    if selection.start is None:
        return []
    values.extend(selection.start)
    sign = "<" if selection.order.descending else ">"
    columns, places = ", ".join(selection.order.columns), ", ".join(dialect.value for _ in selection.order.columns)
    return [f"({columns}) {sign} ({places})"]


def tally_statement(
    statements: Statements, dialect: Dialect, generation: Generation, tally: Tally[R]
) -> tuple[str, Values]:
    """One statement for checkpoint and numbers, so that both are of one snapshot."""
    values: Values = []
    conditions = [*_moment(dialect, tally, values)]
    conditions += _conditions(dialect, tally.conditions, values)
    text = statements(
        "select_tally",
        table=table_name(dialect, generation),
        column=identifier(tally.column),
        conditions=" AND ".join(conditions),
    )
    return text, [*values, generation.projection.name, generation.number]


def _moment(dialect: Dialect, selection: Selection[R] | Tally[R], values: Values) -> list[str]:
    if selection.as_of is None:
        return ["until IS NULL"]
    values.append(selection.as_of)
    if selection.projection.keeps == "lines":
        return [f"since <= {dialect.value}", "until IS NULL"]
    values.append(selection.as_of)
    return [f"since <= {dialect.value}", f"(until IS NULL OR until > {dialect.value})"]


def _conditions(dialect: Dialect, conditions: Sequence[Condition], values: Values) -> list[str]:
    named = any(isinstance(one, Equal | OneOf) and one.column == "key" for one in conditions)
    shown: list[str] = []
    for one in conditions:
        column = identifier(one.column)
        aside = named and column != "key"
        shown.append(_condition(dialect, one, dialect.no_index.format(column=column) if aside else column, values))
    return shown


def _condition(dialect: Dialect, condition: Condition, column: str, values: Values) -> str:
    match condition:
        case Equal(value=value):
            values.append(value)
            return f"{column} = {dialect.value}"
        case OneOf(values=several):
            values.append(json_text(several) if dialect.json_lists else list(several))
            return dialect.one_of.format(column=column)
        case Holds(text=text):
            values.append(text)
            return dialect.holds.format(column=column)
        case Begins(text=text):
            values.append(text)
            beyond = first_beyond(text)
            if beyond is None:
                return f"{column} >= {dialect.value}"
            values.append(beyond)
            return f"{column} >= {dialect.value} AND {column} < {dialect.value}"
        case Above(value=value):
            values.append(value)
            return f"{column} > {dialect.value}"
        case _:
            assert_never(condition)


def rewriting_statements(
    statements: Statements, dialect: Dialect, rewriting: Rewriting
) -> tuple[tuple[str, list[Values]], tuple[str, list[Values]]]:
    """Two statements with the values of their executions: the marker into every version, then words into known ones."""
    projection = rewriting.generation.projection
    table, words = table_name(dialect, rewriting.generation), [identifier(word) for word in projection.words]
    marked = ", ".join(f"{word} = CASE WHEN {word} = '' THEN '' ELSE {dialect.value} END" for word in words)
    said = ", ".join(f"{word} = {dialect.value}" for word in words)
    marker: Values = [without_words(kind) for kind in projection.words.values()]
    # A line is written once, at the position of its event, and no index finds it by its key alone.
    alone = projection.keeps == "lines" or projection.gathers
    keys = [] if alone else list(dict.fromkeys(one.row.key for one in rewriting.versions))
    known: list[Values] = [
        [*(getattr(one.row, word) for word in projection.words), one.row.key, one.since] for one in rewriting.versions
    ]
    return (
        (statements("mark_words", table=table, words=marked), [[*marker, key, rewriting.through] for key in keys]),
        (statements("write_words", table=table, words=said), known),
    )
