"""Rows in the memory of the process, for tests and for nodes whose log is in memory, too."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from domain.kernel.sealing import Blank
from infrastructure.rows.generations import Generation
from infrastructure.rows.memory_builds import MemoryBuilds, Table
from infrastructure.rows.port import (
    HISTORY_LIMIT_MAX,
    Change,
    Parked,
    Rewriting,
    RowStore,
    Selected,
    TableOutdated,
    Tallied,
    without_words,
)
from projections.catalogue import AnyProjection
from projections.kernel.projection import Projection
from projections.kernel.requests import Above, Begins, Condition, Equal, Holds, OneOf, Selection, Tally
from projections.kernel.rows import R, Row, Versioned


class MemoryRows(MemoryBuilds, RowStore):
    """All versions of all rows in dictionaries, under one lock."""

    def open(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._lock:
            found = self._live(projection.name)
            if found is None:
                return self._begin(projection, fingerprint, "live")
            if found.generation.projection.table != projection.table:
                raise TableOutdated(projection.name)
            return found.generation

    def begin(self, projection: AnyProjection, fingerprint: str) -> Generation:
        with self._lock:
            return self._begin(projection, fingerprint, "building")

    def complete(self, generation: Generation) -> None:
        """Nothing is found by an index here."""

    def switch(self, generation: Generation) -> bool:
        with self._lock:
            table = self._tables[generation.projection.name, generation.number]
            live = self._live(generation.projection.name)
            behind = live is not None and table.generation.checkpoint < live.generation.checkpoint
            if table.generation.state != "building" or behind:
                return False
            if live is not None:
                live.generation = replace(live.generation, state="retired")
            table.generation = replace(table.generation, state="live")
            return True

    def current(self, generation: Generation) -> Generation | None:
        with self._lock:
            found = self._tables.get((generation.projection.name, generation.number))
            return None if found is None else found.generation

    def rows(self, generation: Generation, keys: Sequence[str]) -> dict[str, Any]:
        with self._lock:
            versions = self._table(generation).versions
            latest = {key: versions[key][-1] for key in keys if versions.get(key)}
            return {key: version.row for key, version in latest.items() if version.until is None}

    def write(self, changes: Sequence[Change]) -> bool:
        with self._lock:
            for change in changes:
                stored = self._table(change.generation).generation
                moved = stored.checkpoint != change.generation.checkpoint or stored.state == "retired"
                if moved or len(self._table(change.generation).parked) != change.parked_before or self._stopped(stored):
                    return False
            for change in changes:
                self._write(change)
            return True

    def rewrite(self, rewriting: Rewriting) -> None:
        projection = rewriting.generation.projection
        known = {(one.row.key, one.since): one.row for one in rewriting.versions}
        with self._lock:
            table = self._table(rewriting.generation)
            for key in {one.row.key for one in rewriting.versions} & table.versions.keys():
                table.versions[key] = [
                    one
                    if one.since > rewriting.through or (projection.gathers and (key, one.since) not in known)
                    else one._replace(row=_rewritten(one.row, known.get((key, one.since)), projection.words))
                    for one in table.versions[key]
                ]

    def parked(self, generation: Generation) -> tuple[Parked, ...]:
        with self._lock:
            return tuple(sorted(self._table(generation).parked, key=lambda parked: parked.position))

    def select(self, selection: Selection[R]) -> Selected:
        with self._lock:
            table = self._asked(selection.projection)
            rows: list[R] = [row for row in _rows_at(table, selection.as_of) if _fits(row, selection.conditions)]
            position = table.generation.checkpoint
        order = selection.order

        def place(row: R) -> tuple[Any, ...]:
            return tuple(getattr(row, column) for column in order.columns)

        if selection.start is not None:
            start = selection.start
            rows = [row for row in rows if (place(row) < start if order.descending else place(row) > start)]
        rows.sort(key=place, reverse=order.descending)
        return Selected(tuple(rows[: selection.limit + 1]), position)

    def tally(self, tally: Tally[R]) -> Tallied:
        with self._lock:
            table = self._asked(tally.projection)
            found = Counter(
                getattr(row, tally.column) for row in _rows_at(table, tally.as_of) if _fits(row, tally.conditions)
            )
            return Tallied(found, table.generation.checkpoint)

    def history(
        self, projection: Projection[R], key: str, *, limit: int, before: int | None = None
    ) -> tuple[Versioned[R], ...]:
        with self._lock:
            table = self._live(projection.name)
            found = [] if table is None else table.versions.get(key, [])
            wanted = [version for version in reversed(found) if before is None or version.since < before]
        return tuple(wanted[: min(limit, HISTORY_LIMIT_MAX)])

    def close(self) -> None:
        """Nothing is held open."""

    def _begin(self, projection: AnyProjection, fingerprint: str, state: Any) -> Generation:
        used = [number for name, number in (*self._tables, *self._builds) if name == projection.name]
        number = 1 + max(used, default=0)
        generation = Generation(projection, number, fingerprint, state, 0)
        self._tables[projection.name, number] = Table(generation)
        return generation

    def _live(self, name: str) -> Table | None:
        tables = (table for (owner, _), table in self._tables.items() if owner == name)
        return next((table for table in tables if table.generation.state == "live"), None)

    def _asked(self, projection: AnyProjection) -> Table:
        table = self._live(projection.name)
        if table is None or table.generation.projection.table != projection.table:
            raise TableOutdated(projection.name)
        return table

    def _table(self, generation: Generation) -> Table:
        return self._tables[generation.projection.name, generation.number]

    def _write(self, change: Change) -> None:
        table = self._table(change.generation)
        for key, until in change.closed:
            if change.generation.projection.keeps == "latest":
                del table.versions[key]
            else:
                versions = table.versions[key]
                versions[-1] = versions[-1]._replace(until=until)
        for version in change.versions:
            table.versions.setdefault(version.row.key, []).append(version)
        table.parked = [parked for parked in table.parked if parked.stream not in change.released]
        table.parked.extend(change.parked)
        table.generation = table.generation.at(change.checkpoint)


def _rewritten(row: Any, known: Any, words: Mapping[str, Blank]) -> Any:
    if known is not None:
        return row._replace(**{word: getattr(known, word) for word in words})
    return row._replace(**{word: without_words(kind) if getattr(row, word) else "" for word, kind in words.items()})


def _rows_at(table: Table, as_of: int | None) -> Iterable[Any]:
    for versions in table.versions.values():
        for version in reversed(versions):
            if as_of is None or version.since <= as_of:
                if version.until is None or (as_of is not None and version.until > as_of):
                    yield version.row
                break


def _fits(row: Row, conditions: tuple[Condition, ...]) -> bool:
    return all(_holds(getattr(row, condition.column), condition) for condition in conditions)


def _holds(cell: Any, condition: Condition) -> bool:
    match condition:
        case Equal(value=value):
            return bool(cell == value)
        case OneOf(values=values):
            return cell in values
        case Holds(text=text):
            return cell is not None and text in cell
        case Begins(text=text):
            return cell is not None and cell.startswith(text)
        case Above(value=value):
            return bool(cell is not None and cell > value)
        case _:
            assert_never(condition)
