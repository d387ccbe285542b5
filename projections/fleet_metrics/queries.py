"""What can be asked of the measures, and what follows from the sums."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from projections.fleet_metrics.projection import FLEET_METRICS
from projections.fleet_metrics.rows import HOUR, WAIT, MetricRow, bound_of
from projections.kernel.requests import LIMIT_MAX, Above, Order, Selection, equal, select


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPage:
    """A page of sums from an hour on, one project's or all."""

    project: str | None = None
    hour_first: int
    """Hours since 1970."""
    limit: int = LIMIT_MAX
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[MetricRow]:
        return select(
            FLEET_METRICS,
            (equal("project", self.project), Above("hour", self.hour_first - 1)),
            order=Order(("hour", "key")),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )


def totals_of(rows: Iterable[MetricRow]) -> dict[str, int]:
    """Sums by measure over all hours and projects of the rows."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.measure] = totals.get(row.measure, 0) + row.total
    return totals


def busy_microseconds(rows: Iterable[MetricRow], *, since: int, now: int, live: int) -> int:
    """How long attempts ran between two instants, added up; ``live`` of them run now.

    ``rows`` are those from the hour of ``since`` on, which is the beginning of an hour.
    """
    begun = over = moved = 0
    for row in rows:
        start = row.hour * HOUR
        match row.measure:
            case "begun":
                begun, moved = begun + row.total, moved + row.total * (now - start)
            case "over":
                over, moved = over + row.total, moved - row.total * (now - start)
            case "begun_microseconds":
                moved -= row.total
            case "over_microseconds":
                moved += row.total
            case _:
                pass
    return moved + (live - begun + over) * (now - since)


def wait_within(totals: Mapping[str, int], share: float) -> int | None:
    """Microseconds within which that share of the assignments came, at most a quarter too many; None without any."""
    buckets = sorted((int(measure.removeprefix(WAIT)), total) for measure, total in totals.items() if _is_wait(measure))
    left = share * sum(total for _, total in buckets)
    for bucket, total in buckets:
        left -= total
        if left <= 0:
            return bound_of(bucket)
    return None


def _is_wait(measure: str) -> bool:
    return measure.startswith(WAIT)
