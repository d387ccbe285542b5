"""The time of a phase's work: until when somebody has to have begun it, and until when it has to be over."""

from collections.abc import Iterable, Iterator
from typing import Final

from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.work import Work
from domain.run.gate_events import TimerKind, TimerSet
from domain.run.state import Run

UNCLAIMED_SECONDS: Final = 300
"""How long nobody may come for work before it asks for a person."""
OF_WORK: Final[tuple[TimerKind, ...]] = ("start", "close")
"""What runs while the task of a place is out; pauses move it, and another try begins it anew."""


def clocks(run: Run, place: str, work: Work | None, at: Instant) -> tuple[TimerSet, ...]:
    """What the definition bounds of work that is offered now. In a run that is paused it counts from when that goes on.

    ``start`` is until when somebody has to have begun, ``close`` until when the last attempt has to have ended.
    """
    if work is None or (work.start_within_seconds is None and work.close_within_seconds is None):
        return ()
    if run.phase(place).status != "offered":
        return ()
    since = run.paused_at if run.status == "paused" and run.paused_at is not None else at
    bounds = dict(zip(OF_WORK, (work.start_within_seconds, work.close_within_seconds), strict=True))
    return tuple(
        timer(run, place, kind, Instant(since + int(seconds * SECOND)), at)
        for kind, seconds in bounds.items()
        if seconds is not None
    )


def longer(run: Run, place: str, work: Work, at: Instant) -> TimerSet:
    """As long again for somebody to begin as it has had by now: so a log does not grow with the time that it waits."""
    first, since = int((work.start_within_seconds or 0) * SECOND), run.phase(place).offered_at
    had = first if since is None else at - since
    return timer(run, place, "start", Instant(at + max(first, had)), at)


def set_again(run: Run, places: Iterable[str], phases: Iterable[str], at: Instant) -> tuple[TimerSet, ...]:
    """What was set for places that wait or are worked on, as it is due now; for work one has to come from now on."""
    later = Instant(at + UNCLAIMED_SECONDS * SECOND)
    out = (one for one in phases if run.phase(one).status == "offered" or run.tally(one).under_way)
    return (*_due(run, places, at), *(timer(run, one, "pickup", later, at) for one in out))


def _due(run: Run, places: Iterable[str], at: Instant) -> Iterator[TimerSet]:
    for place in places:
        state = run.phase(place)
        for kind, due in sorted(state.timers.items()) if state.status in ("waiting", "offered") else ():
            if kind != "pickup":
                yield timer(run, place, kind, due, at)


def timer(run: Run, place: str, kind: TimerKind, due: Instant, at: Instant) -> TimerSet:
    """When a place is looked at again."""
    return TimerSet(place=place, generation=run.phase(place).generation, kind=kind, due=due, at=at)
