"""The archived beginning of a log in PostgreSQL: its ranges, the states that streams had come to, and pruning."""

from collections.abc import Sequence
from typing import Final

from infrastructure.log.archived import Archive, BaseState, LostEvent
from infrastructure.log.postgres_arrays import blobs, integers, texts
from infrastructure.log.postgres_connections import Readers
from infrastructure.sql import load

_SQL: Final = load("postgres/archives.sql")


class PostgresArchives:
    """A part of the log; each statement is a transaction of its own and may be repeated."""

    def __init__(self, readers: Readers) -> None:
        self._readers: Final = readers

    def archives(self) -> list[Archive]:
        return [Archive(*row) for row in self._readers.rows(_SQL["archives"])]

    def keep_archive(self, archive: Archive) -> bool:
        self._readers.rows(_SQL["keep_archive"], archive._asdict())
        return archive._replace(pruned=False) in [one._replace(pruned=False) for one in self.archives()]

    def mark_pruned(self, last: int) -> None:
        self._readers.rows(_SQL["mark_pruned"], (last,))

    def keep_base_states(self, states: Sequence[BaseState]) -> None:
        self._readers.rows(
            _SQL["keep_base_states"],
            (
                texts([one.stream for one in states]),
                integers([one.version for one in states]),
                integers([one.position for one in states]),
                texts([one.kind for one in states]),
                blobs([one.state for one in states]),
                blobs([one.words for one in states]),
            ),
        )

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        return {row[0]: BaseState(*row) for row in self._readers.rows(_SQL["base_states"], (texts(streams),))}

    def base_states_behind(self, stream: str, *, limit: int) -> list[BaseState]:
        return [BaseState(*row) for row in self._readers.rows(_SQL["base_states_behind"], (stream, limit))]

    def outdated_bases(self, kinds: Sequence[str], *, limit: int) -> list[BaseState]:
        return [BaseState(*row) for row in self._readers.rows(_SQL["outdated_bases"], (texts(kinds), limit))]

    def has_stream(self, stream: str) -> bool:
        return bool(self._readers.rows(_SQL["has_stream"], (stream,))[0][0])

    def lost_events(self, *, limit: int) -> list[LostEvent]:
        return [LostEvent(*row) for row in self._readers.rows(_SQL["lost_events"], (limit,))]

    def prune(self, *, after: int, through: int, rows_max: int) -> int | None:
        piece = {"after": after, "through": through, "rows_max": rows_max}
        end: int | None = self._readers.rows(_SQL["prune"], piece)[0][0]
        return end
