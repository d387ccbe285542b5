"""A log as its readers see it whose beginning lies in bundles: what the database lacks is read from there."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any, Final, cast

from infrastructure.archive.shelf import Shelf
from infrastructure.history.port import Filter, History
from infrastructure.log.archived import follows, is_whole
from infrastructure.log.port import Log, LogRow

PAGE_EVENTS: Final = 5_000


def archived_log(log: Log, shelf: Shelf) -> Log:
    """The log with what is archived, as it is stored. Where a bundle cannot be read its events raise EventsArchived."""
    return cast(Log, _Reading(log, shelf))


def archived_history(history: History, shelf: Shelf) -> History:
    """The same of a history."""
    return cast(History, _ReadingHistory(history, shelf))


def in_database(log: Log) -> Log:
    """The log less what lies in bundles; of a stream that is archived its last event may be there."""
    return cast(Log, log.database) if isinstance(log, _Reading) else log


class _Reading:
    """Everything else is the log's own. Whoever has nothing archived pays for looking at two numbers of a page."""

    def __init__(self, log: Log | History, shelf: Shelf) -> None:
        self._log: Final = log
        self._shelf: Final = shelf

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    @property
    def database(self) -> Log | History:
        """What is read where there is no gap."""
        return self._log

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        rows = self._log.page(after=after, limit=limit)
        if is_whole(rows, after):
            return rows
        archived = list(islice(self._archived(after), limit))
        end = archived[-1].position if archived else after
        if len(archived) == limit:
            return archived
        # What is behind may have been archived while this was read.
        behind = self.page if archived else self._log.page
        return archived + behind(after=end, limit=limit - len(archived))

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        rows = self._log.events_of(stream, after=after, limit=limit)
        if follows(rows, after):
            return rows
        kept = iter(self._log.events_of(stream, after=after)) if limit is not None else iter(rows)
        archives = self._log.archives()
        last = archives[-1].last if archives else 0
        there = chain(
            (row for one in archives for row in self._shelf.rows(one, of=stream) if row.version > after),
            (row for row in kept if row.position > last),
        )
        return list(islice(there, limit))

    def count_of(self, project: str, *, after: int, through: int) -> int:
        """See the port; what is archived is read for it."""
        last = min(through, self._last())
        counted = sum(row.project == project for row in self._until(last, after)) if after < last else 0
        return counted + cast(Log, self._log).count_of(project, after=max(after, last), through=through)

    def _archived(self, after: int, *, of: str | None = None) -> Iterator[LogRow]:
        for archive in self._log.archives():
            if archive.last > after:
                yield from self._shelf.rows(archive, after=after, of=of)

    def _until(self, last: int, after: int) -> Iterator[LogRow]:
        for row in self._archived(after):
            if row.position > last:
                return
            yield row

    def _last(self) -> int:
        archives = self._log.archives()
        return archives[-1].last if archives else 0


class _ReadingHistory(_Reading):
    """Looks for events that fit."""

    def found(self, wanted: Filter, *, after: int, until: int, limit: int) -> list[LogRow]:
        last = min(until, self._last())
        fits = fitting(wanted)
        rows = list(islice((row for row in self._until(last, after) if fits(row)), limit)) if after < last else []
        if len(rows) == limit:
            return rows
        history = cast(History, self._log)
        return rows + history.found(wanted, after=max(after, last), until=until, limit=limit - len(rows))


def fitting(wanted: Filter) -> Callable[[LogRow], bool]:
    """Whether an event fits, as the databases would say it."""

    def fits(row: LogRow) -> bool:
        return (
            wanted.project in (None, row.project)
            and wanted.stream in (None, row.stream)
            and (wanted.types is None or row.type in wanted.types)
            and wanted.actor in (None, row.actor)
            and wanted.correlation in (None, row.correlation_id)
            and wanted.command in (None, row.command_id)
            and (wanted.session is None or wanted.session == row.stream or wanted.session.encode() in row.state)
        )

    return fits
