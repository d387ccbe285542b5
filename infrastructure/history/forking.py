"""A scratch copy of the log up to a point, with events edited, dropped or added, to ask what if."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from domain.catalogue import AGGREGATES, REGISTRY, SEALINGS
from domain.kernel.ids import FLEET, prefix
from domain.kernel.past.errors import EditNotPossible
from domain.kernel.registry import UnknownEventType, schema_version
from domain.kernel.sealing import SEALED
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import SubjectKeys
from infrastructure.erasure.memory import MemorySeeds
from infrastructure.history.port import Filter, History, KeptCommand
from infrastructure.history.searching import search
from infrastructure.log.port import LogRow
from infrastructure.log.sqlite_file import SqliteFile
from infrastructure.sql import load
from projections.kernel.errors import RequestRefused

ROWS_AT_ONCE: Final = 2_000
EDITS_MAX: Final = 10_000
_LOG: Final = load("sqlite/log.sql")
_FORK: Final = load("sqlite/fork.sql")


@dataclass(slots=True)
class Edits:
    """What is done to events, by their position in the real log."""

    dropped: set[int] = field(default_factory=set[int])
    changed: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    """Fields that replace those of the stored event."""
    added: dict[int, list[tuple[str, str, dict[str, Any]]]] = field(
        default_factory=dict[int, list[tuple[str, str, dict[str, Any]]]]
    )
    """(stream, type, fields) of events that come right behind a position."""
    streams: set[str] = field(default_factory=set[str])
    """Those that are not as they were: they are numbered anew and folded, the others are copied."""


@dataclass(frozen=True, slots=True)
class Forked:
    """What the copy holds."""

    events: int
    dropped: int
    changed: int
    added: int


def fork(history: History, position: int, edits: Edits, file: Path, told: Callable[[int], None]) -> Forked:
    """Write a log of its own up to a position. What is edited is folded, so that a server can open the copy.

    Raises RequestRefused where an edit leaves a stream that cannot be folded; the file is then of no use.
    """
    copy = SqliteFile(file)
    try:
        writing = _Fork(edits)
        with copy.writing() as connection:
            last = 0
            for rows in _pages(history, position):
                made = [one for row in rows for one in writing.of(row)]
                connection.executemany(_LOG["insert_event"], made)
                if made:
                    last = made[-1].recorded_at
                told(rows[-1].position)
                kept = history.commands(
                    list({(row.command_id, row.actor) for row in rows if row.command_id and row.actor})
                )
                connection.executemany(_FORK["keep_receipt"], (_receipt(one) for one in kept.values()))
            connection.execute(_LOG["move_head"], (writing.position, last))
            connection.execute(_FORK["set_era"], (history.era() + 1,))
            names = (name for name in history.names() if writing.has(name[3], history, position))
            connection.executemany(_LOG["insert_key"], names)
        return Forked(writing.position, *writing.done)
    except BaseException:
        file.unlink()
        raise
    finally:
        copy.close()


def _pages(history: History, position: int) -> Iterator[list[LogRow]]:
    pending: list[LogRow] = []
    for row in search(history, Filter(), None, after=0, until=position):
        pending.append(row)
        if len(pending) == ROWS_AT_ONCE:
            yield pending
            pending = []
    if pending:
        yield pending


class _Fork:
    """Numbers events anew and folds every stream of theirs."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        # Who forks without keys makes a log in which nothing is under a key: the copy gets keys of its own.
        self._keyless = Envelopes(SEALINGS, SubjectKeys(MemorySeeds()))
        self._states: dict[str, Any] = {}
        self._places: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        self.position = 0
        self.done = (0, 0, 0)

    def of(self, row: LogRow) -> Iterator[LogRow]:
        """The event as it stands in the copy, and what was added behind it."""
        dropped, changed, added = self.done
        row = self._keyless.marked(row, lambda _: SEALED)
        if row.position in self._edits.dropped:
            dropped += 1
        else:
            replaced = self._edits.changed.get(row.position)
            changed += replaced is not None
            yield self._numbered(row if replaced is None else _changed(row, replaced))
        for stream, kind, fields in self._edits.added.get(row.position, ()):
            added += 1
            yield self._numbered(_added(row, stream, kind, fields))
        self.done = (dropped, changed, added)

    def _numbered(self, row: LogRow) -> LogRow:
        self.position += 1
        cause = row.causation_id
        moved = row._replace(position=self.position, causation_id=self._places.get(cause, cause) if cause else cause)
        if row.stream not in self._edits.streams:
            return moved
        version = self._versions.get(row.stream, 0) + 1
        if version != row.version:
            self._places[f"{row.stream}@{row.version}"] = f"{row.stream}@{version}"
        numbered = moved._replace(version=version)
        self._fold(numbered)
        self._versions[row.stream] = version
        return numbered

    def has(self, stream: str, history: History, position: int) -> bool:
        """Whether the copy has events of a stream."""
        if stream in self._edits.streams:
            return stream in self._versions
        first = next(iter(history.events_of(stream, limit=1)), None)
        return first is not None and first.position <= position

    def _fold(self, row: LogRow) -> None:
        aggregate = AGGREGATES.get(prefix(row.stream))
        if aggregate is None:
            raise _refused(row, "there is no such kind of stream")
        try:
            event = REGISTRY.read(row.type, row.state)
            state = aggregate.evolve(self._states.get(row.stream, aggregate.initial), event)
        except UnknownEventType as problem:
            raise _refused(row, f"there is no event of that name: {problem}") from problem
        except ValidationError as problem:
            raise _refused(row, f"{problem.error_count()} of its fields do not fit") from problem
        except Exception as problem:
            raise _refused(row, f"it cannot be folded: {problem!r}") from problem
        self._states[row.stream] = state


def _changed(row: LogRow, fields: dict[str, Any]) -> LogRow:
    return row._replace(state=orjson.dumps({**orjson.loads(row.state), **fields}))


def _added(before: LogRow, stream: str, kind: str, fields: dict[str, Any]) -> LogRow:
    """An event at the instant of the one that it follows, written by nobody but the fork."""
    if not REGISTRY.knows(kind):
        raise RequestRefused(EditNotPossible(what=f"add {kind} to {stream}", reason="there is no event of that name"))
    return before._replace(
        stream=stream,
        version=0,
        type=kind,
        schema_version=schema_version(kind),
        state=orjson.dumps(fields),
        project=before.project if not _is_fleet(stream) else FLEET,
        actor="fork",
        command_id=None,
        correlation_id=None,
        causation_id=None,
        traceparent=None,
    )


def _is_fleet(stream: str) -> bool:
    aggregate = AGGREGATES.get(prefix(stream))
    return aggregate is not None and aggregate.fleet


def _refused(row: LogRow, reason: str) -> RequestRefused:
    return RequestRefused(EditNotPossible(what=f"keep {row.type} of {row.stream}", reason=reason))


def _receipt(kept: KeptCommand) -> Sequence[object]:
    return (kept.command_id, kept.project, kept.principal, kept.body, kept.outcome, kept.time, kept.position)
