"""Locks that a session takes itself: given once, never refused by its own lease, given back only by itself."""

import pytest

from domain.dispatch import locks
from domain.dispatch.authority import actions_of
from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_held import HOLD_SECONDS_MAX
from domain.kernel.decider import Decision
from domain.kernel.decisions import Rules
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, derived_id, with_prefix
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.commands import AcquireLocks, EndLockDelay, ReleaseLocks
from domain.lock.decider import LOCKS
from domain.lock.errors import BadPattern, LockConflict, LockDelayRuns, LockTokenFenced, NotLockOwner
from domain.lock.events import LocksGranted, LocksLingered, LocksReleased
from domain.session.commands import EndSession
from domain.session.decider import SESSION
from domain.session.errors import NotSessionOwner, ProjectNotServed
from domain.session.events import SessionAttemptStarted, SessionGrantGone, SessionGrantTaken, SessionOpened
from domain.task.commands import ApplyPlan, PlannedTask
from tests.support.world import World

RULES = Rules({AcquireLocks: locks.acquire, ReleaseLocks: locks.give_back, EndLockDelay: locks.end_delay})
AGGREGATES = {aggregate.prefix: aggregate for aggregate in (SESSION, LOCKS)}
T0 = World(AGGREGATES).now
MINE, OTHER, CHILD, SIBLING = (derived_id("sess", T0, (name,)) for name in ("mine", "other", "child", "sibling"))
ALPHA, BETA = (ProjectId(derived_id("proj", T0, (name,))) for name in ("alpha", "beta"))
SPACE = with_prefix("locks", ALPHA)


@pytest.fixture
def world() -> World:
    world = World(AGGREGATES, RULES)
    for session in (MINE, OTHER):
        world.given(session, opened(session))
    return world


def opened(session: str, parent: StreamId | None = None) -> SessionOpened:
    return SessionOpened(
        incarnation=1,
        projects=(ALPHA,),
        name="",
        tool="shell",
        model="",
        host="",
        capabilities={},
        capacity=9,
        ttl_seconds=60,
        owner=f"key_{session}",
        at=T0,
        parent=parent,
    )


def claim(text: str, mode: LockMode = "exclusive") -> ScopeClaim:
    return ScopeClaim(claim=f"path:r//{text}", mode=mode)


def ask(world: World, *claims: ScopeClaim, session: str = MINE, preview: bool = False) -> Decision:
    command = AcquireLocks(
        project="alpha", session=session, incarnation=1, claims=claims, wait="preview" if preview else "none"
    )
    return world.when(command, world.stamp(ALPHA, f"key_{session}"))


def token_of(decision: Decision) -> str:
    assert isinstance(decision.answer, LockAnswer), decision.rejection
    assert decision.answer.token is not None
    return decision.answer.token


def give_back(world: World, token: str, session: str = MINE) -> Decision:
    command = ReleaseLocks(project="alpha", session=session, incarnation=1, token=token)
    return world.when(command, world.stamp(ALPHA, f"key_{session}"))


def attempt(world: World, task: str, token: int, *claims: ScopeClaim) -> None:
    granted = LocksGranted(token=token, session=MINE, incarnation=1, task=task, claims=claims, purpose="", at=T0)
    world.given(SPACE, granted, project=ALPHA)
    world.given(MINE, SessionAttemptStarted(project=ALPHA, task=task, token=token))


def test_a_grant_is_written_to_the_lock_space_and_to_the_session(world: World) -> None:
    decision = ask(world, claim("src/**"))
    token = int(token_of(decision))
    locks_write, session_write = decision.writes
    assert (locks_write.stream, locks_write.project) == (SPACE, ALPHA)
    (granted,) = locks_write.events
    assert isinstance(granted, LocksGranted)
    assert (granted.token, granted.session, granted.task) == (token, MINE, None)
    until = Instant(world.now + HOLD_SECONDS_MAX * SECOND)
    assert session_write.events == (SessionGrantTaken(project=ALPHA, token=token, locks_until=until),)
    assert session_write.project is None
    assert decision.answer == LockAnswer(outcome="granted", token=str(token), claims=(claim("src/**"),))


def test_an_identical_live_claim_returns_the_existing_grant(world: World) -> None:
    first = ask(world, claim("a"), claim("b", "shared"))
    again = ask(world, claim("b", "shared"), claim("a"), claim("a"))
    assert again.writes == ()
    assert isinstance(again.answer, LockAnswer)
    assert (again.answer.outcome, again.answer.token) == ("held", token_of(first))
    assert token_of(ask(world, claim("a"))) != token_of(first)


def test_another_session_is_refused_and_told_who_holds_what(world: World) -> None:
    ask(world, claim("src/**"), session=OTHER)
    refusal = ask(world, claim("src/a")).rejection
    assert isinstance(refusal, LockConflict)
    assert refusal.blockers[0].session == OTHER
    assert not refusal.AUDITED


def test_a_preview_changes_nothing_and_explains(world: World) -> None:
    possible = ask(world, claim("src/a"), preview=True)
    assert possible == Decision(answer=LockAnswer(outcome="possible", claims=(claim("src/a"),)))
    held = ask(world, claim("src/**"), session=OTHER)
    blocked = ask(world, claim("src/a"), preview=True)
    assert blocked.writes == ()
    assert blocked.rejection is None
    assert isinstance(blocked.answer, LockAnswer)
    assert blocked.answer.outcome == "blocked"
    assert blocked.answer.blockers[0].held == "path:r//src/**"
    own = ask(world, claim("src/**"), session=OTHER, preview=True).answer
    assert isinstance(own, LockAnswer)
    assert (own.outcome, own.token) == ("held", token_of(held))
    assert isinstance(ask(world, ScopeClaim(claim="src"), preview=True).rejection, BadPattern)


