"""What may happen to locks that are held: modes, transfers, breaks, loss rules, expiry, preemption, check points."""

from typing import Any

import pytest

from domain.dispatch.authority import actions_of
from domain.dispatch.lock_checks import LocksChecked
from domain.dispatch.lock_held import grant_taken
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.commands import (
    AcceptLocks,
    AcquireLocks,
    BreakLocks,
    CheckFence,
    CheckLocks,
    DowngradeLocks,
    ExpireLease,
    LiftQuarantine,
    PreemptLocks,
    ReleaseLocks,
    RevertTransfer,
    TransferLocks,
    UpgradeLocks,
)
from domain.lock.errors import (
    Deadlock,
    FenceRefused,
    LockConflict,
    LockTokenFenced,
    NoStrongerMode,
    NotInQuarantine,
    NotLockOwner,
    NotTransferred,
    WideUpgrade,
)
from domain.lock.events import (
    LeaseExpired,
    LockRevokeNoticed,
    LocksBroken,
    LocksDowngraded,
    LocksGranted,
    LocksLingered,
    LocksQuarantined,
    LocksReleased,
    LocksTransferred,
    LockTransferReverted,
    SoftConflictNoticed,
)
from domain.session.commands import EndSession
from domain.session.events import SessionGrantGone
from tests.decisions.test_lock_waiting import PROJECT, SPACE, Fleet, events, token, told

HOURS_8 = 8 * 3_600


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def holder(command: Any, fleet: Fleet, session: str, held: str, **more: Any) -> Decision:
    made = command(project=PROJECT, session=session, incarnation=1, token=held, **more)
    return fleet.when(made, fleet.agent())


def derived(command: Any, fleet: Fleet, **more: Any) -> Decision:
    return fleet.when(command(project=PROJECT, **more), fleet.stamp(PROJECT, "policy:x"))


def ask(fleet: Fleet, session: str, claim: str, mode: LockMode = "exclusive", **more: Any) -> Decision:
    fields: dict[str, Any] = {"wait": "queue", **more}
    claims = (ScopeClaim(claim=claim, mode=mode),)
    command = AcquireLocks(project=PROJECT, session=session, incarnation=1, claims=claims, **fields)
    return fleet.when(command, fleet.agent())


def owners(fleet: Fleet) -> dict[int, str]:
    return {number: grant.owner.name for number, grant in fleet.states[SPACE].grants.items()}


def test_a_downgrade_is_immediate_keeps_the_token_and_lets_readers_in(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.ask(two, "a", mode="shared")
    decision = holder(DowngradeLocks, fleet, one, held, mode="shared")
    assert told(decision).token == held
    down, granted = events(decision, SPACE)
    assert isinstance(down, LocksDowngraded)
    assert granted.session == two
    assert holder(DowngradeLocks, fleet, one, held, mode="update").writes == ()


def test_an_upgrade_ends_the_old_token_with_the_new_one(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "a", mode="update"))
    decision = holder(UpgradeLocks, fleet, one, held)
    new = token(decision)
    assert int(new) > int(held)
    assert owners(fleet) == {int(new): f"{one}#1"}
    assert events(decision, one) == [
        SessionGrantGone(project=PROJECT, token=int(held)),
        grant_taken(int(new), PROJECT, fleet.now),
    ]
    assert isinstance(holder(UpgradeLocks, fleet, one, held).rejection, LockTokenFenced)
    assert isinstance(holder(UpgradeLocks, fleet, one, new).rejection, NoStrongerMode)


