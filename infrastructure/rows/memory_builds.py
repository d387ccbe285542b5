"""Generations beside the live one, in the memory of the process."""

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from infrastructure.rows.builds import SCAN_ROWS_MAX, Build, BuildStore, Listed, Place, Scanned, first_place
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Parked
from projections.catalogue import AnyProjection
from projections.kernel.rows import Versioned


@dataclass(slots=True)
class Table:
    """The rows of one generation."""

    generation: Generation
    versions: dict[str, list[Versioned[Any]]] = field(default_factory=dict[str, list[Versioned[Any]]])
    parked: list[Parked] = field(default_factory=list[Parked])


class MemoryBuilds(BuildStore):
    """The registry of generations, under one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[tuple[str, int], Table] = {}
        self._builds: dict[tuple[str, int], Build] = {}
        self._paused: dict[str, str] = {}

    def generations(self, projection: AnyProjection) -> tuple[Listed, ...]:
        with self._lock:
            found = [table.generation for (name, _), table in self._tables.items() if name == projection.name]
        return tuple(Listed(one.number, one.table, one.fingerprint, one.state, one.checkpoint) for one in found)

    def keep_build(self, build: Build) -> None:
        with self._lock:
            self._builds[build.projection, build.generation] = build

    def builds(self) -> tuple[Build, ...]:
        with self._lock:
            return tuple(sorted(self._builds.values(), key=lambda build: (build.asked_at, build.generation)))

    def reopen(self, projection: AnyProjection, number: int) -> Generation | None:
        with self._lock:
            table = self._tables.get((projection.name, number))
            fits = table is not None and table.generation.projection.table == projection.table
            if table is None or not fits or table.generation.state != "retired":
                return None
            table.generation = replace(table.generation, state="building")
            return table.generation

    def give_up(self, generation: Generation) -> None:
        with self._lock:
            table = self._tables.get((generation.projection.name, generation.number))
            if table is not None and table.generation.state == "building":
                table.generation = replace(table.generation, state="retired")

    def drop(self, projection: AnyProjection, number: int) -> bool:
        with self._lock:
            table = self._tables.get((projection.name, number))
            if table is None or table.generation.state != "retired":
                return False
            del self._tables[projection.name, number]
            return True

    def forget_builds(self, projection: AnyProjection, *, before: int) -> None:
        with self._lock:
            for name, number in tuple(self._builds):
                if name == projection.name and number < before and (name, number) not in self._tables:
                    del self._builds[name, number]

    def versions(self, generation: Generation, after: Place) -> Scanned:
        return self._scan(generation, after, SCAN_ROWS_MAX)

    def every_version(self, generation: Generation) -> Scanned:
        return self._scan(generation, first_place(generation.projection), sys.maxsize)

    def _scan(self, generation: Generation, after: Place, limit: int) -> Scanned:
        lines = generation.projection.keeps == "lines"
        with self._lock:
            table = self._tables[generation.projection.name, generation.number]
            every = [
                ((version.since, version.row.key) if lines else (version.row.key, version.since), version)
                for versions in table.versions.values()
                for version in versions
            ]
            checkpoint = table.generation.checkpoint
        behind = sorted((one for one in every if one[0] > after), key=lambda one: one[0])
        return Scanned(checkpoint, tuple(version for _, version in behind[:limit]))

    def pause(self, projection: AnyProjection, *, reason: str, by: str, at: int) -> None:
        with self._lock:
            self._paused.setdefault(projection.name, reason)

    def go_on(self, projection: AnyProjection) -> None:
        with self._lock:
            self._paused.pop(projection.name, None)

    def paused(self) -> Mapping[str, str]:
        with self._lock:
            return dict(self._paused)

    def _stopped(self, generation: Generation) -> bool:
        """Under the lock: whether nothing may be written to it."""
        return generation.state == "live" and generation.projection.name in self._paused
