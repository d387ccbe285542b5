"""The measures of a fleet: waits sorted into buckets, time at work from the sums of an hour."""

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.refusal.events import CommandRefused
from domain.task.events import LateReportDiscarded
from projections.fleet_metrics.projection import FLEET_METRICS
from projections.fleet_metrics.queries import busy_microseconds, totals_of, wait_within
from projections.fleet_metrics.rows import HOUR, MetricRow, bound_of, bucket_of
from projections.kernel.replay import replay

DAY = 24 * HOUR


@given(st.integers(0, 30 * DAY))
def test_no_wait_reaches_the_bound_of_its_bucket_and_none_is_far_below(wait: int) -> None:
    bound = bound_of(bucket_of(wait))
    assert wait < bound
    assert bound <= max(500, wait * 1.25 + 250)


@given(st.integers(0, 30 * DAY), st.integers(0, 30 * DAY))
def test_a_longer_wait_has_no_smaller_bucket(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(st.integers(0, DAY), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_at_most_a_quarter_too_long(waits: list[int], share: float) -> None:
    rows = [_row(0, f"wait_{bucket_of(wait)}", 1) for wait in waits]
    told = wait_within(totals_of(rows), share)
    true = sorted(waits)[max(0, -(-len(waits) * int(share * 100) // 100) - 1)]
    assert told is not None
    assert true < told <= max(500, true * 1.25 + 250)


def test_without_assignments_there_is_no_percentile() -> None:
    assert wait_within({"claimed": 0}, 0.5) is None


@given(st.lists(st.tuples(st.integers(0, 10 * HOUR), st.integers(1, 5 * HOUR)), max_size=20), st.integers(0, 9))
def test_time_at_work_is_that_of_every_attempt_in_the_window(attempts: list[tuple[int, int]], first_hour: int) -> None:
    now, since = 12 * HOUR, first_hour * HOUR
    rows: list[MetricRow] = []
    live = true = 0
    for start, length in attempts:
        end = start + length
        ended = end <= now
        live += 0 if ended else 1
        true += max(0, min(end, now) - max(start, since))
        events = [("begun", start)] + ([("over", end)] if ended else [])
        for measure, at in events:
            if at >= since:
                rows += [_row(at // HOUR, measure, 1), _row(at // HOUR, f"{measure}_microseconds", at % HOUR)]
    assert busy_microseconds(rows, since=since, now=now, live=live) == true


def _row(hour: int, measure: str, total: int) -> MetricRow:
    return MetricRow(key=f"p/{hour}/{measure}", project="p", hour=hour, measure=measure, total=total)


def test_what_reached_an_edit_is_what_a_check_point_stopped_and_what_was_reported_too_late() -> None:
    def refused(command: str, code: str) -> CommandRefused:
        return CommandRefused(command=command, code=code, message="", principal="key_1", at=Instant(1))

    events: list[tuple[str, Event]] = [
        ("refusals_1", refused("check_fence", "fence_refused")),
        ("refusals_1", refused("check_locks", "lock_token_fenced")),
        ("refusals_1", refused("release_locks", "lock_token_fenced")),
        ("refusals_1", refused("break_locks", "not_permitted")),
        ("task_1", LateReportDiscarded(token=1, report="complete_task", digest="d", at=Instant(1))),
    ]
    log = [
        Recorded(place, StreamId(stream), place, event, Instant(5), ProjectId("p"), "key_1", "cmd_1", "cmd_1")
        for place, (stream, event) in enumerate(events, 1)
    ]
    totals = totals_of(replay(FLEET_METRICS, log).values())
    assert totals == {"stopped_at_edit": 2, "late_reports": 1}
