"""The hierarchy of sessions: who stands below whom, who adopts whom, and who may steer."""

import pytest

from domain import catalogue
from domain.dispatch.open_session import SessionLife
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.policy import Cause, derived_stamp
from domain.kernel.values import ScopeClaim
from domain.principal.events import KeyIssued
from domain.session.commands import (
    DrainSession,
    EndSession,
    LoseSession,
    OpenSession,
    ReparentSession,
    UndrainSession,
)
from domain.session.decider import SESSION
from domain.session.errors import (
    FamilyCircular,
    FamilyTooDeep,
    FamilyTooLarge,
    NotSessionOwner,
    SessionHasEnded,
    SessionWasDrained,
    SessionWasLost,
)
from domain.session.events import SessionChildJoined
from domain.session.hierarchy import ANCESTORS_MAX, CHILDREN_MAX, ancestors
from domain.session.state import Session
from domain.task.commands import CompleteTask, PlannedTask
from tests.support.fleet import OWNER, Fleet, accepted


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def opened(fleet: Fleet, parent: str | None = None, *, resume: str | None = None, by: str = OWNER) -> str:
    decision = fleet.ask(OpenSession(projects=("shop",), parent=parent, resume=resume), by=by)
    answer = accepted(decision).answer
    assert isinstance(answer, SessionLife)
    return answer.session


def state(fleet: Fleet, session: str) -> Session:
    found = fleet.read(SESSION, StreamId(session))
    assert isinstance(found, Session)
    return found


def chain(fleet: Fleet, length: int) -> list[str]:
    sessions = [opened(fleet)]
    while len(sessions) < length:
        sessions.append(opened(fleet, sessions[-1]))
    return sessions


def lose(fleet: Fleet, session: str) -> Decision:
    renewed_at = state(fleet, session).opened.at
    fleet.advance(3_600)
    return accepted(fleet.ask(LoseSession(session=session, incarnation=1, renewed_at=renewed_at)))


def end(fleet: Fleet, session: str, *, cascade: bool = False) -> Decision:
    return accepted(follow(fleet, fleet.ask(EndSession(session=session, incarnation=1, cascade=cascade))))


def follow(fleet: Fleet, decision: Decision) -> Decision:
    """What the policies make of it, as the committer would have it."""
    for write in decision.writes:
        version = fleet.versions[write.stream] - len(write.events)
        for event in write.events:
            version += 1
            for policy in catalogue.POLICIES:
                if isinstance(event, policy.answers):
                    cause = Cause(write.stream, version, event, ProjectId("fleet"))
                    for derived in policy.react(cause, fleet):
                        stamp = derived_stamp(policy.name, cause, derived, fleet.now, "c")
                        follow(fleet, accepted(fleet.when(derived.command, stamp)))
    return decision


def key(fleet: Fleet, role: str, *projects: str) -> str:
    name = f"key_{len(fleet.versions):026d}"
    fields = {"name": "k", "role": role, "projects": projects, "digest": "d", "expires_at": None, "at": fleet.now}
    fleet.given(name, KeyIssued.model_validate(fields))
    return name


def test_a_session_knows_who_stands_above_and_below(fleet: Fleet) -> None:
    top, middle, low = chain(fleet, 3)
    assert ancestors(fleet, StreamId(low)) == (middle, top)
    assert ancestors(fleet, StreamId(top)) == ()
    assert set(state(fleet, top).children) == {middle}
    assert state(fleet, low).opened.parent == middle


def test_a_chain_has_at_most_sixteen_above(fleet: Fleet) -> None:
    sessions = chain(fleet, ANCESTORS_MAX + 1)
    refused = fleet.ask(OpenSession(projects=("shop",), parent=sessions[-1])).rejection
    assert isinstance(refused, FamilyTooDeep)
    assert (refused.depth, refused.most) == (17, 16)
    assert len(ancestors(fleet, StreamId(sessions[-1]))) == ANCESTORS_MAX


def test_a_move_takes_those_below_along_and_counts_them(fleet: Fleet) -> None:
    sessions, other = chain(fleet, 10), chain(fleet, 7)
    fits = fleet.ask(ReparentSession(session=sessions[0], parent=other[-1])).rejection
    assert fits is None
    assert len(ancestors(fleet, StreamId(sessions[-1]))) == ANCESTORS_MAX
    deeper = opened(fleet)
    accepted(fleet.ask(ReparentSession(session=other[0], parent=None)))
    refused = fleet.ask(ReparentSession(session=other[0], parent=deeper)).rejection
    assert refused == FamilyTooDeep(session=other[0], depth=17, most=16)


