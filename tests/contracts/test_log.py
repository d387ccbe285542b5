"""The log's contract: what any store answers to appends and reads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from infrastructure.log.port import Appended, Log, Member, Moved, Repeated
from infrastructure.log.walk import MalformedGroupError
from tests.contracts.groups import NOW, asked, event, key, member


def test_an_empty_log_has_head_zero_and_nothing_in_it(log_store: Log) -> None:
    assert log_store.head() == 0
    assert log_store.page(after=0, limit=10) == []
    assert log_store.events_of("task_1") == []
    assert log_store.events_of_many([("task_1", 0)]) == {"task_1": []}
    assert log_store.receipt(asked("c1")) is None
    assert log_store.era == 1


def test_a_member_is_read_back_as_it_was_written(log_store: Log) -> None:
    assert log_store.append([member("c1", ("task_1", 1))], now=NOW) == [Appended(1, NOW)]

    (row,) = log_store.page(after=0, limit=10)

    assert (row.position, row.stream, row.version, row.type, row.schema_version) == (
        1,
        "task_1",
        1,
        event("", 1).type,
        1,
    )
    assert (row.state, row.recorded_at, row.project, row.actor) == (b'{"at":1}', NOW, "project_1", "key_1")
    assert (row.command_id, row.correlation_id, row.causation_id) == ("c1", "correlation of c1", None)
    assert row.traceparent is None
    assert log_store.events_of("task_1") == [row]


def test_causation_and_trace_are_kept(log_store: Log) -> None:
    cause = member("c1", ("task_1", 1))
    traced = Member(
        **{
            **{name: getattr(cause, name) for name in Member._fields},
            "causation_id": "task_0@3",
            "traceparent": "00-abc-def-01",
        }
    )

    log_store.append([traced], now=NOW)

    (row,) = log_store.page(after=0, limit=1)
    assert (row.causation_id, row.traceparent) == ("task_0@3", "00-abc-def-01")


def test_positions_rise_without_holes_over_fallen_members(log_store: Log) -> None:
    results = log_store.append(
        [
            member("c1", ("task_1", 1), ("task_1", 2), ("lock_1", 1)),
            member("c2", ("task_2", 4)),
            member("c3", ("task_3", 1)),
        ],
        now=NOW,
    )

    assert results == [Appended(3, NOW), Moved(streams=("task_2",)), Appended(4, NOW)]
    assert [(row.position, row.stream) for row in log_store.page(after=0, limit=10)] == [
        (1, "task_1"),
        (2, "task_1"),
        (3, "lock_1"),
        (4, "task_3"),
    ]
    assert log_store.head() == 4


def test_appends_of_many_threads_leave_no_hole_and_no_double(log_store: Log) -> None:
    def write(thread: int) -> None:
        for number in range(1, 21):
            (result,) = log_store.append([member(f"c{thread}-{number}", (f"task_{thread}", number))], now=NOW)
            assert isinstance(result, Appended)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    rows = log_store.page(after=0, limit=1000)
    assert [row.position for row in rows] == list(range(1, 81))
    for thread in range(4):
        assert [row.version for row in rows if row.stream == f"task_{thread}"] == list(range(1, 21))


def test_one_of_two_writers_of_a_version_wins(log_store: Log) -> None:
    def write(thread: int) -> bool:
        (result,) = log_store.append([member(f"c{thread}", ("task_1", 1))], now=NOW)
        return isinstance(result, Appended)

    with ThreadPoolExecutor(4) as threads:
        wins = list(threads.map(write, range(8)))

    assert sum(wins) == 1
    assert log_store.head() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        [member("c1", ("task_1", 2), reads=(("task_1", 0),))],
        [member("c1", ("task_1", 1), ("task_1", 3))],
        [member("c1", ("task_1", 0), reads=(("task_1", 0),))],
        [Member(**{**{n: getattr(member("c1", ("task_1", 1)), n) for n in Member._fields}, "reads": ()})],
        [member("c1", ("task_1", 1)), member("c1", ("task_2", 1))],
        [member("c1", ("task_1", 1), cause=1)],
        [member("c1", keys=(key("a", "x"), key("a", "y")))],
    ],
    ids=["hole", "hole later", "again", "not read", "id twice", "own cause", "key twice"],
)
def test_a_group_that_contradicts_itself_is_refused_whole(log_store: Log, wrong: list[Member]) -> None:
    with pytest.raises(MalformedGroupError):
        log_store.append([member("c0", ("task_0", 1)), *wrong], now=NOW)

    assert log_store.head() == 0
    assert log_store.receipt(asked("c0")) is None


def test_a_member_whose_read_stream_moved_falls_and_names_it(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1), ("lock_1", 1))], now=NOW)

    results = log_store.append([member("c2", ("task_2", 1), reads=(("task_1", 0), ("lock_1", 1)))], now=NOW)

    assert results == [Moved(streams=("task_1",))]
    assert log_store.head() == 2
    assert log_store.receipt(asked("c2")) is None


def test_a_read_ahead_of_the_log_falls_too(log_store: Log) -> None:
    assert log_store.append([member("c1", reads=(("task_1", 3),))], now=NOW) == [Moved(streams=("task_1",))]


def test_versions_count_what_earlier_members_wrote(log_store: Log) -> None:
    results = log_store.append(
        [member("c1", ("task_1", 1)), member("c2", ("task_1", 2)), member("c3", reads=(("task_1", 2),))], now=NOW
    )

    assert results == [Appended(1, NOW), Appended(2, NOW), Appended(2, NOW)]


def test_a_read_only_member_is_only_checked(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1))], now=NOW)

    results = log_store.append(
        [
            member("c2", reads=(("task_1", 1),), receipt=False),
            member("c3", reads=(("task_1", 0),), receipt=False),
        ],
        now=NOW + 5,
    )

    assert results == [Appended(1, NOW + 5), Moved(streams=("task_1",))]
    assert log_store.receipts_present(["c1", "c2", "c3"]) == {"c1"}


def test_a_command_without_events_leaves_a_receipt_at_the_head(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1))], now=NOW)

    assert log_store.append([member("c2", reads=(("task_1", 1),))], now=NOW) == [Appended(1, NOW)]

    receipt = log_store.receipt(asked("c2"))
    assert receipt is not None
    assert receipt.position == 1


def test_a_repeat_is_answered_by_the_first_receipt_and_writes_nothing(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1))], now=NOW)

    (result,) = log_store.append([member("c1", ("task_1", 2))], now=NOW + 1)

    assert isinstance(result, Repeated)
    assert (result.receipt.command_id, result.receipt.project, result.receipt.principal) == ("c1", "project_1", "key_1")
    assert (result.receipt.digest, result.receipt.outcome) == (b"digest of c1", b'{"answer":"c1"}')
    assert (result.receipt.time, result.receipt.position) == (NOW, 1)
    assert log_store.receipt(asked("c1")) == result.receipt
    assert log_store.head() == 1


def test_a_receipt_is_looked_up_before_the_reads_are_checked(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1))], now=NOW)

    (result,) = log_store.append([member("c1", ("task_1", 1))], now=NOW)

    assert isinstance(result, Repeated)


def test_recorded_at_never_falls_though_the_clock_does(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1))], now=NOW)

    assert log_store.append([member("c2", ("task_1", 2))], now=NOW - 1_000_000) == [Appended(2, NOW)]
    assert log_store.append([member("c3", ("task_1", 3))], now=NOW + 7) == [Appended(3, NOW + 7)]
    assert [row.recorded_at for row in log_store.page(after=0, limit=9)] == [NOW, NOW, NOW + 7]


def test_events_of_a_stream_come_after_a_version_and_up_to_a_limit(log_store: Log) -> None:
    log_store.append([member("c1", *(("task_1", version) for version in range(1, 6)), ("task_2", 1))], now=NOW)

    assert [row.version for row in log_store.events_of("task_1", after=2)] == [3, 4, 5]
    assert [row.version for row in log_store.events_of("task_1", after=2, limit=2)] == [3, 4]
    assert log_store.events_of("task_1", after=5) == []


def test_events_of_many_streams_come_each_after_its_own_version(log_store: Log) -> None:
    log_store.append([member("c1", *(("task_1", version) for version in range(1, 4)), ("task_2", 1))], now=NOW)

    found = log_store.events_of_many([("task_1", 1), ("task_2", 0), ("task_3", 0)])

    assert {stream: [row.version for row in rows] for stream, rows in found.items()} == {
        "task_1": [2, 3],
        "task_2": [1],
        "task_3": [],
    }


def test_a_page_begins_after_a_position_and_ends_at_its_limit(log_store: Log) -> None:
    log_store.append([member("c1", *(("task_1", version) for version in range(1, 6)))], now=NOW)

    assert [row.position for row in log_store.page(after=1, limit=3)] == [2, 3, 4]
    assert [row.position for row in log_store.page(after=4, limit=3)] == [5]


def test_an_append_of_nothing_answers_nothing(log_store: Log) -> None:
    assert log_store.append([], now=NOW) == []
    assert log_store.head() == 0


def test_a_decision_under_the_lock_reads_what_is_committed_and_is_appended(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1))], now=NOW)

    def decide() -> list[Member]:
        version = log_store.events_of("task_1")[-1].version
        return [member("c2", ("task_1", version + 1))]

    assert log_store.append_locked(decide, now=NOW) == [Appended(2, NOW)]


def test_a_decision_under_the_lock_that_fails_leaves_the_log_usable(log_store: Log) -> None:
    def decide() -> list[Member]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        log_store.append_locked(decide, now=NOW)

    assert log_store.append([member("c1", ("task_1", 1))], now=NOW) == [Appended(1, NOW)]


def test_a_decision_under_the_lock_holds_at_most_64_members(log_store: Log) -> None:
    with pytest.raises(MalformedGroupError):
        log_store.append_locked(lambda: [member(f"c{n}", (f"task_{n}", 1)) for n in range(65)], now=NOW)

    assert log_store.head() == 0


def test_no_append_comes_between_a_decision_under_the_lock_and_its_writes(log_store: Log) -> None:
    log_store.append([member("c0", ("task_1", 1))], now=NOW)

    def count_up(number: int) -> None:
        def decide() -> list[Member]:
            return [member(f"c{number}", ("task_1", log_store.events_of("task_1")[-1].version + 1))]

        (result,) = log_store.append_locked(decide, now=NOW)
        assert isinstance(result, Appended)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count_up, range(1, 21)))

    assert [row.version for row in log_store.events_of("task_1")] == list(range(1, 22))


def test_durable_settings_pass_their_check(log_store: Log) -> None:
    assert log_store.check_durability() == ()


def test_the_clock_of_the_store_goes_forward(log_store: Log) -> None:
    first = log_store.now()
    assert log_store.now() >= first > NOW
