"""Standing up all read models as they were at a position, in one SQLite file that any tool opens."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from domain.catalogue import REGISTRY
from infrastructure.history.port import Past
from infrastructure.history.rows import Kept, PastRows, SqlitePastRows
from infrastructure.log.mapper import recorded
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.rows.statements import identifier
from infrastructure.rows.tables import row_columns
from infrastructure.runtime.projector_decode import Decoder
from infrastructure.runtime.projector_fold import Folder
from infrastructure.runtime.projector_pages import PageSize
from infrastructure.sql import load
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.kernel.rows import ColumnKind, Row, columns_of

ROWS_AT_ONCE: Final = 1_000
_SQL: Final = load("sqlite/scratch.sql")
_TYPES: Final[dict[ColumnKind, str]] = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "boolean": "INTEGER"}
Told = Callable[[str, int], None]
"""(what is done, how far)."""


def stand_up(past: Past, rows: PastRows | None, position: int, file: Path, told: Told) -> dict[str, int]:
    """Write every read model as of a position into a new file; answers the number of rows of each.

    Where the server keeps the versions of the rows they are copied; what it does not keep is folded from the log.
    The file is whole when it gets its name; what breaks off, or is broken off, leaves nothing.
    """
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        counts = _stood_up(past, rows, position, partial, told)
        partial.replace(file)
    finally:
        for left in (partial, partial.with_name(partial.name + "-journal")):
            left.unlink(missing_ok=True)
    return counts


def _stood_up(past: Past, rows: PastRows | None, position: int, file: Path, told: Told) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as scratch, scratch:
        scratch.execute("PRAGMA synchronous = OFF")
        scratch.execute("PRAGMA journal_mode = MEMORY")
        kept = {one.name: _usable(rows, one, position) for one in PROJECTIONS}
        folded = [one for one in PROJECTIONS if kept[one.name] is None]
        counts: dict[str, int] = {}
        for projection in PROJECTIONS:
            place = kept[projection.name]
            if rows is not None and place is not None:
                counts[projection.name] = _copy(scratch, projection, rows.as_of(projection, place, position), told)
        if folded:
            counts |= _fold_and_copy(scratch, past, folded, position, told)
        scratch.execute(_SQL["create_about"])
        at = next(iter(past.page(after=max(0, position - 1), limit=1)), None)
        scratch.execute(_SQL["insert_about"], (position, None if at is None or position == 0 else at.recorded_at))
    return {one.name: counts[one.name] for one in PROJECTIONS}


def _usable(rows: PastRows | None, projection: AnyProjection, position: int) -> Kept | None:
    if rows is None or projection.keeps == "latest":
        return None
    kept = rows.kept(projection)
    return kept if kept is not None and kept.checkpoint >= position and kept.same_code else None


def _fold_and_copy(
    scratch: sqlite3.Connection, past: Past, projections: Sequence[AnyProjection], position: int, told: Told
) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="signalbox-replay-") as folder:
        file = Path(folder) / "rows.db"
        fold(past, projections, position, file, told)
        rows = SqlitePastRows(file)
        try:
            counts: dict[str, int] = {}
            for projection in projections:
                kept = rows.kept(projection)
                found = iter(()) if kept is None else rows.as_of(projection, kept, position)
                counts[projection.name] = _copy(scratch, projection, found, told)
            return counts
        finally:
            rows.close()


def fold(past: Past, projections: Sequence[AnyProjection], position: int, file: Path, told: Told) -> None:
    """Fold the log up to a position into a file of rows as a server keeps them."""
    from infrastructure.rows.fingerprint import fingerprint

    store = SqliteRows(file)
    try:
        folders = [Folder(store, store.open(one, fingerprint(one))) for one in projections]
        decoder, sizes = Decoder(lambda row: recorded(row, REGISTRY), projections), PageSize()
        at = 0
        while at < position and (rows := past.page(after=at, limit=min(sizes.limit, position - at))):
            page = [row for row in rows if row.position <= position]
            if not page:
                break
            events, end, plain = decoder.decoded(page, lambda: None)
            changes = [folder.fold(events, end, lambda: None, plain=plain) for folder in folders]
            store.write(changes)
            for folder, change in zip(folders, changes, strict=True):
                folder.accept(change)
            at = end
            told("folded", at)
    finally:
        store.close()


def _copy(scratch: sqlite3.Connection, projection: AnyProjection, found: Iterator[tuple[Any, ...]], told: Told) -> int:
    name = identifier(projection.name)
    row_class: type[Row] = projection.row
    columns = ", ".join(
        f"{identifier(column.name)} {_TYPES[column.kind]}{'' if column.nullable else ' NOT NULL'}"
        for column in columns_of(row_class)
    )
    scratch.execute(_SQL["create_rows"].format(table=name, columns=columns))
    places = ", ".join("?" * len(row_columns(projection)))
    text = _SQL["insert_row"].format(table=name, values=places)
    count = 0
    pending: list[tuple[Any, ...]] = []
    for row in found:
        pending.append(row)
        if len(pending) >= ROWS_AT_ONCE:
            scratch.executemany(text, pending)
            count += len(pending)
            pending.clear()
            told(projection.name, count)
    scratch.executemany(text, pending)
    return count + len(pending)
