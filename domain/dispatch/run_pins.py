"""A run keeps to versions as long as it has not ended: said in the append that begins, moves or ends it."""

from collections.abc import Mapping

from domain.kernel.decider import View, Write
from domain.kernel.message import Stamp
from domain.pipeline.pin_events import VersionsLeft, VersionsPinned
from domain.pipeline.pins import PINS, pins_of_run
from domain.run.children import calls_in
from domain.run.events import RunQueued
from domain.run.state import TERMINAL, Run


def pin_writes(before: Run | None, after: Run, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """What a decision about a run changes there; ``before`` is None for one that begins."""
    if (
        before is not None
        and before.queued is after.queued
        and (before.status in TERMINAL) == (after.status in TERMINAL)
    ):
        return ()  # most decisions: neither where it goes by has changed, nor whether it goes on
    was, now = _kept(before), _kept(after)
    return tuple(_write(name, now.get(name, ()), after, stamp, view) for name in _changed(was, now))


def _changed(was: Mapping[str, tuple[int, ...]], now: Mapping[str, tuple[int, ...]]) -> list[str]:
    return sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))


def _write(pipeline: str, versions: tuple[int, ...], run: Run, stamp: Stamp, view: View) -> Write:
    name = run.queued.run
    stream = pins_of_run(stamp.project, pipeline, name)
    view.read(PINS, stream)  # the append looks at what a retirement has read as well
    event = VersionsPinned(run=name, versions=versions, at=stamp.time) if versions else None
    return Write(stream, (event or VersionsLeft(run=name, at=stamp.time),), stamp.project)


def _kept(run: Run | None) -> dict[str, tuple[int, ...]]:
    """Versions by pipeline; none of a run that has ended, and none of one that goes through no phase."""
    if run is None or run.status in TERMINAL or run.queued.rolls_back:
        return {}
    return versions_of(run.queued)


def versions_of(queued: RunQueued) -> dict[str, tuple[int, ...]]:
    """Versions by pipeline that a run goes by: its own, and those that it calls as far as they are settled."""
    kept = [(queued.pipeline, queued.version), *((pin.pipeline, pin.version) for pin in queued.pins)]
    kept += [(call.pipeline, call.version) for call in calls_in(queued.definition) if call.version is not None]
    names = sorted({name for name, _ in kept})
    return {name: tuple(sorted({version for one, version in kept if one == name})) for name in names}
