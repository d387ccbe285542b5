"""Receipts are kept for eight days and those of derived commands for ever; ended leases go, running ones stay."""

import pytest

from domain.kernel.decider import LeaseChange
from domain.kernel.ids import SECOND, Instant, StreamId, command_id_of
from infrastructure.log.port import Log, Member
from infrastructure.runtime import retention
from infrastructure.runtime.retention import KEPT_SECONDS, REST_SECONDS, Retention
from tests.contracts.groups import NOW, asked, member

KEPT = KEPT_SECONDS * SECOND
DERIVED = command_id_of("ready_dependants", "task_1", 1, "task_2")


def commands(log: Log, *ids: str, time: int) -> None:
    found = log.append([member(one)._replace(time=time) for one in ids], now=time)
    assert len(found) == len(ids)


def leased(log: Log, session: str, *, ended: bool, now: int) -> None:
    changes = (LeaseChange("open", StreamId(session), 1, 60), *([LeaseChange("end", StreamId(session), 1)] * ended))
    lone: list[Member] = [member(f"derived_{session}{number}", leases=(one,)) for number, one in enumerate(changes)]
    log.append(lone, now=now)


def walk(kept: Retention, now: int, steps: int = 10) -> None:
    for _ in range(steps):
        kept.step(Instant(now))


def test_receipts_are_kept_for_their_time_and_those_of_derived_commands_for_ever(log_store: Log) -> None:
    old, young = ("A", "cmd_old", "derived", "z_old"), ("cmd_young", "z_young")
    commands(log_store, *old, DERIVED, time=NOW)
    commands(log_store, *young, time=NOW + 1)
    everything = [*old, DERIVED, *young]
    walk(Retention(log_store), NOW + KEPT)
    assert log_store.receipts_present(everything) == set(everything)
    walk(Retention(log_store), NOW + KEPT + 1)
    assert log_store.receipts_present(everything) == {DERIVED, *young}
    walk(Retention(log_store), NOW + 100 * KEPT)
    assert log_store.receipts_present(everything) == {DERIVED}


def test_a_forgotten_command_may_come_again_as_a_new_one(log_store: Log) -> None:
    commands(log_store, "cmd_1", time=NOW)
    walk(Retention(log_store), NOW + 2 * KEPT)
    commands(log_store, "cmd_1", time=NOW + 2 * KEPT)
    receipt = log_store.receipt(asked("cmd_1"))
    assert receipt is not None
    assert receipt.time == NOW + 2 * KEPT


def test_a_walk_goes_on_where_it_was_and_then_rests(log_store: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_MAX", 2)
    old = [f"cmd_{number}" for number in range(5)] + [f"x{number}" for number in range(3)]
    commands(log_store, *old, time=NOW)
    for number in range(4):
        leased(log_store, f"s{number}", ended=True, now=NOW)
    kept, now = Retention(log_store), NOW + 2 * KEPT
    kept.step(Instant(now))
    if log_store.era and type(log_store).__name__ != "MemoryLog":
        assert len(log_store.receipts_present(old)) == 6, "one step looks at two rows"
    walk(kept, now, 12)
    assert not log_store.receipts_present(old)
    assert all(log_store.lease(f"s{number}", 1) is None for number in range(4))
    commands(log_store, "cmd_late", time=NOW)
    walk(kept, now + REST_SECONDS * SECOND - 1)
    assert log_store.receipt(asked("cmd_late")) is not None, "it rests"
    walk(kept, now + REST_SECONDS * SECOND)
    assert log_store.receipt(asked("cmd_late")) is None


def test_a_clock_that_was_set_back_does_not_make_it_rest_for_long(log_store: Log) -> None:
    commands(log_store, "cmd_1", time=NOW - KEPT - 1)
    kept = Retention(log_store)
    walk(kept, NOW - KEPT + 50 * REST_SECONDS * SECOND)
    walk(kept, NOW)
    assert log_store.receipt(asked("cmd_1")) is None


def test_ended_leases_go_after_their_time_and_running_ones_stay(log_store: Log) -> None:
    leased(log_store, "old", ended=True, now=NOW)
    leased(log_store, "young", ended=True, now=NOW + 1)
    leased(log_store, "running", ended=False, now=NOW)
    walk(Retention(log_store), NOW + KEPT + 1)
    assert log_store.lease("old", 1) is None
    assert log_store.lease("young", 1) is not None
    assert log_store.lease("running", 1) is not None