def test_an_updater_waits_for_the_readers_and_then_writes(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a", mode="update"))
    reader = token(fleet.ask(two, "a", mode="shared"))
    assert isinstance(holder(UpgradeLocks, fleet, one, held).rejection, LockConflict)
    first = holder(UpgradeLocks, fleet, one, held, wait="queue")
    assert told(first).outcome == "waiting"
    assert told(holder(UpgradeLocks, fleet, one, held, wait="queue")).request == told(first).request
    decision = fleet.release(two, reader)
    granted = events(decision, SPACE)[-1]
    assert (granted.session, granted.replaces) == (one, int(held))
    assert list(owners(fleet)) == [granted.token]
    assert [number for _, number in fleet.states[one].grants] == [granted.token]


def test_the_second_reader_that_upgrades_is_told_deadlock(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    first = token(fleet.ask(one, "a", mode="shared"))
    second = token(fleet.ask(two, "a", mode="shared"))
    assert told(holder(UpgradeLocks, fleet, one, first, wait="queue")).outcome == "waiting"
    assert isinstance(holder(UpgradeLocks, fleet, two, second, wait="queue").rejection, Deadlock)


def test_a_whole_repository_does_not_become_exclusive_by_an_upgrade(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "**", mode="shared"))
    assert isinstance(holder(UpgradeLocks, fleet, one, held).rejection, WideUpgrade)


def test_a_newer_request_takes_the_place_of_waiting_ones_with_its_key_and_never_of_a_holder(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    ask(fleet, one, "env:staging", supersede_key="deploy")
    ask(fleet, two, "env:staging", supersede_key="deploy")
    decision = ask(fleet, three, "env:staging", supersede_key="deploy")
    assert told(decision).place == 1
    assert [waiter.owner.session for waiter in fleet.states[SPACE].waiters.values()] == [three]
    assert list(owners(fleet).values()) == [f"{one}#1"]
    assert told(ask(fleet, three, "env:staging", "shared", supersede_key="deploy")).request == "3"


def test_who_asks_again_for_the_same_keeps_its_place_and_waits_on(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    held = token(ask(fleet, one, "path:app//a"))
    wait: dict[str, Any] = {"supersede_key": "hook:two", "wait_timeout_seconds": 120.0}
    first = told(ask(fleet, two, "path:app//a", **wait))
    fleet.now = Instant(fleet.now + 60 * SECOND)
    ask(fleet, three, "path:app//a", supersede_key="hook:three")
    again = told(ask(fleet, two, "path:app//a", **wait))
    assert (first.place, again.place, again.expires_at) == (1, 1, fleet.now + 120 * SECOND)
    assert [one.request for one in again.blockers if one.request] == []
    assert told(ask(fleet, two, "path:app//b", **wait)).outcome == "granted", "for something else it gives up its place"
    ask(fleet, two, "path:app//a", **wait)
    fleet.release(one, held)
    assert three in {owner.partition("#")[0] for owner in owners(fleet).values()}


def test_a_transfer_skips_the_queue_and_is_kept_once_accepted(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.ask(three, "a")
    decision = holder(TransferLocks, fleet, one, held, receiver=two)
    answer = told(decision)
    new = int(answer.token or "")
    assert (answer.outcome, answer.expires_at) == ("offered", fleet.now + 60 * SECOND)
    assert [type(event) for event in events(decision, SPACE)] == [LocksTransferred]
    assert owners(fleet) == {new: f"{two}#1"}
    assert isinstance(holder(TransferLocks, fleet, one, held, receiver=two).rejection, LockTokenFenced)
    assert isinstance(holder(TransferLocks, fleet, two, str(new), receiver=three).rejection, NotTransferred)
    holder(AcceptLocks, fleet, two, str(new))
    assert holder(AcceptLocks, fleet, two, str(new)).writes == ()
    fleet.advance(61)
    assert derived(RevertTransfer, fleet, token=str(new)).writes == ()
    assert fleet.release(two, str(new)).rejection is None
    assert list(owners(fleet).values()) == [f"{three}#1"]


def test_a_transfer_that_nobody_accepts_goes_back_under_a_third_token(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    new = told(holder(TransferLocks, fleet, one, held, receiver=two)).token or ""
    assert derived(RevertTransfer, fleet, token=new).writes == ()
    fleet.advance(60)
    (reverted,) = events(derived(RevertTransfer, fleet, token=new), SPACE)
    assert isinstance(reverted, LockTransferReverted)
    assert owners(fleet) == {reverted.successor: f"{one}#1"}
    assert reverted.successor > int(new) > int(held)
    assert [number for _, number in fleet.states[one].grants] == [reverted.successor]
    assert not fleet.states[two].grants


def test_a_transfer_back_to_one_that_is_gone_frees_the_locks_by_their_rule(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(ask(fleet, one, "env:staging"))
    new = told(holder(TransferLocks, fleet, one, held, receiver=two)).token or ""
    fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    fleet.advance(60)
    derived(RevertTransfer, fleet, token=new)
    assert owners(fleet) == {}
    assert not fleet.states[two].grants


def test_a_transfer_that_would_close_a_circle_is_refused(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.ask(three, "b")
    fleet.ask(two, "b")
    fleet.ask(three, "a/x")
    refused = holder(TransferLocks, fleet, one, held, receiver=two).rejection
    assert isinstance(refused, Deadlock)
    assert owners(fleet)[int(held)] == f"{one}#1"


def test_a_transfer_names_a_session_that_can_take_it(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    assert isinstance(holder(TransferLocks, fleet, one, held, receiver="sess_x").rejection, UnknownThing)
    assert isinstance(holder(TransferLocks, fleet, one, held, receiver=one).rejection, NotTransferred)
    assert isinstance(holder(TransferLocks, fleet, two, held, receiver=one).rejection, NotLockOwner)


def test_a_break_names_the_token_and_the_reason_and_frees_at_once(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.ask(two, "a")
    command = BreakLocks(project=PROJECT, token=held, reason="the host burnt down")
    decision = fleet.when(command, fleet.stamp(PROJECT, "key_person"))
    broken, granted = events(decision, SPACE)
    assert broken == LocksBroken(token=int(held), reason="the host burnt down", by="key_person", at=fleet.now)
    assert granted.session == two
    assert events(decision, one) == [SessionGrantGone(project=PROJECT, token=int(held))]
    assert isinstance(fleet.when(command, fleet.stamp(PROJECT, "key_person")).rejection, LockTokenFenced)
    assert owners(fleet) == {granted.token: f"{two}#1"}


@pytest.mark.parametrize(
    ("claim", "rule", "ended"),
    [
        ("path:r//a", None, LocksLingered),
        ("env:staging", None, LocksReleased),
        ("path:r//a", "release", LocksReleased),
        ("env:staging", "lock_delay", LocksLingered),
        ("worktree:host//x", "quarantine", LocksQuarantined),
    ],
)
def test_on_loss_each_grant_follows_its_own_rule(fleet: Fleet, claim: str, rule: Any, ended: type) -> None:
    one = fleet.open()
    ask(fleet, one, claim, on_loss=rule)
    decision = fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    assert [type(event) for event in events(decision, SPACE)] == [ended]


def test_quarantine_keeps_the_queue_until_a_person_lifts_it(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(ask(fleet, one, "worktree:host//x", on_loss="quarantine"))
    ask(fleet, two, "worktree:host//x")
    person = fleet.stamp(PROJECT, "key_person")
    assert isinstance(fleet.when(LiftQuarantine(project=PROJECT, token=held), person).rejection, NotInQuarantine)
    fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    assert len(fleet.states[SPACE].waiters) == 1
    fleet.when(LiftQuarantine(project=PROJECT, token=held), fleet.stamp(PROJECT, "key_person"))
    assert list(owners(fleet).values()) == [f"{two}#1"]


def test_nothing_is_held_longer_than_eight_hours(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.advance(HOURS_8 - 1)
    assert derived(ExpireLease, fleet, token=held).writes == ()
    fleet.advance(1)
    decision = derived(ExpireLease, fleet, token=held)
    expired, lingered = events(decision, SPACE)
    assert isinstance(expired, LeaseExpired)
    assert (lingered.reason, lingered.until) == ("expired", fleet.now + 30 * SECOND)
    assert isinstance(holder(ReleaseLocks, fleet, one, held).rejection, NotLockOwner | LockTokenFenced)


def test_a_person_takes_over_preemptible_locks_after_the_notice(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(ask(fleet, one, "env:prod", preemptible=True))
    decision = ask(fleet, two, "env:prod", preempt=True, priority="person")
    _, notice = events(decision, SPACE)
    assert notice == LockRevokeNoticed(
        token=int(held), request=1, until=Instant(fleet.now + 120 * SECOND), at=fleet.now
    )
    assert derived(PreemptLocks, fleet, token=held, request="1").writes == ()
    fleet.advance(120)
    freed, granted = events(derived(PreemptLocks, fleet, token=held, request="1"), SPACE)
    assert (freed.reason, granted.session) == ("preempted", two)
    assert granted.token > int(held)


def test_who_may_not_be_preempted_is_left_alone(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    ask(fleet, one, "env:prod")
    assert len(events(ask(fleet, two, "env:prod", preempt=True), SPACE)) == 1


def test_rights_beyond_the_name_of_the_command_are_asked_for() -> None:
    def actions(**more: Any) -> tuple[str, ...]:
        claims = (ScopeClaim(claim="path:r//**"),)
        return actions_of(AcquireLocks(project=PROJECT, session="s", incarnation=1, claims=claims, **more))

    assert actions() == ("acquire_locks", "lock.wide")
    assert actions(priority="person", preempt=True)[1:] == ("lock.wide", "lock.person", "lock.preempt")


def test_a_plan_blocks_nobody_and_both_are_told_where_it_meets_a_writer(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    plan = token(fleet.ask(one, "src/**", mode="intent"))
    decision = fleet.ask(two, "src/a")
    granted, notice = events(decision, SPACE)
    assert isinstance(granted, LocksGranted)
    assert notice == SoftConflictNoticed(
        token=granted.token,
        other=int(plan),
        claim="path:r//src/a",
        other_claim="path:r//src/**",
        witness="src/a",
        at=fleet.now,
    )
    third = events(fleet.ask(fleet.open(), "src/a/b", mode="intent"), SPACE)
    assert [type(event) for event in third] == [LocksGranted, SoftConflictNoticed]


def test_a_check_tells_what_is_covered_free_and_held_by_whom(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "src/**"))
    fleet.ask(two, "docs/**")
    asked = ("path:r//src/a.py", "path:r//free.txt", "path:r//docs/x")
    decision = holder(CheckLocks, fleet, one, held, resources=asked)
    assert decision.writes == ()
    assert isinstance(decision.answer, LocksChecked)
    found = decision.answer.resources
    assert [one.state for one in found] == ["covered", "free", "held"]
    assert found[2].blocker is not None
    assert found[2].blocker.session == two
    fleet.release(one, held)
    refused = holder(CheckLocks, fleet, one, held, resources=asked).rejection
    assert isinstance(refused, LockTokenFenced)
    assert refused.AUDITED


def test_where_a_child_writes_neither_its_parent_nor_another_child_is_covered(fleet: Fleet) -> None:
    parent = fleet.open()
    child, sibling = fleet.open(parent), fleet.open(parent)
    held = token(fleet.ask(parent, "src/**"))
    own, other = token(fleet.ask(child, "src/a")), token(fleet.ask(sibling, "src/b"))
    asked = ("path:r//src/a", "path:r//src/b", "path:r//src/c")

    def states(session: str, number: str) -> list[tuple[str, str | None]]:
        answer = holder(CheckLocks, fleet, session, number, resources=asked).answer
        assert isinstance(answer, LocksChecked)
        return [(one.state, None if one.blocker is None else one.blocker.session) for one in answer.resources]

    assert states(parent, held) == [("held", child), ("held", sibling), ("covered", None)]
    assert states(child, own) == [("covered", None), ("held", sibling), ("covered", None)]
    assert states(sibling, other) == [("held", child), ("covered", None), ("covered", None)]
    fleet.release(child, own)
    assert states(parent, held)[0] == ("covered", None)


def test_a_shared_lock_covers_no_edit(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**", mode="shared"))
    answer = holder(CheckLocks, fleet, one, held, resources=("path:r//src/a",)).answer
    assert isinstance(answer, LocksChecked)
    assert answer.resources[0].state == "free"


def test_the_fence_register_accepts_no_token_smaller_than_one_that_it_saw(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()

    def fence(number: str) -> Decision:
        return fleet.when(CheckFence(project=PROJECT, resource="env:prod", token=number), fleet.agent())

    first = token(ask(fleet, one, "env:prod"))
    assert len(fence(first).writes) == 1
    assert fence(first).writes == ()
    fleet.release(one, first)
    refused = fence(first).rejection
    assert isinstance(refused, FenceRefused)
    assert "no live grant" in refused.message()
    second = token(ask(fleet, two, "env:prod"))
    assert fence(second).rejection is None
    assert fleet.states[SPACE].fences["env:prod"] == int(second)
    shared = token(ask(fleet, one, "env:test", "shared"))
    assert isinstance(
        fleet.when(CheckFence(project=PROJECT, resource="env:test", token=shared), fleet.agent()).rejection,
        FenceRefused,
    )
