"""Who keeps to the versions of a pipeline: in some streams, so that runs that begin at once seldom meet in one."""

from dataclasses import dataclass
from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.ids import Instant, StreamId, derived_id
from domain.pipeline.pin_events import PinEvent, VersionsLeft, VersionsPinned

SHARES: Final = 16
"""Streams of one pipeline; a run is in the same one for ever."""


@dataclass(frozen=True, slots=True)
class Pins:
    """Runs of one share that have not ended."""

    runs: Map[str, tuple[int, ...]] = Map()
    """Versions by run."""


def evolve(state: Pins, event: PinEvent) -> Pins:
    """The share after the event."""
    match event:
        case VersionsPinned():
            return replace(state, runs=state.runs.set(event.run, event.versions))
        case VersionsLeft():
            known = event.run in state.runs
            return replace(state, runs=state.runs.delete(event.run)) if known else state
        case _:
            assert_never(event)


PINS: Final[Aggregate[Pins]] = Aggregate(
    prefix="pins", initial=Pins(), evolve=evolve, state_type=Pins, snapshot_every=200
)


def pins_of_run(project: str, pipeline: str, run: str) -> StreamId:
    """Where it is kept that a run keeps to versions of a pipeline."""
    return _share(project, pipeline, sum(run.encode()) % SHARES)


def pins_of_pipeline(project: str, pipeline: str) -> tuple[StreamId, ...]:
    """All streams in which that is kept."""
    return tuple(_share(project, pipeline, number) for number in range(SHARES))


def _share(project: str, pipeline: str, number: int) -> StreamId:
    return derived_id(PINS.prefix, Instant(0), (project, pipeline, str(number)))