def test_what_the_attempt_covers_is_held_already(world: World) -> None:
    attempt(world, "task_1", 5, claim("src/**"))
    decision = ask(world, claim("src/a.py"))
    assert decision == Decision(answer=LockAnswer(outcome="held", token="5", claims=(claim("src/**"),)))


def test_what_a_session_asks_for_beside_its_only_attempt_belongs_to_that_attempt(world: World) -> None:
    attempt(world, "task_1", 5, claim("src/a"))
    decision = ask(world, claim("src/**"))
    assert isinstance(decision.answer, LockAnswer)
    assert decision.answer.outcome == "granted"
    (granted,) = decision.writes[0].events
    assert isinstance(granted, LocksGranted)
    assert granted.task == "task_1"
    assert granted.token > 5
    assert token_of(ask(world, claim("src/b"))) == str(granted.token)


def test_a_session_with_several_attempts_asks_for_itself(world: World) -> None:
    attempt(world, "task_1", 5, claim("src/a"))
    attempt(world, "task_2", 6, claim("docs/a"))
    assert isinstance(ask(world, claim("src/**")).rejection, LockConflict)
    assert token_of(ask(world, claim("docs/a"))) == "6"
    assert ask(world, claim("free")).rejection is None


def test_what_the_attempt_of_the_one_above_holds_does_not_block_a_sub_agent_but_another_sub_agent_does(
    world: World,
) -> None:
    attempt(world, "task_1", 5, claim("src/**"))
    for child in (CHILD, SIBLING):
        world.given(child, opened(child, parent=MINE))
    assert token_of(ask(world, claim("src/a"), session=CHILD)) != "5"
    assert isinstance(ask(world, claim("src/a"), session=SIBLING).rejection, LockConflict)
    assert isinstance(ask(world, claim("src/a"), session=OTHER).rejection, LockConflict)
    assert token_of(ask(world, claim("src/b"), session=SIBLING)) != "5"


def test_only_the_owner_of_a_live_session_that_serves_the_project_acquires(world: World) -> None:
    command = AcquireLocks(project="beta", session=MINE, incarnation=1, claims=(claim("a"),))
    assert isinstance(world.when(command, world.stamp(BETA, f"key_{MINE}")).rejection, ProjectNotServed)
    assert isinstance(world.when(command, world.stamp(ALPHA, "key_x")).rejection, NotSessionOwner)
    unknown = command.model_copy(update={"session": "sess_x"})
    assert isinstance(world.when(unknown, world.stamp(ALPHA)).rejection, UnknownThing)


def test_a_release_frees_the_locks_and_tells_the_session(world: World) -> None:
    token = token_of(ask(world, claim("src/**")))
    decision = give_back(world, token)
    locks_write, session_write = decision.writes
    assert locks_write.events == (LocksReleased(token=int(token), reason="released", at=world.now),)
    assert session_write.events == (SessionGrantGone(project=ALPHA, token=int(token)),)
    assert ask(world, claim("src/**"), session=OTHER).rejection is None


def test_an_old_token_is_fenced_and_the_refusal_is_audited(world: World) -> None:
    token = token_of(ask(world, claim("src/**")))
    give_back(world, token)
    refusal = give_back(world, token).rejection
    assert isinstance(refusal, LockTokenFenced)
    assert refusal == LockTokenFenced(token=token, session=MINE)
    assert refusal.AUDITED
    assert isinstance(give_back(world, "999").rejection, LockTokenFenced)


def test_nobody_releases_the_locks_of_another_or_of_an_attempt(world: World) -> None:
    token = token_of(ask(world, claim("src/**"), session=OTHER))
    assert give_back(world, token).rejection == NotLockOwner(token=token, session=MINE)
    attempt(world, "task_1", 5)
    assert give_back(world, "5").rejection == NotLockOwner(token="5", session=MINE)


def test_the_end_of_a_lock_delay_frees_once_and_not_early(world: World) -> None:
    token = int(token_of(ask(world, claim("src/**"))))
    until = Instant(world.now + 30 * SECOND)
    command = EndLockDelay(project=ALPHA, token=str(token), until=until)
    assert world.when(command, world.stamp(ALPHA)) == Decision()
    world.given(SPACE, LocksLingered(token=token, reason="lost", until=until, at=world.now), project=ALPHA)
    assert world.when(command, world.stamp(ALPHA)).rejection == LockDelayRuns(token=str(token), until=until)
    world.advance(30)
    stale = command.model_copy(update={"until": until - 1})
    assert world.when(stale, world.stamp(ALPHA)) == Decision()
    (write,) = world.when(command, world.stamp(ALPHA)).writes
    assert write.events == (LocksReleased(token=token, reason="lock_delay_over", at=world.now),)
    assert world.when(command, world.stamp(ALPHA)) == Decision()


@pytest.mark.parametrize(
    ("wanted", "wide"),
    [
        (claim("**"), True),
        (claim("*"), True),
        (claim("**", "shared"), False),
        (claim("src/**"), False),
        (ScopeClaim(claim="branch:r//**"), False),
        (ScopeClaim(claim="nonsense"), False),
    ],
)
def test_a_whole_repository_takes_a_right_of_its_own(wanted: ScopeClaim, wide: bool) -> None:
    acquire = AcquireLocks(project="p", session=MINE, incarnation=1, claims=(claim("a"), wanted))
    plan = ApplyPlan(project="p", tasks=(PlannedTask(key="a", title="a", scope=(wanted,)),))
    more = ("lock.wide",) if wide else ()
    assert actions_of(acquire) == ("acquire_locks", *more)
    assert actions_of(plan) == ("apply_plan", *more)
    assert actions_of(EndSession(session=MINE, incarnation=1)) == ("end_session",)
