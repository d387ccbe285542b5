"""Waiting for locks: a place in the queue, the grant that comes with the release, and what ends a wait."""

from typing import Any

import pytest

from domain.catalogue import AGGREGATES, rules
from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_held import grant_taken
from domain.dispatch.ready import ReadyIndex
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, derived_id, with_prefix
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.commands import (
    AcquireLocks,
    AwaitLocks,
    EndLockDelay,
    Priority,
    ReleaseLocks,
    TimeOutLockRequest,
    WithdrawLockRequest,
)
from domain.lock.errors import AlreadyWaiting, Deadlock, LockConflict, RequestWithdrawn, WaitTimeout
from domain.lock.events import LockRequestWithdrawn, LocksGranted, LocksReleased, LocksRequested
from domain.project.events import ProjectCreated
from domain.session.commands import EndSession, OpenSession
from domain.session.events import SessionAttemptStarted, SessionGrantGone
from tests.support.world import World

PROJECT = ProjectId(derived_id("proj", Instant(0), ("waiting",)))
SPACE = with_prefix("locks", PROJECT)


class Fleet(World):
    """A project with sessions that ask for locks."""

    def __init__(self) -> None:
        super().__init__(AGGREGATES, rules(ReadyIndex()))
        self.given(PROJECT, ProjectCreated(name="shop", lock_delay_seconds=30, at=self.now), project=PROJECT)
        self.names[("fleet", "project", "shop")] = StreamId(PROJECT)

    def open(self, parent: str | None = None) -> StreamId:
        command = OpenSession(projects=(PROJECT,), capacity=9, parent=parent)
        answer: Any = self.when(command, self.stamp(principal="key_agent")).answer
        return StreamId(answer.session)

    def ask(
        self,
        session: str,
        *claims: str,
        mode: LockMode = "exclusive",
        wait: Any = "queue",
        seconds: float | None = None,
        priority: Priority = "normal",
        on_loss: Any = None,
    ) -> Decision:
        command = AcquireLocks(
            project=PROJECT,
            session=session,
            incarnation=1,
            claims=tuple(ScopeClaim(claim=f"path:r//{one}", mode=mode) for one in claims),
            wait=wait,
            wait_timeout_seconds=seconds,
            priority=priority,
            on_loss=on_loss,
        )
        return self.when(command, self.agent())

    def agent(self) -> Any:
        return self.stamp(PROJECT, "key_agent")

    def release(self, session: str, token: str) -> Decision:
        return self.when(ReleaseLocks(project=PROJECT, session=session, incarnation=1, token=token), self.agent())

    def fate(self, session: str, request: str) -> Decision:
        return self.when(AwaitLocks(project=PROJECT, session=session, incarnation=1, request=request), self.agent())

    def holders(self) -> set[str]:
        return {grant.owner.name for grant in self.states[SPACE].grants.values()}


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def told(decision: Decision) -> LockAnswer:
    assert isinstance(decision.answer, LockAnswer), decision.rejection
    return decision.answer


def token(decision: Decision) -> str:
    found = told(decision).token
    assert found is not None
    return found


def events(decision: Decision, stream: str) -> list[Any]:
    return [event for write in decision.writes if write.stream == stream for event in write.events]


def test_what_is_free_is_granted_without_a_request(fleet: Fleet) -> None:
    decision = fleet.ask(fleet.open(), "src/**")
    assert told(decision).outcome == "granted"
    assert [type(event) for event in events(decision, SPACE)] == [LocksGranted]


