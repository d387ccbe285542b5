"""What both databases do alike with generations beside the live one."""

import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Generic, TypeVar

from infrastructure.rows.builds import SCAN_ROWS_MAX, Build, BuildStore, Listed, Place, Scanned, first_place
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Change
from infrastructure.rows.statements import Statements, identifier
from infrastructure.rows.tables import Dialect, row_columns, table_name
from projections.catalogue import AnyProjection
from projections.kernel.projection import Projection
from projections.kernel.rows import R, Versioned

C = TypeVar("C")
"""A connection of the database."""
Parameters = Sequence[object] | Mapping[str, object]
Found = list[tuple[Any, ...]]


class SqlBuilds(BuildStore, Generic[C]):
    """Generations in the registry of a database."""

    def __init__(self, dialect: Dialect, statements: Statements) -> None:
        self._dialect = dialect
        self._statements = statements

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[C]:
        """The connection that writes; rolled back where the block raises. Raises RowsUnavailable."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[C]:
        """A connection that reads. Raises RowsUnavailable."""

    @abstractmethod
    def _fetch(self, connection: C, text: str, values: Parameters = ()) -> Found:
        """Everything that a statement answers; nothing for one that answers nothing."""

    @abstractmethod
    def _lock_registry(self, writer: C) -> None:
        """Only one process makes tables and switches generations until the transaction ends."""

    def _row(self, projection: Projection[R], cells: Sequence[Any]) -> R:
        return projection.row(*cells)

    def generations(self, projection: AnyProjection) -> tuple[Listed, ...]:
        with self._reading() as reader:
            found = self._fetch(reader, self._statements("select_generations"), (projection.name,))
        return tuple(Listed(*cells) for cells in found)

    def keep_build(self, build: Build) -> None:
        values = (
            *(build.projection, build.generation, build.purpose, build.hold, build.phase, build.asked_by),
            *(build.asked_at, build.began_at, build.began_position, build.changed_at, build.comparison, build.error),
        )
        with self._transaction() as writer:
            self._fetch(writer, self._statements("keep_build"), values)

    def builds(self) -> tuple[Build, ...]:
        with self._reading() as reader:
            found = self._fetch(reader, self._statements("select_builds"))
        return tuple(replace(Build(*cells), hold=bool(cells[3])) for cells in found)

    def reopen(self, projection: AnyProjection, number: int) -> Generation | None:
        table = f"{projection.table}_g{number}"
        with self._transaction() as writer:
            self._lock_registry(writer)
            found = self._fetch(writer, self._statements("reopen"), (projection.name, number, table))
        return None if not found else Generation(projection, number, found[0][2], "building", found[0][4])

    def give_up(self, generation: Generation) -> None:
        with self._transaction() as writer:
            self._fetch(writer, self._statements("give_up"), (generation.projection.name, generation.number))

    def drop(self, projection: AnyProjection, number: int) -> bool:
        place = (projection.name, number)
        with self._transaction() as writer:
            self._lock_registry(writer)
            found = self._fetch(writer, self._statements("forget_generation"), place)
            if found:
                table = self._dialect.schema + identifier(found[0][0])
                self._fetch(writer, self._statements("drop_table", table=table))
                self._fetch(writer, self._statements("forget_parked"), place)
            return bool(found)

    def forget_builds(self, projection: AnyProjection, *, before: int) -> None:
        with self._transaction() as writer:
            self._fetch(writer, self._statements("forget_builds"), (projection.name, before))

    def versions(self, generation: Generation, after: Place) -> Scanned:
        return self._scan(generation, after, SCAN_ROWS_MAX)

    def every_version(self, generation: Generation) -> Scanned:
        return self._scan(generation, first_place(generation.projection), sys.maxsize)

    def _scan(self, generation: Generation, after: Place, limit: int) -> Scanned:
        projection = generation.projection
        order = ("since", "key") if projection.keeps == "lines" else ("key", "since")
        columns = row_columns(projection)
        text = self._statements(
            "scan_versions",
            table=table_name(self._dialect, generation),
            columns=", ".join(columns),
            shown=", ".join(f"r.{column}" for column in columns),
            order=", ".join(order),
            shown_order=", ".join(f"r.{column}" for column in order),
            limit=str(limit),
        )
        with self._reading() as reader:
            found = self._fetch(reader, text, (*after, projection.name, generation.number))
        kept = (cells for cells in found if cells[1] is not None)
        versions = tuple(Versioned(self._row(projection, cells[3:]), cells[1], cells[2]) for cells in kept)
        return Scanned(found[0][0] if found else 0, versions)

    def pause(self, projection: AnyProjection, *, reason: str, by: str, at: int) -> None:
        with self._transaction() as writer:
            self._fetch(writer, self._statements("pause"), (projection.name, reason, by, at))

    def go_on(self, projection: AnyProjection) -> None:
        with self._transaction() as writer:
            self._fetch(writer, self._statements("go_on"), (projection.name,))

    def paused(self) -> Mapping[str, str]:
        with self._reading() as reader:
            found = self._fetch(reader, self._statements("select_paused"))
        return dict(found)

    def _write_aside(self, writer: C, change: Change) -> None:
        """Streams that stand still, go on, or lost an event."""
        place = (change.generation.projection.name, change.generation.number)
        for stream in change.released:
            self._fetch(writer, self._statements("release_parked"), (*place, stream))
        for parked in change.parked:
            values = (*place, parked.stream, parked.position, parked.type, parked.error)
            self._fetch(writer, self._statements("insert_parked"), values)
        for skip in change.skipped:
            reason = (skip.stream, skip.position, skip.reason, skip.by, skip.at)
            self._fetch(writer, self._statements("insert_skipped"), (*place, *reason))


def advanced(change: Change) -> dict[str, object]:
    """What moves a checkpoint, and what has to be true before."""
    return {
        "checkpoint": change.checkpoint,
        "projection": change.generation.projection.name,
        "generation": change.generation.number,
        "before": change.generation.checkpoint,
        "parked": change.parked_before,
    }
