"""The measures of a point: hours that were over by then from the read model, the last one from the log."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import REGISTRY
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.kernel.past.errors import HourTooFull
from domain.session.events import SessionAttemptEnded, SessionAttemptStarted, SessionDrainEnded
from domain.task.events import LateReportDiscarded
from infrastructure.history.measures import HourSoFar, hour_so_far
from infrastructure.log.archived import Archive, BaseState
from infrastructure.log.mapper import recorded
from infrastructure.log.past_states import PastState
from infrastructure.log.port import LogRow
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.fleet_metrics.rows import HOUR
from projections.kernel.replay import replay

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


@given(happened, st.data())
def test_earlier_hours_and_the_last_one_so_far_are_the_sums_of_the_prefix(
    steps: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    log = log_of(steps)
    position = data.draw(st.integers(1, log.head()))
    found = hour_so_far(log, position)
    assert isinstance(found, HourSoFar)
    assert (found.position, found.at) == (position, log.rows[position - 1].recorded_at)
    hour = found.at // HOUR
    whole = replay(FLEET_METRICS, (recorded(row, REGISTRY) for row in log.rows))
    told = {row.key: row for row in whole.values() if row.hour < hour} | {row.key: row for row in found.rows}
    assert told == replay(FLEET_METRICS, (recorded(row, REGISTRY) for row in log.rows[:position]))
    # What the read model has to hold before it is asked: everything of earlier hours, and nothing more.
    assert all((row.recorded_at // HOUR < hour) is (row.position <= found.before) for row in log.rows[:position])


def test_in_front_of_all_events_and_beyond_them() -> None:
    log = log_of([(0, 0, "p1"), (3, 0, "p1")])
    nothing, end = hour_so_far(log, 0), hour_so_far(log, 99)
    assert isinstance(nothing, HourSoFar)
    assert isinstance(end, HourSoFar)
    assert (nothing.at, nothing.rows) == (0, ())
    assert (end.position, sum(row.total for row in end.rows)) == (2, 2)
    assert hour_so_far(Rows([]), 5) == nothing


@pytest.mark.parametrize(("events_max", "refused"), [(2, True), (3, False)])
def test_an_hour_that_is_too_full_is_refused_in_words(events_max: int, refused: bool) -> None:
    log = log_of([(0, 0, "p1"), (90, 0, "p1"), (1, 0, "p1"), (1, 0, "p1"), (1, 0, "p1")])
    found = hour_so_far(log, 4, events_max)
    assert isinstance(found, HourTooFull) is refused
    if isinstance(found, HourTooFull):
        assert "3 events" in found.message()
        assert "nearer" in found.advice()
