"""Standing up all read models as they were at a position, in one SQLite file that any tool opens."""

import sqlite3
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from domain.catalogue import REGISTRY
from domain.kernel.past.errors import FileBeingWritten
from infrastructure.history.measures import sums_at
from infrastructure.history.port import Past
from infrastructure.history.rows import Kept, PastRows, SqlitePastRows, insert
from infrastructure.log.file_lock import FileLock, StoreInUse
from infrastructure.log.mapper import recorded
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.rows.statements import identifier
from infrastructure.runtime.projector_decode import Decoder
from infrastructure.runtime.projector_fold import Folder
from infrastructure.runtime.projector_pages import PageSize
from infrastructure.sql import load
from projections.catalogue import PROJECTIONS, AnyProjection
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.fleet_metrics.rows import MetricRow
from projections.kernel.errors import RequestRefused
from projections.kernel.rows import ColumnKind, Row, columns_of

_SQL: Final = load("sqlite/scratch.sql")
_TYPES: Final[dict[ColumnKind, str]] = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "boolean": "INTEGER"}
Told = Callable[[str, int], None]
"""(what is done, how far)."""


def stand_up(past: Past, rows: PastRows | None, position: int, file: Path, told: Told) -> dict[str, int]:
    """Write every read model as of a position into a new file; answers the number of rows of each.

    Where the server keeps the versions of the rows they are copied; what it does not keep is folded from the log.
    The file is whole when it gets its name; what breaks off, or is broken off, leaves nothing. Raises RequestRefused
    while somebody else writes it.
    """
    partial = file.with_name(file.name + ".partial")
    with _alone_with(file):
        partial.unlink(missing_ok=True)
        try:
            counts = _stood_up(past, rows, position, partial, told)
            partial.replace(file)
        finally:
            for left in (partial, partial.with_name(partial.name + "-journal")):
                left.unlink(missing_ok=True)
    return counts


@contextmanager
def _alone_with(file: Path) -> Generator[None]:
    place = file.with_name(file.name + ".lock")
    try:
        lock = FileLock(place)
    except StoreInUse as error:
        raise RequestRefused(FileBeingWritten(file=str(file))) from error
    try:
        # Whoever had it takes the file of the lock away: who got it of a file without a name is not alone.
        if not lock.is_on(place):
            raise RequestRefused(FileBeingWritten(file=str(file)))
        try:
            yield
        finally:
            with suppress(OSError):
                place.unlink()
    finally:
        lock.release()


def _stood_up(past: Past, rows: PastRows | None, position: int, file: Path, told: Told) -> dict[str, int]:
    with closing(sqlite3.connect(file, uri=True)) as scratch, scratch:
        scratch.execute("PRAGMA synchronous = OFF")
        scratch.execute("PRAGMA journal_mode = MEMORY")
        kept = {one.name: _usable(rows, one, position) for one in PROJECTIONS}
        folded = [one for one in PROJECTIONS if kept[one.name] is None]
        counts: dict[str, int] = {}
        for projection in PROJECTIONS:
            place = kept[projection.name]
            if rows is not None and place is not None:
                counts[projection.name] = _copied(scratch, past, projection, rows, place, position, told)
        if folded:
            counts |= _fold_and_copy(scratch, past, folded, position, told)
        scratch.execute(_SQL["create_about"])
        at = next(iter(past.page(after=max(0, position - 1), limit=1)), None)
        scratch.execute(_SQL["insert_about"], (position, None if at is None or position == 0 else at.recorded_at))
    return {one.name: counts[one.name] for one in PROJECTIONS}


def _usable(rows: PastRows | None, projection: AnyProjection, position: int) -> Kept | None:
    if rows is None or (projection.keeps == "latest" and projection is not FLEET_METRICS):
        return None
    kept = rows.kept(projection)
    return kept if kept is not None and kept.checkpoint >= position and kept.same_code else None


def _copied(
    scratch: sqlite3.Connection,
    past: Past,
    projection: AnyProjection,
    rows: PastRows,
    kept: Kept,
    position: int,
    told: Told,
) -> int:
    _create(scratch, projection)

    def done(count: int) -> None:
        told(projection.name, count)

    if projection.keeps != "latest":
        return rows.copy(projection, kept, position, scratch, projection.name, done)
    # What sums were before a stretch of the log they tell themselves, and its events, which are few, are folded.
    row_class: type[MetricRow] = projection.row
    sums = sums_at(past, position, (row_class(*cells) for cells in rows.latest(projection, kept)))
    return insert(scratch, projection.name, sums, done)


def _fold_and_copy(
    scratch: sqlite3.Connection, past: Past, projections: Sequence[AnyProjection], position: int, told: Told
) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="signalbox-replay-") as folder:
        file = Path(folder) / "rows.db"
        fold(past, projections, position, file, told)
        rows = SqlitePastRows(file)
        try:
            return {one.name: _all(scratch, one, rows, position, told) for one in projections}
        finally:
            rows.close()


def _all(
    scratch: sqlite3.Connection, projection: AnyProjection, rows: SqlitePastRows, position: int, told: Told
) -> int:
    """The rows of a projection that was folded up to the position and no further."""
    _create(scratch, projection)
    kept = rows.kept(projection)
    if kept is None:
        return 0
    return rows.copy(projection, kept, position, scratch, projection.name, lambda count: told(projection.name, count))


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


def _create(scratch: sqlite3.Connection, projection: AnyProjection) -> None:
    row_class: type[Row] = projection.row
    columns = ", ".join(
        f"{identifier(column.name)} {_TYPES[column.kind]}{'' if column.nullable else ' NOT NULL'}"
        for column in columns_of(row_class)
    )
    scratch.execute(_SQL["create_rows"].format(table=identifier(projection.name), columns=columns))