def test_what_is_held_is_waited_for_with_place_blockers_and_estimate(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    held = token(fleet.ask(one, "src/**"))
    fleet.advance(10)
    answer = told(fleet.ask(two, "src/a", "docs", seconds=60))
    assert (answer.outcome, answer.request, answer.place, answer.token) == ("waiting", "1", 1, None)
    assert answer.expires_at == fleet.now + 60 * SECOND
    assert answer.estimate_seconds is None
    (blocker,) = answer.blockers
    assert (blocker.session, blocker.held, blocker.wanted, blocker.witness) == (
        one,
        "path:r//src/**",
        "path:r//src/a",
        "src/a",
    )
    assert blocker.age_seconds == 10
    fleet.release(one, held)
    fleet.advance(5)
    second = told(fleet.ask(three, "docs/x"))
    assert second.estimate_seconds == 5
    assert second.blockers[0].session == two


def test_a_release_hands_the_locks_on_in_the_same_decision_and_puts_the_waiter_in_the_read_set(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "src/**"))
    request = told(fleet.ask(two, "src/a")).request or ""
    decision = fleet.release(one, held)
    released, granted = events(decision, SPACE)
    assert isinstance(released, LocksReleased)
    assert isinstance(granted, LocksGranted)
    assert (granted.session, granted.request) == (two, int(request))
    assert granted.token > int(held)
    assert events(decision, two) == [grant_taken(granted.token, PROJECT, fleet.now)]
    assert events(decision, one) == [SessionGrantGone(project=PROJECT, token=int(held))]
    found = told(fleet.fate(two, request))
    assert (found.outcome, found.token) == ("granted", str(granted.token))
    again = told(fleet.ask(two, "src/a"))
    assert (again.outcome, again.token) == ("held", str(granted.token))


