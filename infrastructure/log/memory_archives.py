"""The archived beginning of a log in memory: the same answers as the databases give."""

from collections.abc import Sequence
from itertools import islice
from threading import RLock
from typing import Final

from infrastructure.log.archived import Archive, BaseState, LostEvent
from infrastructure.log.erasures import ERASED_TYPE
from infrastructure.log.port import LogRow


class MemoryArchives:
    """A part of the log."""

    def __init__(self) -> None:
        self._lock: Final = RLock()
        self._rows: Final[list[LogRow]] = []
        self._streams: Final[dict[str, list[LogRow]]] = {}
        self._archives: Final[list[Archive]] = []
        self._bases: Final[dict[str, BaseState]] = {}
        self._gone: Final[set[int]] = set()
        """Positions of the rows that were pruned; their places stay."""

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        with self._lock:
            if not self._gone:
                return self._rows[after : after + limit]
            kept = (row for row in islice(self._rows, after, None) if row.position not in self._gone)
            return list(islice(kept, limit))

    def archives(self) -> list[Archive]:
        with self._lock:
            return list(self._archives)

    def keep_archive(self, archive: Archive) -> bool:
        with self._lock:
            if archive.first == 1 + (self._archives[-1].last if self._archives else 0):
                self._archives.append(archive)
            return archive._replace(pruned=False) in [one._replace(pruned=False) for one in self._archives]

    def mark_pruned(self, last: int) -> None:
        with self._lock:
            self._archives[:] = [one._replace(pruned=one.pruned or one.last == last) for one in self._archives]

    def keep_base_states(self, states: Sequence[BaseState]) -> None:
        with self._lock:
            for one in states:
                former = self._bases.get(one.stream)
                if former is None or one.version >= former.version:
                    self._bases[one.stream] = one

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        with self._lock:
            return {stream: self._bases[stream] for stream in streams if stream in self._bases}

    def base_states_behind(self, stream: str, *, limit: int) -> list[BaseState]:
        with self._lock:
            return [self._bases[one] for one in sorted(self._bases) if one > stream][:limit]

    def outdated_bases(self, kinds: Sequence[str], *, limit: int) -> list[BaseState]:
        with self._lock:
            return [one for one in self._bases.values() if one.kind not in kinds][:limit]

    def has_stream(self, stream: str) -> bool:
        with self._lock:
            return bool(self._streams.get(stream))

    def lost_events(self, *, limit: int) -> list[LostEvent]:
        with self._lock:
            found = [
                LostEvent(one.stream, one.version, one.position)
                for one in self._bases.values()
                if not any(row.version >= one.version for row in self._streams.get(one.stream, ()))
            ]
        return sorted(found, key=lambda one: one.position)[:limit]

    def prune(self, *, after: int, through: int, rows_max: int) -> int | None:
        with self._lock:
            piece = [row for row in self.page(after=after, limit=rows_max) if row.position <= through]
            for row in piece:
                rows = self._streams[row.stream]
                if row is not rows[-1] and row.type != ERASED_TYPE:
                    rows.remove(row)
                    self._gone.add(row.position)
            return piece[-1].position if piece else None
