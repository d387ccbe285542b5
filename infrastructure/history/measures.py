"""The measures of the hour that a position lies in, folded from the log: their read model keeps sums and no past."""

from dataclasses import dataclass, replace
from typing import Final

from domain.catalogue import REGISTRY
from domain.kernel.ids import Instant
from domain.kernel.past.errors import HourTooFull
from domain.kernel.past.points import last_at_or_before
from infrastructure.history.port import Past
from infrastructure.history.reading import PAGE_EVENTS, recorded_at
from infrastructure.log.mapper import recorded
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.fleet_metrics.rows import HOUR, MetricRow
from projections.kernel.replay import replay

HOUR_EVENTS_MAX: Final = 200_000
"""Events of one hour that are folded for one question: some seconds."""
_PASSED_OVER: Final = frozenset(one.TYPE for one in REGISTRY.classes() if one not in FLEET_METRICS.handles)
"""Names of what counts in no measure. A former name is none of them: what it leads to is known once it is read."""


@dataclass(frozen=True, slots=True)
class HourSoFar:
    """What happened in an hour up to a position."""

    position: int
    """Where the log ends, if that is before the one that was asked for."""
    at: Instant
    """When the event there was recorded; 0 in front of all events."""
    before: int
    """Position of the last event before the hour: what the read model holds of earlier hours is final there."""
    rows: tuple[MetricRow, ...]


def hour_so_far(past: Past, asked: int, events_max: int = HOUR_EVENTS_MAX) -> HourSoFar | HourTooFull:
    """The sums of the hour that the event at a position was recorded in, up to that event."""
    hour = _hour_of(past, asked)
    if hour.position - hour.before > events_max:
        return HourTooFull(events=hour.position - hour.before, events_max=events_max)
    return _summed(past, hour)


def whole_hour(past: Past, asked: int) -> HourSoFar:
    """The same, however many events the hour has."""
    return _summed(past, _hour_of(past, asked))


def _hour_of(past: Past, asked: int) -> HourSoFar:
    """The hour without its sums."""
    position = min(asked, past.head())
    last = next(iter(past.page(after=position - 1, limit=1)), None) if position > 0 else None
    if last is None:
        return HourSoFar(0, Instant(0), 0, ())
    began = Instant(last.recorded_at // HOUR * HOUR)
    before = last_at_or_before(Instant(began - 1), position, lambda at: recorded_at(past, at))
    return HourSoFar(position, Instant(last.recorded_at), before, ())


def _summed(past: Past, hour: HourSoFar) -> HourSoFar:
    sums: dict[str, MetricRow] = {}
    after = hour.before
    while after < hour.position:
        page = past.page(after=after, limit=min(PAGE_EVENTS, hour.position - after))
        replay(FLEET_METRICS, (recorded(row, REGISTRY) for row in page if row.type not in _PASSED_OVER), sums)
        after = page[-1].position
    return replace(hour, rows=tuple(sums.values()))
