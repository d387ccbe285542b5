"""The measures of a position: their read model keeps sums and what each was at marks in the log; what lies between the
last mark and the position is folded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from domain.catalogue import REGISTRY
from domain.kernel.ids import Instant
from domain.kernel.past.points import last_at_or_before
from infrastructure.history.port import Past
from infrastructure.history.reading import PAGE_EVENTS, recorded_at
from infrastructure.log.mapper import recorded
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.fleet_metrics.rows import HOUR, MetricRow, begin_of, rewound, stretch_of
from projections.kernel.replay import replay

_PASSED_OVER: Final = frozenset(one.TYPE for one in REGISTRY.classes() if one not in FLEET_METRICS.handles)
"""Names of what counts in no measure. A former name is none of them: what it leads to is known once it is read."""


@dataclass(frozen=True, slots=True)
class HourSoFar:
    """What happened last in an hour up to a position."""

    position: int
    """Where the log ends, if that is before the one that was asked for."""
    at: Instant
    """When the event there was recorded; 0 in front of all events."""
    stretch: int
    """That of the position. The read model tells what an hour was before it."""
    before: int
    """Position up to which the read model tells it: the last event before the hour, or before the stretch."""
    rows: tuple[MetricRow, ...]
    """Sums of the events behind ``before``: of one stretch at most."""


def hour_so_far(past: Past, asked: int) -> HourSoFar:
    """The sums that the read model does not tell of the hour of the event at a position, up to that event."""
    hour = _hour_of(past, asked)
    return replace(hour, rows=tuple(_folded(past, hour, {}).values()))


def sums_at(past: Past, position: int, kept: Iterable[MetricRow]) -> Iterator[MetricRow]:
    """All sums as they were after a position, from those that are kept, which hold that position at least."""
    hour = _hour_of(past, position)
    now = hour.at // HOUR
    sums: dict[str, MetricRow] = {}
    for row in kept:
        if row.hour < now:
            yield row  # it was over by then
        elif row.hour == now and (then := rewound(row, hour.stretch)) is not None:
            sums[row.key] = then
    yield from _folded(past, hour, sums).values()


def _hour_of(past: Past, asked: int) -> HourSoFar:
    """The hour without its sums."""
    position = min(asked, past.head())
    last = next(iter(past.page(after=position - 1, limit=1)), None) if position > 0 else None
    if last is None:
        return HourSoFar(0, Instant(0), 0, 0, ())
    began, stretch = Instant(last.recorded_at // HOUR * HOUR), stretch_of(position)
    before = last_at_or_before(Instant(began - 1), position, lambda at: recorded_at(past, at))
    return HourSoFar(position, Instant(last.recorded_at), stretch, max(before, begin_of(stretch)), ())


def _folded(past: Past, hour: HourSoFar, sums: dict[str, MetricRow]) -> dict[str, MetricRow]:
    after = hour.before
    while after < hour.position:
        page = past.page(after=after, limit=min(PAGE_EVENTS, hour.position - after))
        replay(FLEET_METRICS, (recorded(row, REGISTRY) for row in page if row.type not in _PASSED_OVER), sums)
        after = page[-1].position
    return sums
