"""What both databases of rows do alike: the registry of generations and every question; how they write differs."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic

from infrastructure.rows.generations import Generation, GenerationState
from infrastructure.rows.port import (
    HISTORY_LIMIT_MAX,
    Parked,
    Rewriting,
    RowStore,
    RowsUnavailable,
    Selected,
    TableOutdated,
    Tallied,
)
from infrastructure.rows.spans import is_spanned
from infrastructure.rows.sql_builds import C, Found, SqlBuilds
from infrastructure.rows.statements import Statements
from infrastructure.rows.tables import (
    Dialect,
    Values,
    definition,
    indexes,
    page_statements,
    rewriting_statements,
    row_columns,
    stored_columns,
    table_name,
    tally_statement,
)
from projections.catalogue import AnyProjection
from projections.kernel.projection import Projection
from projections.kernel.requests import Selection, Tally
from projections.kernel.rows import R, Versioned, json_text

REGISTRY: Final = (
    "create_generations",
    "create_generations_live",
    "create_parked",
    "create_builds",
    "create_paused",
    "create_skipped",
)
"""The statements that make what stands beside the rows, in order."""
_POSITION_MAX: Final = (1 << 63) - 1
_SWITCHES_MAX: Final = 2
"""A question meets a switch of generations at most so often."""


class SqlRows(SqlBuilds[C], RowStore, Generic[C]):
    """One connection writes, some read beside it."""

    def __init__(self, dialect: Dialect, statements: Statements) -> None:
        super().__init__(dialect, statements)
        self._live: dict[str, Generation] = {}

    @abstractmethod
    def _scrub(self) -> None:
        """Leave nothing of what was just overwritten where it was."""

    @abstractmethod
    def _lost(self, problem: Exception) -> bool:
        """Whether a question met a table that was dropped."""

    def open(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._transaction() as writer:
            self._lock_registry(writer)
            found = self._select_live(writer, projection)
            if found is None:
                found = self._begin(writer, projection, fingerprint, "live")
                self._complete(writer, found)
            elif found.fingerprint != fingerprint:
                # Other code may have begun it with fewer indexes; those that are there stay.
                self._complete(writer, found)
            return found

    def begin(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._transaction() as writer:
            self._lock_registry(writer)
            return self._begin(writer, projection, fingerprint, "building")

    def rewrite(self, rewriting: Rewriting) -> None:
        with self._transaction() as writer:
            for text, executions in rewriting_statements(self._statements, self._dialect, rewriting):
                for values in executions:
                    self._fetch(writer, text, values)
        self._scrub()

    def complete(self, generation: Generation) -> None:
        with self._transaction() as writer:
            self._complete(writer, generation)

    def current(self, generation: Generation) -> Generation | None:
        values = (generation.projection.name, generation.number)
        with self._reading() as reader:
            found = self._fetch(reader, self._statements("select_generation"), values)
        return _generation(generation.projection, found[0]) if found else None

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]:
        projection = generation.projection
        columns = ", ".join(row_columns(projection))
        text = self._statements("select_rows", columns=columns, table=table_name(self._dialect, generation))
        wanted = json_text(list(keys)) if self._dialect.json_lists else list(keys)
        with self._reading() as reader:
            found = self._fetch(reader, text, (wanted,))
        rows = (self._row(projection, cells) for cells in found)
        return {row.key: row for row in rows}

    def parked(self, generation: Generation) -> tuple[Parked, ...]:
        values = (generation.projection.name, generation.number)
        with self._reading() as reader:
            return tuple(Parked(*found) for found in self._fetch(reader, self._statements("select_parked"), values))

    def select(self, selection: Selection[R]) -> Selected:
        projection = selection.projection
        found: Found = []
        # What is asked of the past does not change between two statements.
        for number in range(1 + is_spanned(selection)):

            def statement(generation: Generation, number: int = number) -> tuple[str, Values]:
                return page_statements(self._statements, self._dialect, generation, selection)[number]

            found = self._ask(projection, statement)
            if len(found) > selection.limit:
                break
        rows = tuple(self._row(projection, cells[2:]) for cells in found if cells[1] is not None)
        return Selected(rows, found[0][0])

    def tally(self, tally: Tally[R]) -> Tallied:
        def statement(generation: Generation) -> tuple[str, Values]:
            return tally_statement(self._statements, self._dialect, generation, tally)

        found = self._ask(tally.projection, statement)
        return Tallied({value: total for _, value, total in found if total is not None}, found[0][0])

    def history(
        self, projection: Projection[R], key: str, *, limit: int, before: int | None = None
    ) -> tuple[Versioned[R], ...]:
        with self._reading() as reader:
            generation = self._remember(reader, projection)
            columns = ", ".join(stored_columns(projection))
            text = self._statements("select_history", columns=columns, table=table_name(self._dialect, generation))
            values = (key, _POSITION_MAX if before is None else before, min(limit, HISTORY_LIMIT_MAX))
            found = self._fetch(reader, text, values)
        return tuple(Versioned(self._row(projection, cells[2:]), cells[0], cells[1]) for cells in found)

    def _ask(self, projection: AnyProjection, statement: Callable[[Generation], tuple[str, Values]]) -> Found:
        """What the live generation answers, one row at least."""
        for _ in range(_SWITCHES_MAX):
            with self._reading() as reader:
                generation = self._live.get(projection.name) or self._remember(reader, projection)
                try:
                    found = self._fetch(reader, *statement(generation))
                except Exception as problem:
                    if not self._lost(problem):
                        raise
                    found = []
                if found:
                    return found
                self._live.pop(projection.name, None)  # another generation is live by now
        raise RowsUnavailable(f"{projection.name} has no live rows")

    def _select_live(self, connection: C, projection: AnyProjection) -> Generation | None:
        found = self._fetch(connection, self._statements("select_live_generation"), (projection.name,))
        if not found:
            return None
        generation = _generation(projection, found[0])
        if found[0][1] != generation.table:
            raise TableOutdated(projection.name)
        return generation

    def _remember(self, reader: C, projection: AnyProjection) -> Generation:
        generation = self._select_live(reader, projection)
        if generation is None:
            raise TableOutdated(projection.name)
        self._live[projection.name] = generation
        return generation

    def _begin(self, writer: C, projection: AnyProjection, fingerprint: str, state: GenerationState) -> Generation:
        values = {"projection": projection.name, "table_name": "", "fingerprint": fingerprint, "state": state}
        number = self._fetch(writer, self._statements("insert_generation"), values)[0][0]
        generation = Generation(projection, number, fingerprint, state, 0)
        self._fetch(writer, self._statements("name_table"), (generation.table, projection.name, number))
        for text in definition(self._statements, self._dialect, generation):
            self._fetch(writer, text)
        return generation

    def _complete(self, writer: C, generation: Generation) -> None:
        for text in indexes(self._statements, self._dialect, generation):
            self._fetch(writer, text)


def _generation(projection: AnyProjection, found: Sequence[Any]) -> Generation:
    number, _, fingerprint, state, checkpoint = found
    return Generation(projection, number, fingerprint, state, checkpoint)