def test_nobody_stands_below_itself(fleet: Fleet) -> None:
    top, middle, low = chain(fleet, 3)
    for below in (top, middle, low):
        refused = fleet.ask(ReparentSession(session=top, parent=below)).rejection
        assert refused == FamilyCircular(session=top, parent=below)


def test_a_move_reads_every_session_on_the_way(fleet: Fleet) -> None:
    """Two moves that would close a circle together cannot both be appended: each read what the other writes."""
    one, two = opened(fleet), opened(fleet)
    decision = fleet.ask(ReparentSession(session=one, parent=two))
    assert {write.stream for write in decision.writes} == {one, two}
    assert isinstance(fleet.ask(ReparentSession(session=two, parent=one)).rejection, FamilyCircular)


def test_moving_to_where_it_stands_changes_nothing(fleet: Fleet) -> None:
    top, low = chain(fleet, 2)
    assert fleet.ask(ReparentSession(session=low, parent=top)) == Decision()
    accepted(fleet.ask(ReparentSession(session=low, parent=None)))
    assert state(fleet, low).parent is None
    assert not state(fleet, top).children
    assert fleet.ask(ReparentSession(session=low, parent=None)) == Decision()


def test_a_session_has_a_bounded_number_right_below(fleet: Fleet) -> None:
    top = opened(fleet)
    for number in range(CHILDREN_MAX):
        fleet.given(top, SessionChildJoined(child=f"sess_{number:026d}", at=fleet.now))
    refused = fleet.ask(OpenSession(projects=("shop",), parent=top)).rejection
    assert refused == FamilyTooLarge(session=top, most=CHILDREN_MAX)


@pytest.mark.parametrize("way", [lose, end])
def test_whoever_is_left_behind_is_adopted_from_above(fleet: Fleet, way: object) -> None:
    top, middle, low = chain(fleet, 3)
    second = opened(fleet, middle)
    (lose if way is lose else end)(fleet, middle)
    assert state(fleet, low).parent == state(fleet, second).parent == top
    assert set(state(fleet, top).children) == {low, second}
    assert not state(fleet, middle).children
    lose(fleet, top)
    assert state(fleet, low).parent is None
    assert ancestors(fleet, StreamId(second)) == ()


def test_no_event_but_the_last_words_follow_the_end_of_a_life(fleet: Fleet) -> None:
    top, middle, _ = chain(fleet, 3)
    decision = lose(fleet, middle)
    writes = [write for write in decision.writes if write.stream == middle]
    assert len(writes) == 1
    assert writes[0].events[-1].TYPE == "session.lost.v1"
    assert len({write.stream for write in decision.writes}) == len(decision.writes)
    assert state(fleet, top).status == "live"


def test_a_next_life_keeps_its_place_if_the_one_above_still_lives(fleet: Fleet) -> None:
    top, low = chain(fleet, 2)
    below = opened(fleet, low)
    assert opened(fleet, resume=low) == low
    assert (state(fleet, low).parent, state(fleet, below).parent) == (top, low), "it was alive: nobody was adopted"
    assert set(state(fleet, low).children) == {below}
    renewed_at = fleet.now
    fleet.advance(3_600)
    accepted(fleet.ask(LoseSession(session=low, incarnation=2, renewed_at=renewed_at)))
    opened(fleet, resume=low)
    assert state(fleet, low).parent == top
    assert set(state(fleet, top).children) == {low, below}
    end(fleet, top)
    opened(fleet, resume=below)
    assert state(fleet, below).parent is None


def test_only_who_speaks_for_both_puts_one_below_the_other(fleet: Fleet) -> None:
    mine, other = opened(fleet), opened(fleet, by="key_other")
    refused = fleet.ask(OpenSession(projects=("shop",), parent=other)).rejection
    assert refused == NotSessionOwner(session=other)
    assert fleet.ask(ReparentSession(session=mine, parent=other)).rejection == NotSessionOwner(session=other)
    assert fleet.ask(ReparentSession(session=other, parent=mine)).rejection == NotSessionOwner(session=other)
    unknown = UnknownThing(kind="session", name="sess_x")
    assert fleet.ask(ReparentSession(session=mine, parent="sess_x")).rejection == unknown
    end(fleet, mine)
    assert isinstance(fleet.ask(OpenSession(projects=("shop",), parent=mine)).rejection, SessionHasEnded)


