"""The measures of a point: what the read model tells of stretches before it, the last one from the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import REGISTRY
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.session.events import SessionAttemptEnded, SessionAttemptStarted, SessionDrainEnded
from domain.task.events import LateReportDiscarded
from infrastructure.history.measures import hour_so_far, sums_at
from infrastructure.log.archived import Archive, BaseState
from infrastructure.log.mapper import recorded
from infrastructure.log.past_states import PastState
from infrastructure.log.port import LogRow
from projections.fleet_metrics import rows
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.fleet_metrics.queries import totals_of
from projections.fleet_metrics.rows import HOUR, MetricRow, rewound
from projections.kernel.replay import replay
from projections.kernel.rows import entries

MINUTE = HOUR // 60


@dataclass(frozen=True)
class Rows:
    """A log that is all there already."""

    rows: list[LogRow]

    def head(self) -> int:
        return len(self.rows)

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        return self.rows[after : after + limit]

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return [row for row in self.rows if row.stream == stream and row.version > after][:limit]

    def archives(self) -> list[Archive]:
        return []

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        return {}

    def has_stream(self, stream: str) -> bool:
        return True

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        return None


def log_of(happened: list[tuple[int, int, str]]) -> Rows:
    """Gaps in minutes, which event, and in which project."""
    at, rows = 400_000 * HOUR, list[LogRow]()
    for place, (gap, kind, project) in enumerate(happened, start=1):
        at += gap * MINUTE
        event: Event = (
            LateReportDiscarded(token=place, report="complete_task", digest="d", at=Instant(at)),
            SessionAttemptStarted(project=ProjectId(project), task=StreamId("task_1"), token=place),
            SessionAttemptEnded(token=place, outcome="completed", project=ProjectId(project)),
            SessionDrainEnded(incarnation=1, by="key_1", at=Instant(at)),
        )[kind]
        where = project if kind == 0 else "fleet"
        rows.append(
            LogRow(place, "s_1", place, event.TYPE, 1, event.stored(), at, where, "a", f"c{place}", "c", None, None)
        )
    return Rows(rows)


happened = st.lists(
    st.tuples(st.sampled_from((0, 1, 7, 31, 90)), st.integers(0, 3), st.sampled_from(("p1", "p2"))),
    min_size=1,
    max_size=40,
)


@given(happened, st.data(), st.sampled_from((1, 3, 10, 100)))
def test_the_kept_sums_and_the_last_stretch_so_far_are_the_sums_of_the_prefix(
    steps: list[tuple[int, int, str]], data: st.DataObject, stretch_events: int
) -> None:
    log = log_of(steps)
    position = data.draw(st.integers(1, log.head()))
    kept_to = data.draw(st.integers(position, log.head()))
    with patch.object(rows, "STRETCH_EVENTS", stretch_events):
        found = hour_so_far(log, position)
        assert (found.position, found.at) == (position, log.rows[position - 1].recorded_at)
        assert position - found.before <= stretch_events
        hour = found.at // HOUR
        kept = sums_of(log, kept_to)
        right = sums_of(log, position)
        assert {row.key: row for row in sums_at(log, position, kept.values())} == right
        # The read model may hold as little as it has to: everything up to ``before``.
        least = sums_of(log, found.before)
        told = [row for row in least.values() if row.hour < hour]
        told += [then for row in least.values() if row.hour == hour and (then := rewound(row, found.stretch))]
        assert totals_of((*told, *found.rows)) == totals_of(right.values())


def sums_of(log: Rows, position: int) -> dict[str, MetricRow]:
    return replay(FLEET_METRICS, (recorded(row, REGISTRY) for row in log.rows[:position]))


def test_in_front_of_all_events_and_beyond_them() -> None:
    log = log_of([(0, 0, "p1"), (3, 0, "p1")])
    nothing, end = hour_so_far(log, 0), hour_so_far(log, 99)
    assert (nothing.at, nothing.rows) == (0, ())
    assert (end.position, sum(row.total for row in end.rows)) == (2, 2)
    assert hour_so_far(Rows([]), 5) == nothing


def test_a_sum_tells_what_it_was_at_the_end_of_each_stretch_in_which_it_counted() -> None:
    log = log_of([(0, 0, "p1"), (0, 0, "p1"), (0, 0, "p2"), (0, 0, "p2"), (0, 0, "p2"), (0, 0, "p1")])
    with patch.object(rows, "STRETCH_EVENTS", 2):
        (one,) = (row for row in sums_of(log, 6).values() if row.project == "p1")
        assert (one.total, one.stretch) == (3, 2)
        assert [entry["total"] for entry in entries(one.marks)] == [2]
        assert rewound(one, 3) == one
        assert [getattr(rewound(one, stretch), "total", None) for stretch in (0, 1, 2)] == [None, 2, 2]
