"""What a fallen or repeated member takes with it, the same in every store."""

from dataclasses import replace

import pytest

from domain.kernel.decider import LeaseChange
from domain.kernel.ids import Instant, StreamId
from infrastructure.log.port import Appended, Log, Member, Moved, Repeated
from tests.contracts.groups import NOW, key, member

SESSION = StreamId("session_1")


@pytest.fixture
def log(log_store: Log) -> Log:
    """A log in which task_0 is at version 1, receipt c0 exists, and the name "taken" leads to project_0."""
    log_store.append([member("c0", ("task_0", 1), keys=(key("taken", "project_0"),))], now=NOW)
    return log_store


def fallen(command: str, *writes: tuple[str, int], **fields: object) -> Member:
    """A member that falls because it read task_0 before it was written."""
    return member(command, *writes, reads=(("task_0", 0),), **fields)


def test_a_reader_of_a_tainted_stream_falls(log: Log) -> None:
    results = log.append([fallen("c1", ("task_1", 1)), member("c2", ("task_2", 1), reads=(("task_1", 1),))], now=NOW)

    assert results == [Moved(streams=("task_0",)), Moved()]


def test_a_writer_of_a_tainted_stream_falls(log: Log) -> None:
    assert log.append([fallen("c1", ("task_1", 1)), member("c2", ("task_1", 2))], now=NOW)[1] == Moved()
    assert log.head() == 1


def test_a_reader_that_did_not_count_the_tainted_write_falls_all_the_same(log: Log) -> None:
    assert log.append([fallen("c1", ("task_1", 1)), member("c2", ("task_1", 1))], now=NOW)[1] == Moved()


def test_taint_goes_on_through_the_members_that_it_felled(log: Log) -> None:
    group = [
        fallen("c1", ("task_1", 1)),
        member("c2", ("task_2", 1), reads=(("task_1", 1),)),
        member("c3", ("task_3", 1), reads=(("task_2", 1),)),
        member("c4", ("task_4", 1)),
    ]

    assert log.append(group, now=NOW)[1:] == [Moved(), Moved(), Appended(2, NOW)]


def test_a_read_of_a_fallen_member_taints_nothing(log: Log) -> None:
    results = log.append([fallen("c1"), member("c2", ("task_0", 2))], now=NOW)

    assert results == [Moved(streams=("task_0",)), Appended(2, NOW)]


def test_a_tainted_member_names_only_what_moved_in_the_store(log: Log) -> None:
    both = member("c2", ("task_2", 1), reads=(("task_1", 1), ("task_0", 0)))

    assert log.append([fallen("c1", ("task_1", 1)), both], now=NOW)[1] == Moved(streams=("task_0",))


def test_a_derived_member_falls_with_its_cause(log: Log) -> None:
    group = [fallen("c1", ("task_1", 1)), member("c2", ("task_2", 1), cause=0), member("c3", ("task_3", 1), cause=1)]

    assert log.append(group, now=NOW)[1:] == [Moved(), Moved()]


def test_a_derived_member_falls_with_a_repeated_cause(log: Log) -> None:
    results = log.append([member("c0", ("task_1", 1)), member("c2", ("task_2", 1), cause=0)], now=NOW)

    assert isinstance(results[0], Repeated)
    assert results[1] == Moved()


def test_a_derived_member_stands_with_its_cause(log: Log) -> None:
    results = log.append([member("c1", ("task_1", 1)), member("c2", ("task_2", 1), cause=0)], now=NOW)

    assert results == [Appended(2, NOW), Appended(3, NOW)]


def test_a_derived_member_with_a_receipt_is_repeated_though_its_cause_fell(log: Log) -> None:
    results = log.append([fallen("c1", ("task_1", 1)), member("c0", ("task_2", 1), cause=0)], now=NOW)

    assert isinstance(results[1], Repeated)


def test_a_repeated_member_taints_what_it_would_have_written(log: Log) -> None:
    """Its versions may fit by chance: the stream moved when the first one was carried out."""
    results = log.append([member("c0", ("task_0", 2)), member("c2", ("task_2", 1), reads=(("task_0", 1),))], now=NOW)

    assert isinstance(results[0], Repeated)
    assert results[1] == Moved()


