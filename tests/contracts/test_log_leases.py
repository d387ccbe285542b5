"""Lease rows, the alive mark and duties: what lives beside the log."""

import pytest

from domain.kernel.decider import LeaseChange
from domain.kernel.ids import Instant, StreamId
from infrastructure.log.port import Appended, Lease, Log, Moved
from tests.contracts.groups import NOW, member

SECOND = 1_000_000


def opened(log: Log, *sessions: str, incarnation: int = 1, ttl_seconds: int = 60) -> None:
    for session in sessions:
        change = LeaseChange("open", StreamId(session), incarnation, ttl_seconds)
        (result,) = log.append([member(f"open {session} {incarnation}", leases=(change,))], now=NOW)
        assert isinstance(result, Appended)


def changed(log: Log, change: LeaseChange, *, now: int = NOW) -> bool:
    command = f"{change.action} {change.session} {now}"
    (result,) = log.append([member(command, leases=(change,))], now=now)
    assert isinstance(result, Appended) or result == Moved(lease=True)
    return isinstance(result, Appended)


def test_an_opened_lease_carries_the_instant_of_its_append(log_store: Log) -> None:
    opened(log_store, "session_1")

    row = Lease("session_1", 1, 60, NOW, ended=False)
    assert log_store.lease("session_1", 1) == row
    assert log_store.leases() == [row]
    assert log_store.lease("session_1", 2) is None


def test_opening_a_running_lease_again_renews_it_with_the_new_ttl(log_store: Log) -> None:
    opened(log_store, "session_1")

    assert changed(log_store, LeaseChange("open", StreamId("session_1"), 1, 90), now=NOW + SECOND)

    assert log_store.lease("session_1", 1) == Lease("session_1", 1, 90, NOW + SECOND, ended=False)


def test_an_ended_incarnation_is_never_opened_again(log_store: Log) -> None:
    opened(log_store, "session_1")
    assert changed(log_store, LeaseChange("end", StreamId("session_1"), 1))

    assert not changed(log_store, LeaseChange("open", StreamId("session_1"), 1, 60), now=NOW + 1)
    opened(log_store, "session_1", incarnation=2)

    assert [(row.session, row.incarnation) for row in log_store.leases()] == [("session_1", 2)]


def test_an_ended_lease_stays_readable_and_ending_it_again_changes_nothing(log_store: Log) -> None:
    opened(log_store, "session_1")

    assert changed(log_store, LeaseChange("end", StreamId("session_1"), 1), now=NOW)
    assert changed(log_store, LeaseChange("end", StreamId("session_1"), 1), now=NOW + 1)

    row = log_store.lease("session_1", 1)
    assert row is not None
    assert row.ended
    assert log_store.leases() == []


def test_a_renewal_answers_the_stamp_and_leaves_out_what_is_missing_or_ended(log_store: Log) -> None:
    opened(log_store, "session_1", "session_2", "session_3")
    changed(log_store, LeaseChange("end", StreamId("session_2"), 1))

    stamps = log_store.renew(
        [("session_3", 1), ("session_1", 1), ("session_2", 1), ("session_1", 2), ("session_1", 1)], now=NOW + SECOND
    )

    assert stamps == {("session_1", 1): NOW + SECOND, ("session_3", 1): NOW + SECOND}
    assert {row.session: row.renewed_at for row in log_store.leases()} == {
        "session_1": NOW + SECOND,
        "session_3": NOW + SECOND,
    }


def test_a_renewal_always_changes_the_stamp_and_never_lowers_it(log_store: Log) -> None:
    opened(log_store, "session_1")

    first = log_store.renew([("session_1", 1)], now=NOW)[("session_1", 1)]
    second = log_store.renew([("session_1", 1)], now=NOW - SECOND)[("session_1", 1)]

    assert NOW < first < second


def test_a_renewal_of_nothing_answers_nothing(log_store: Log) -> None:
    assert log_store.renew([], now=NOW) == {}


def test_an_expiry_with_the_stamp_that_was_read_ends_the_lease(log_store: Log) -> None:
    opened(log_store, "session_1")

    assert changed(log_store, LeaseChange("expire", StreamId("session_1"), 1, stamp=Instant(NOW)))

    assert log_store.leases() == []
    assert log_store.renew([("session_1", 1)], now=NOW + SECOND) == {}


def test_an_expiry_that_a_renewal_overtook_falls(log_store: Log) -> None:
    opened(log_store, "session_1")
    log_store.renew([("session_1", 1)], now=NOW)

    assert not changed(log_store, LeaseChange("expire", StreamId("session_1"), 1, stamp=Instant(NOW)))

    assert len(log_store.leases()) == 1


@pytest.mark.parametrize("incarnation", [1, 2])
def test_an_expiry_of_an_ended_or_unknown_lease_falls(log_store: Log, incarnation: int) -> None:
    opened(log_store, "session_1")
    changed(log_store, LeaseChange("end", StreamId("session_1"), 1))

    assert not changed(log_store, LeaseChange("expire", StreamId("session_1"), incarnation, stamp=Instant(NOW)))


def test_a_later_member_sees_the_lease_as_an_earlier_one_left_it(log_store: Log) -> None:
    opened(log_store, "session_1")
    group = [
        member("c1", leases=(LeaseChange("end", StreamId("session_1"), 1),)),
        member("c2", leases=(LeaseChange("expire", StreamId("session_1"), 1, stamp=Instant(NOW)),)),
    ]

    assert log_store.append(group, now=NOW) == [Appended(0, NOW), Moved(lease=True)]


def test_the_alive_mark_answers_its_former_value_and_never_goes_back(log_store: Log) -> None:
    assert log_store.beat(now=NOW) == 0
    assert log_store.beat(now=NOW + SECOND) == NOW
    assert log_store.beat(now=NOW - SECOND) == NOW + SECOND
    assert log_store.beat(now=NOW) == NOW + SECOND


def test_a_duty_has_one_holder_until_it_lapses(log_store: Log) -> None:
    assert log_store.hold_duty("ticker", "node_1", now=NOW, seconds=10)
    assert not log_store.hold_duty("ticker", "node_2", now=NOW + 9 * SECOND, seconds=10)
    assert log_store.hold_duty("ticker", "node_1", now=NOW + 9 * SECOND, seconds=10)
    assert not log_store.hold_duty("ticker", "node_2", now=NOW + 18 * SECOND, seconds=10)
    assert log_store.hold_duty("reactor", "node_2", now=NOW, seconds=10)
    assert log_store.hold_duty("ticker", "node_2", now=NOW + 19 * SECOND, seconds=10)
    assert not log_store.hold_duty("ticker", "node_1", now=NOW + 19 * SECOND, seconds=10)


def test_a_clock_that_was_set_back_holds_up_neither_duty_nor_mark(log_store: Log) -> None:
    ahead = NOW + 3_600 * SECOND
    assert log_store.hold_duty("ticker", "node_1", now=ahead, seconds=10)
    assert not log_store.hold_duty("ticker", "node_2", now=ahead - SECOND, seconds=10)
    assert log_store.hold_duty("ticker", "node_2", now=ahead - SECOND - 1, seconds=10)
    assert log_store.hold_duty("ticker", "node_3", now=NOW, seconds=10)
    log_store.beat(now=ahead)
    assert log_store.beat(now=NOW, anew=True) == ahead
    assert log_store.alive_through() == NOW
