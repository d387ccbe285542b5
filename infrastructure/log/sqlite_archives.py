"""The archived beginning of a log in SQLite: its ranges, the states that streams had come to, and pruning."""

from collections.abc import Sequence
from typing import Final

import orjson

from infrastructure.log.archived import Archive, BaseState, LostEvent
from infrastructure.log.sqlite_file import SqliteFile
from infrastructure.sql import load

_SQL: Final = load("sqlite/archives.sql")


class SqliteArchives:
    """A part of the log that owns the file."""

    def __init__(self, file: SqliteFile) -> None:
        self.file: Final = file

    def archives(self) -> list[Archive]:
        with self.file.reading() as connection:
            return [archive_of(row) for row in connection.execute(_SQL["archives"]).fetchall()]

    def keep_archive(self, archive: Archive) -> bool:
        with self.file.writing() as connection:
            connection.execute(_SQL["keep_archive"], archive._asdict()).fetchall()
        return archive._replace(pruned=False) in [one._replace(pruned=False) for one in self.archives()]

    def mark_pruned(self, last: int) -> None:
        with self.file.writing() as connection:
            connection.execute(_SQL["mark_pruned"], (last,))

    def keep_base_states(self, states: Sequence[BaseState]) -> None:
        with self.file.writing() as connection:
            connection.executemany(_SQL["keep_base_state"], states)

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        with self.file.reading() as connection:
            rows = connection.execute(_SQL["base_states"], (_json(streams),)).fetchall()
        return {row[0]: BaseState(*row) for row in rows}

    def base_states_behind(self, stream: str, *, limit: int) -> list[BaseState]:
        with self.file.reading() as connection:
            return [BaseState(*row) for row in connection.execute(_SQL["base_states_behind"], (stream, limit))]

    def outdated_bases(self, kinds: Sequence[str], *, limit: int) -> list[BaseState]:
        with self.file.reading() as connection:
            return [BaseState(*row) for row in connection.execute(_SQL["outdated_bases"], (_json(kinds), limit))]

    def has_stream(self, stream: str) -> bool:
        with self.file.reading() as connection:
            return bool(connection.execute(_SQL["has_stream"], (stream,)).fetchone()[0])

    def lost_events(self, *, limit: int) -> list[LostEvent]:
        with self.file.reading() as connection:
            return [LostEvent(*row) for row in connection.execute(_SQL["lost_events"], (limit,))]

    def prune(self, *, after: int, through: int, rows_max: int) -> int | None:
        piece: dict[str, int | None] = {"after": after, "through": through, "rows_max": rows_max}
        with self.file.reading() as connection:
            end: int | None = connection.execute(_SQL["end_of_piece"], piece).fetchone()[0]
        if end is not None:
            with self.file.writing() as connection:
                connection.execute(_SQL["prune"], {"after": after, "through": end})
        return end


def archive_of(row: Sequence[object]) -> Archive:
    """A range as a database of either kind tells it."""
    first, last, digest, name, asked_by, at, pruned = row
    return Archive(int(str(first)), int(str(last)), str(digest), str(name), str(asked_by), int(str(at)), bool(pruned))


def _json(items: Sequence[str]) -> str:
    return orjson.dumps(list(items)).decode()
