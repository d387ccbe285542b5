"""The desk for read models behind the port of the surfaces."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from api.composition.our_words import in_our_words
from api.projection_port import BuildReport, GenerationReport, ParkedReport, ProjectionReport
from domain.kernel.errors import Rejection
from infrastructure.rows.builds import Build
from infrastructure.runtime.builds.desk import BuildDesk, Report

T = TypeVar("T")


class ProjectionDesk:
    """Everything blocks, so it runs on threads."""

    def __init__(self, desk: BuildDesk) -> None:
        self._desk = desk

    async def reports(self) -> Sequence[ProjectionReport]:
        """How every read model is."""
        return tuple(_report(one) for one in await self._ask(self._desk.reports))

    async def rebuild(self, names: Sequence[str], *, hold: bool, by: str) -> Rejection | None:
        """Build each anew beside the live one."""
        return await self._ask(lambda: self._desk.rebuild(names, purpose="rebuild", hold=hold, by=by))

    async def verify(self, names: Sequence[str], *, by: str) -> Rejection | None:
        """Compare each with a fresh fold."""
        return await self._ask(lambda: self._desk.rebuild(names, purpose="verify", hold=False, by=by))

    async def promote(self, name: str, *, accept_differences: bool) -> Rejection | None:
        """Let what was built take over."""
        return await self._ask(lambda: self._desk.promote(name, accept_differences=accept_differences))

    async def rollback(self, name: str, *, by: str) -> Rejection | None:
        """Let what was live before take over again."""
        return await self._ask(lambda: self._desk.rollback(name, by=by))

    async def abandon(self, name: str) -> Rejection | None:
        """Give up what is being built."""
        return await self._ask(lambda: self._desk.abandon(name))

    async def pause(self, name: str, *, reason: str, by: str) -> Rejection | None:
        """The live rows stand still."""
        return await self._ask(lambda: self._desk.pause(name, reason=reason, by=by))

    async def go_on(self, name: str) -> Rejection | None:
        """The live rows follow again."""
        return await self._ask(lambda: self._desk.go_on(name))

    async def parked(self) -> Sequence[ParkedReport]:
        """Streams that stand still."""
        found = await self._ask(self._desk.parked)
        return tuple(ParkedReport(name, one.stream, one.position, one.type, one.error) for name, one in found)

    async def retry(self, name: str, stream: str) -> Rejection | None:
        """Fold a stream again."""
        return await self._ask(lambda: self._desk.retry(name, stream))

    async def skip(self, name: str, stream: str, *, reason: str, by: str) -> Rejection | None:
        """Fold a stream without an event."""
        return await self._ask(lambda: self._desk.skip(name, stream, reason=reason, by=by))

    async def prune(self, names: Sequence[str], *, keep: int) -> Rejection | Sequence[str]:
        """Drop retired generations."""
        return await self._ask(lambda: self._desk.prune(names, keep=keep))

    async def _ask(self, what: Callable[[], T]) -> T:
        return await in_our_words(asyncio.to_thread(what))


def _report(found: Report) -> ProjectionReport:
    status = found.status
    return ProjectionReport(
        name=status.name,
        table=found.table,
        state=status.state,
        generation=status.generation,
        checkpoint=status.checkpoint,
        lag_events=max(0, found.head - status.checkpoint),
        lag_seconds=found.lag_seconds,
        fingerprint=found.fingerprint,
        drifted=status.drifted,
        parked_streams=status.parked_streams,
        error=status.error,
        generations=tuple(
            GenerationReport(one.number, one.table, one.state, one.checkpoint, one.fingerprint)
            for one in found.generations
        ),
        build=None if found.build is None else _build(found, found.build),
    )


def _build(found: Report, build: Build) -> BuildReport:
    comparison: dict[str, Any] | None = orjson.loads(build.comparison) if build.comparison else None
    return BuildReport(
        generation=build.generation,
        purpose=build.purpose,
        phase=build.phase,
        position=found.built_to,
        events_per_second=found.events_per_second,
        eta_seconds=found.eta_seconds,
        asked_by=build.asked_by,
        asked_at=build.asked_at,
        changed_at=build.changed_at,
        comparison=comparison,
        error=build.error,
    )