def test_the_receipt_of_a_refusal_s_id_is_found_too(log: Log) -> None:
    (result,) = log.append([member("c0", reads=(("task_0", 0),), receipt=False)], now=NOW)

    assert isinstance(result, Repeated)


def test_a_key_that_leads_to_another_stream_fells_its_member(log: Log) -> None:
    results = log.append([member("c1", ("project_1", 1), keys=(key("taken", "project_1"),))], now=NOW)

    assert results == [Moved(keys=True)]
    assert log.keys([("fleet", "slug", "taken")]) == {("fleet", "slug", "taken"): "project_0"}


def test_a_key_that_exists_is_a_conflict_whatever_stream_it_leads_to(log: Log) -> None:
    results = log.append([member("c1", ("project_0", 1), keys=(key("taken", "project_0"),))], now=NOW)

    assert results == [Moved(keys=True)]


def test_of_two_members_that_take_one_name_the_first_has_it(log: Log) -> None:
    group = [
        member("c1", ("project_1", 1), keys=(key("new", "project_1"),)),
        member("c2", ("project_2", 1), keys=(key("new", "project_2"),)),
    ]

    assert log.append(group, now=NOW) == [Appended(2, NOW), Moved(keys=True)]
    assert log.keys([("fleet", "slug", "new"), ("fleet", "slug", "none")]) == {("fleet", "slug", "new"): "project_1"}


def test_names_of_other_scopes_and_kinds_do_not_meet(log: Log) -> None:
    group = [
        member("c1", ("project_1", 1), keys=(key("taken", "project_1", kind="other"),)),
        member("c2", ("project_2", 1), keys=(key("taken", "project_2", scope="project_9"),)),
    ]

    assert log.append(group, now=NOW) == [Appended(2, NOW), Appended(3, NOW)]


def test_a_name_that_was_seen_absent_and_exists_fells_its_member(log: Log) -> None:
    seen = (("fleet", "slug", "taken"),)
    unseen = (("fleet", "slug", "free"),)

    assert log.append([member("c1", absent_keys=seen), member("c2", absent_keys=unseen)], now=NOW) == [
        Moved(keys=True),
        Appended(1, NOW),
    ]


def test_a_name_that_an_earlier_member_took_is_no_longer_absent(log: Log) -> None:
    group = [
        member("c1", ("project_1", 1), keys=(key("new", "project_1"),)),
        member("c2", absent_keys=(("fleet", "slug", "new"),), receipt=False),
    ]

    assert log.append(group, now=NOW)[1] == Moved(keys=True)


def test_a_name_of_a_fallen_member_is_tainted(log: Log) -> None:
    group = [
        fallen("c1", ("project_1", 1), keys=(key("new", "project_1"),)),
        member("c2", ("project_2", 1), keys=(key("new", "project_2"),)),
        member("c3", absent_keys=(("fleet", "slug", "new"),)),
    ]

    assert log.append(group, now=NOW)[1:] == [Moved(), Moved()]
    assert log.keys([("fleet", "slug", "new")]) == {}


def test_a_lease_of_a_fallen_member_is_tainted(log: Log) -> None:
    opening = LeaseChange("open", SESSION, 1, ttl_seconds=60)
    group = [
        fallen("c1", ("session_1", 1), leases=(opening,)),
        member("c2", leases=(LeaseChange("end", SESSION, 1),)),
        member("c3", leases=(replace(opening, incarnation=2),)),
    ]

    assert log.append(group, now=NOW)[1:] == [Moved(), Appended(1, NOW)]
    assert [(row.session, row.incarnation) for row in log.leases()] == [("session_1", 2)]


def test_a_lease_whose_stamp_changed_fells_its_member_and_taints(log: Log) -> None:
    log.append([member("c1", leases=(LeaseChange("open", SESSION, 1, ttl_seconds=60),))], now=NOW)
    expiry = LeaseChange("expire", SESSION, 1, stamp=Instant(NOW - 1))

    results = log.append(
        [member("c2", ("session_1", 1), leases=(expiry,)), member("c3", ("session_1", 2))], now=NOW + 1
    )

    assert results == [Moved(lease=True), Moved()]
    assert log.lease("session_1", 1) is not None
    assert len(log.leases()) == 1
