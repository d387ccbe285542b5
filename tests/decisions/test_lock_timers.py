"""What time brings about in lock spaces: a wait begins with an event, ends with another, and asks the right thing."""

from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.message import Command, Event
from domain.kernel.policy import Cause
from domain.kernel.values import ScopeClaim
from domain.lock.commands import (
    EndReservation,
    ExpireLease,
    PreemptLocks,
    ReserveLocks,
    RevertTransfer,
    TimeOutLockRequest,
)
from domain.lock.events import (
    LockRequestWithdrawn,
    LockRevokeNoticed,
    LocksBroken,
    LocksGranted,
    LocksReleased,
    LocksRequested,
    LocksTransferred,
    LockTransferAccepted,
)
from domain.policies.agenda import Agenda
from domain.task.commands import ApplyPlan, PlannedTask
from tests.decisions.test_lock_waiting import PROJECT, SPACE, Fleet, events, token

P = str(PROJECT)
NOW = Instant(1_700_000_000_000_000)
CLAIMS = (ScopeClaim(claim="path:r//a"),)


def at(seconds: float) -> Instant:
    return Instant(NOW + int(seconds * SECOND))


def granted(number: int, session: str = "sess_1", request: int | None = None, replaces: int | None = None) -> Event:
    return LocksGranted(
        token=number,
        session=session,
        incarnation=1,
        task=None if session else "task_1",
        claims=CLAIMS,
        purpose="",
        at=NOW,
        request=request,
        replaces=replaces,
    )


def requested(number: int, seconds: float | None) -> Event:
    return LocksRequested(
        request=number,
        session="sess_1",
        incarnation=1,
        task=None,
        ancestors=(),
        claims=CLAIMS,
        purpose="",
        boost_seconds=0,
        expires_at=None if seconds is None else at(seconds),
        at=NOW,
    )


def asked(*told: Event) -> dict[Instant, Command]:
    """What is asked by and by, by the instant from which on it is due."""
    agenda = Agenda()
    for version, event in enumerate(told, 1):
        agenda.observe(Cause(StreamId(SPACE), version, event, ProjectId(PROJECT)))
    found: dict[Instant, Command] = {}
    while (due := agenda.next_at()) is not None:
        for policy, cause, derived in agenda.due(due):
            found[due] = derived.command
            agenda.forget(policy, cause)
    return found


def test_a_grant_ends_after_eight_hours_and_one_for_a_task_by_itself_after_thirty_seconds() -> None:
    assert asked(granted(5)) == {at(8 * 3_600): ExpireLease(project=P, token="5")}
    assert asked(granted(5, session="")) == {at(30): EndReservation(project=P, token="5")}


def test_a_release_a_break_and_a_successor_end_the_waits_of_a_token() -> None:
    assert asked(granted(5), LocksReleased(token=5, reason="released", at=NOW)) == {}
    assert asked(granted(5), LocksBroken(token=5, reason="x", by="key_1", at=NOW)) == {}
    assert list(asked(granted(5), granted(6, replaces=5)).values()) == [ExpireLease(project=P, token="6")]


def test_a_request_times_out_unless_it_was_answered() -> None:
    assert asked(requested(1, 60)) == {at(60): TimeOutLockRequest(project=P, request="1")}
    assert asked(requested(1, None)) == {}
    assert asked(requested(1, 60), LockRequestWithdrawn(request=1, reason="lost", at=NOW)) == {}
    assert at(60) not in asked(requested(1, 60), granted(5, request=1))


def test_a_transfer_goes_back_unless_it_is_accepted() -> None:
    given = LocksTransferred(
        token=5, successor=6, session="sess_2", incarnation=1, ancestors=(), accept_until=at(60), at=NOW
    )
    assert asked(granted(5), given)[at(60)] == RevertTransfer(project=P, token="6")
    accepted = asked(granted(5), given, LockTransferAccepted(token=6, at=NOW))
    assert list(accepted.values()) == [ExpireLease(project=P, token="6")]


def test_a_notice_is_followed_by_the_takeover() -> None:
    notice = LockRevokeNoticed(token=5, request=2, until=at(120), at=NOW)
    assert asked(granted(5), notice)[at(120)] == PreemptLocks(project=P, token="5", request="2")


def test_a_task_reserves_its_scope_and_asks_again_behind_all_others_when_nobody_comes() -> None:
    fleet = Fleet()
    one, two = fleet.open(), fleet.open()
    planned = PlannedTask(key="big", title="All of it", scope=(ScopeClaim(claim="path:r//src/**"),))
    fleet.when(ApplyPlan(project=P, tasks=(planned,)), fleet.stamp(PROJECT, "key_person"))
    held = token(fleet.ask(one, "src/a"))
    reserve = ReserveLocks(project=P, task="big", session=two)
    fleet.advance(29)
    assert fleet.when(reserve, fleet.stamp(PROJECT, "policy:x")).writes == ()
    fleet.advance(1)
    assert len(fleet.when(reserve, fleet.stamp(PROJECT, "policy:x")).writes) == 1
    assert fleet.when(reserve, fleet.stamp(PROJECT, "policy:x")).writes == ()
    fleet.ask(two, "src/b")
    assert [waiter.owner.session for waiter in fleet.states[SPACE].waiters.values()] == ["", two]
    fleet.release(one, held)
    (reserved,) = fleet.states[SPACE].grants.values()
    assert reserved.session == ""
    over = EndReservation(project=P, token=str(reserved.token))
    assert fleet.when(over, fleet.stamp(PROJECT, "policy:x")).writes == ()
    fleet.advance(30)
    decided = fleet.when(over, fleet.stamp(PROJECT, "policy:x"))
    assert [type(event) for event in events(decided, SPACE)] == [LocksReleased, LocksRequested, LocksGranted]
    assert fleet.holders() == {f"{two}#1"}
    assert [waiter.owner.session for waiter in fleet.states[SPACE].waiters.values()] == [""]