def test_people_steer_the_sessions_of_their_projects_and_agents_those_below_them(fleet: Fleet) -> None:
    operator, viewer = key(fleet, "operator"), key(fleet, "viewer")
    here, elsewhere = key(fleet, "operator", fleet.project), key(fleet, "operator", "proj_00000000000000000000000000")
    session = opened(fleet)
    for principal in (viewer, elsewhere, key(fleet, "worker", fleet.project), "key_other"):
        refused = fleet.ask(DrainSession(session=session), by=principal).rejection
        assert refused == NotSessionOwner(session=session)
    fleet.plan(PlannedTask(key="a", title="a"))
    fleet.claimed(session)
    accepted(fleet.ask(DrainSession(session=session), by=operator))
    accepted(fleet.ask(UndrainSession(session=session), by=here))
    lead = opened(fleet, by=here)
    below = opened(fleet, by="key_other")
    accepted(fleet.ask(ReparentSession(session=below, parent=lead), by=operator))
    accepted(fleet.ask(EndSession(session=below, incarnation=1), by=here))


def test_a_drained_session_ends_with_its_last_attempt(fleet: Fleet) -> None:
    session = opened(fleet)
    fleet.plan(PlannedTask(key="a", title="a"))
    claimed = fleet.claimed(session)
    assert len(accepted(fleet.ask(DrainSession(session=session, reason="update"))).writes) == 1
    assert fleet.ask(DrainSession(session=session)) == Decision()
    assert state(fleet, session).status == "live"
    follow(fleet, accepted(fleet.ask(CompleteTask(project="shop", task="a", token=claimed.token))))
    assert state(fleet, session).status == "ended"


def test_draining_an_idle_session_ends_it_at_once(fleet: Fleet) -> None:
    session = opened(fleet)
    decision = accepted(fleet.ask(DrainSession(session=session)))
    assert state(fleet, session).status == "ended"
    assert [lease.action for lease in decision.leases] == ["end"]
    drained = SessionWasDrained(session=session, incarnation=1)
    assert fleet.ask(DrainSession(session=session)).rejection == drained
    assert fleet.ask(UndrainSession(session=session)).rejection == drained


def test_an_undrained_session_goes_on(fleet: Fleet) -> None:
    session = opened(fleet)
    fleet.plan(PlannedTask(key="a", title="a"), PlannedTask(key="b", title="b"))
    claimed = fleet.claimed(session)
    accepted(fleet.ask(DrainSession(session=session)))
    accepted(fleet.ask(UndrainSession(session=session)))
    assert fleet.ask(UndrainSession(session=session)) == Decision()
    follow(fleet, accepted(fleet.ask(CompleteTask(project="shop", task=claimed.task, token=claimed.token))))
    assert state(fleet, session).status == "live"
    fleet.claimed(session)


def test_what_is_asked_for_all_below_reaches_them_all(fleet: Fleet) -> None:
    top, middle, low = chain(fleet, 3)
    fleet.plan(PlannedTask(key="a", title="a"))
    fleet.claimed(low)
    follow(fleet, accepted(fleet.ask(DrainSession(session=top, cascade=True))))
    assert (state(fleet, top).status, state(fleet, middle).status) == ("ended", "ended")
    assert (state(fleet, low).status, state(fleet, low).draining) == ("live", True)


def test_an_end_for_all_below_ends_them_and_nobody_is_adopted(fleet: Fleet) -> None:
    above, top, middle, low = chain(fleet, 4)
    end(fleet, top, cascade=True)
    assert {state(fleet, one).status for one in (top, middle, low)} == {"ended"}
    assert not state(fleet, above).children


def test_a_life_that_returns_is_told_that_it_was_lost_and_what_it_held(fleet: Fleet) -> None:
    session = opened(fleet)
    fleet.plan(PlannedTask(key="a", title="a", scope=(ScopeClaim(claim="path:repo//a"),)))
    claimed = fleet.claimed(session)
    lose(fleet, session)
    lost_at = fleet.now
    fleet.advance(5)
    answer = accepted(fleet.ask(OpenSession(projects=("shop",), resume=session))).answer
    assert isinstance(answer, SessionLife)
    assert (answer.former, answer.former_changed_at, answer.incarnation) == ("lost", lost_at, 2)
    assert [(one.token, one.task) for one in answer.fenced] == [(claimed.token, claimed.task)]
    late = fleet.ask(CompleteTask(project="shop", task="a", token=claimed.token)).rejection
    assert late is not None
    assert late.code() == "fenced"
    again = fleet.ask(EndSession(session=session, incarnation=1)).rejection
    assert again is not None
    assert not isinstance(again, SessionWasLost), "that life is fenced now"