def test_nobody_who_asks_at_once_goes_before_those_who_wait(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    fleet.ask(one, "src/a", mode="shared")
    fleet.ask(two, "src/**")
    refused = fleet.ask(three, "src/b", mode="shared", wait="none").rejection
    assert isinstance(refused, LockConflict)
    assert refused.blockers[0].request == "1"
    assert "waits for it since before" in refused.message()
    assert told(fleet.ask(three, "docs", wait="none")).outcome == "granted"


def test_priority_counts_as_queued_earlier_and_no_more(fleet: Fleet) -> None:
    sessions = [fleet.open() for _ in range(4)]
    held = token(fleet.ask(sessions[0], "a"))
    fleet.ask(sessions[1], "a")
    fleet.advance(31)
    assert told(fleet.ask(sessions[2], "a", priority="raised")).place == 2
    assert told(fleet.ask(sessions[3], "a", priority="urgent")).place == 1
    fleet.release(sessions[0], held)
    assert fleet.holders() == {f"{sessions[3]}#1"}


def test_asking_again_for_the_same_tells_the_place_and_for_something_else_is_refused(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    fleet.ask(one, "a")
    first = fleet.ask(two, "a")
    again = fleet.ask(two, "a")
    assert again.writes == ()
    assert told(again).request == told(first).request
    refused = fleet.ask(two, "a/b").rejection
    assert isinstance(refused, AlreadyWaiting)
    assert (refused.request, refused.claims) == ("1", "path:r//a")


def test_a_deadlock_is_told_whole_with_both_ways_out(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.ask(two, "b")
    fleet.ask(three, "c")
    fleet.ask(three, "b")
    fleet.ask(two, "a")
    refused = fleet.ask(one, "c").rejection
    assert isinstance(refused, Deadlock)
    assert [(step.waiter, step.wanted, step.holder) for step in refused.steps] == [
        (f"{one}#1", "path:r//c", f"{three}#1"),
        (f"{three}#1", "path:r//b", f"{two}#1"),
        (f"{two}#1", "path:r//a", f"{one}#1"),
    ]
    assert (refused.release, refused.token) == ("path:r//a", held)
    assert f"Release path:r//a (token {held})" in refused.advice()
    assert "path:r//a, path:r//c" in refused.advice()
    assert one in refused.message()


def test_who_waits_may_take_what_nobody_waits_for_and_nothing_else(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    fleet.ask(two, "b")
    fleet.ask(three, "c")
    fleet.ask(one, "b")
    fleet.ask(two, "c", "d")
    refused = fleet.ask(one, "d", wait="none").rejection
    assert isinstance(refused, LockConflict)
    assert refused.blockers[0].request == "2"
    assert told(fleet.ask(one, "e", wait="none")).outcome == "granted"


def test_two_readers_that_want_to_write_are_told_at_once(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    fleet.ask(one, "a", mode="shared")
    fleet.ask(two, "a", mode="shared")
    assert told(fleet.ask(one, "a")).outcome == "waiting"
    assert isinstance(fleet.ask(two, "a").rejection, Deadlock)


def test_an_update_lock_keeps_other_updaters_out_from_the_start(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    fleet.ask(one, "a", mode="update")
    assert told(fleet.ask(three, "a", mode="shared")).outcome == "granted"
    assert told(fleet.ask(two, "a", mode="update")).outcome == "waiting"


def test_a_wait_ends_by_itself_and_is_refused_as_such(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    fleet.ask(one, "a")
    request = told(fleet.ask(two, "a", seconds=60)).request or ""
    early = fleet.when(TimeOutLockRequest(project=PROJECT, request=request), fleet.stamp(PROJECT, "policy:x"))
    assert early.writes == ()
    fleet.advance(60)
    late = fleet.when(TimeOutLockRequest(project=PROJECT, request=request), fleet.stamp(PROJECT, "policy:x"))
    assert events(late, SPACE) == [LockRequestWithdrawn(request=1, reason="timeout", at=fleet.now)]
    refused = fleet.fate(two, request).rejection
    assert isinstance(refused, WaitTimeout)
    assert "request 1" in refused.message()


def test_leaving_the_queue_lets_the_next_one_through(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    fleet.ask(one, "a", mode="shared")
    request = told(fleet.ask(two, "a")).request or ""
    fleet.ask(three, "a", mode="shared")
    leave = WithdrawLockRequest(project=PROJECT, session=two, incarnation=1, request=request)
    decision = fleet.when(leave, fleet.agent())
    withdrawn, granted = events(decision, SPACE)
    assert isinstance(withdrawn, LockRequestWithdrawn)
    assert granted.session == three
    assert fleet.when(leave, fleet.agent()).writes == ()
    assert isinstance(fleet.fate(two, request).rejection, RequestWithdrawn)
    theirs = WithdrawLockRequest(project=PROJECT, session=two, incarnation=1, request="2")
    assert fleet.when(theirs, fleet.agent()).writes == ()
    unknown = WithdrawLockRequest(project=PROJECT, session=two, incarnation=1, request="77")
    assert isinstance(fleet.when(unknown, fleet.agent()).rejection, UnknownThing)
    assert isinstance(fleet.fate(three, request).rejection, UnknownThing)


def test_the_requests_of_a_session_end_with_it_and_its_locks_are_handed_on_after_the_delay(fleet: Fleet) -> None:
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.ask(two, "a")
    fleet.ask(three, "a/b")
    decision = fleet.when(EndSession(session=two, incarnation=1), fleet.stamp(principal="key_agent"))
    assert events(decision, SPACE) == [LockRequestWithdrawn(request=1, reason="ended", at=fleet.now)]
    fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    assert fleet.states[SPACE].grants[int(held)].lingers_until == fleet.now + 30 * SECOND
    until = fleet.advance(30)
    freed = fleet.when(EndLockDelay(project=PROJECT, token=held, until=until), fleet.stamp(PROJECT, "policy:x"))
    assert [type(event) for event in events(freed, SPACE)] == [LocksReleased, LocksGranted]
    assert fleet.holders() == {f"{three}#1"}


def test_what_a_parent_holds_does_not_block_its_child_but_siblings_block_each_other(fleet: Fleet) -> None:
    parent = fleet.open()
    child, sibling = fleet.open(parent), fleet.open(parent)
    fleet.ask(parent, "src/**")
    assert told(fleet.ask(child, "src/a", wait="none")).outcome == "granted"
    assert isinstance(fleet.ask(sibling, "src/a", wait="none").rejection, LockConflict)
    assert isinstance(fleet.ask(parent, "src/a", wait="none").rejection, LockConflict)
    assert told(fleet.ask(parent, "src/b", wait="none")).outcome == "granted"


def test_what_an_attempt_has_is_not_its_own_to_write_where_a_child_writes(fleet: Fleet) -> None:
    parent = fleet.open()
    child = fleet.open(parent)
    claims = (ScopeClaim(claim="path:r//src/**"),)
    claim = LocksGranted(token=5, session=parent, incarnation=1, task="task_x", claims=claims, purpose="", at=fleet.now)
    fleet.given(SPACE, claim, project=PROJECT)
    fleet.given(parent, SessionAttemptStarted(project=PROJECT, task="task_x", token=5))
    inner = token(fleet.ask(child, "src/a", wait="none"))
    assert isinstance(fleet.ask(parent, "src/a", wait="none").rejection, LockConflict)
    assert told(fleet.ask(parent, "src/b", wait="none")).outcome == "held"
    fleet.release(child, inner)
    assert told(fleet.ask(parent, "src/a", wait="none")).outcome == "held"


def test_the_end_of_an_attempt_ends_what_it_took_beside_its_claim_and_its_wait(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    claim = LocksGranted(
        token=5,
        session=one,
        incarnation=1,
        task="task_x",
        claims=(ScopeClaim(claim="path:r//a"),),
        purpose="",
        at=fleet.now,
    )
    fleet.given(SPACE, claim, project=PROJECT)
    fleet.given(one, SessionAttemptStarted(project=PROJECT, task="task_x", token=5))
    more = token(fleet.ask(one, "b"))
    fleet.ask(two, "c")
    fleet.ask(one, "c")
    assert {waiter.owner.task for waiter in fleet.states[SPACE].waiters.values()} == {"task_x"}
    decision = fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    assert not fleet.states[SPACE].waiters
    assert fleet.states[SPACE].grants[int(more)].is_orphaned
    assert [event for event in events(decision, SPACE) if isinstance(event, LocksRequested)] == []
    assert int(more) not in [number for _, number in fleet.states[one].grants]


def both(fleet: Fleet, session: str, file: str) -> Decision:
    """What an edit asks for: a file, and the checkout shared with everybody who edits there."""
    claims = (ScopeClaim(claim="worktree:host//checkout", mode="shared"), ScopeClaim(claim=file, mode="exclusive"))
    command = AcquireLocks(project=PROJECT, session=session, incarnation=1, claims=claims, wait="queue")
    return fleet.when(command, fleet.agent())


def test_a_deadlock_names_what_keeps_each_from_going_on_and_not_what_they_share(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    first = token(both(fleet, one, "path:r//a"))
    both(fleet, two, "path:r//b")
    fleet.ask(two, "a")
    refused = both(fleet, one, "path:r//b").rejection
    assert isinstance(refused, Deadlock)
    assert [(step.wanted, step.held) for step in refused.steps] == [("path:r//b",) * 2, ("path:r//a",) * 2]
    assert (refused.release, refused.token) == ("path:r//a", first)


def test_who_waits_for_a_family_does_not_keep_those_within_it_from_what_the_family_holds(fleet: Fleet) -> None:
    above, stranger, other = fleet.open(), fleet.open(), fleet.open()
    below = fleet.open(above)
    held = token(fleet.ask(above, "src/a"))
    assert told(fleet.ask(stranger, "src/a", "docs/b")).outcome == "waiting"
    own = told(fleet.ask(below, "src/a"))
    assert own.outcome == "granted", "it would wait for one who waits for those that wait for it"
    assert told(fleet.ask(other, "docs/b")).outcome == "waiting", "whoever stands outside waits in its turn"
    fleet.release(above, held)
    assert fleet.holders() == {f"{below}#1"}
    fleet.release(below, own.token or "")
    assert fleet.holders() == {f"{stranger}#1"}


def test_a_wait_that_lets_somebody_before_others_is_followed_by_that_grant(fleet: Fleet) -> None:
    """Nobody would give anything back any more: each waits, the one who could be served as well."""
    first, second, third = fleet.open(), fleet.open(), fleet.open()
    fleet.ask(first, "a")
    fleet.ask(second, "b")
    assert told(fleet.ask(third, "b", "c")).outcome == "waiting"
    assert told(fleet.ask(first, "c")).outcome == "waiting", "behind one who waits for somebody else"
    decision = fleet.ask(second, "a")
    assert told(decision).outcome == "waiting"
    assert [one.session for one in events(decision, SPACE) if isinstance(one, LocksGranted)] == [first]


def test_a_grant_that_lets_somebody_before_others_is_followed_by_that_grant(fleet: Fleet) -> None:
    above, stranger, holder = fleet.open(), fleet.open(), fleet.open()
    below = fleet.open(above)
    fleet.ask(holder, "x")
    assert told(fleet.ask(above, "x", "a", "b")).outcome == "waiting"
    assert told(fleet.ask(stranger, "b", "c")).outcome == "waiting"
    assert told(fleet.ask(below, "c")).outcome == "waiting"
    command = AcquireLocks(project=PROJECT, session=below, incarnation=1, claims=(ScopeClaim(claim="path:r//a"),))
    decision = fleet.when(command, fleet.agent())
    assert told(decision).outcome == "granted"
    assert len([one for one in events(decision, SPACE) if isinstance(one, LocksGranted)]) == 2
