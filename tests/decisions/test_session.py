"""A session's lives: who speaks for them, what a resume fences, and when silence is told from absence."""

from dataclasses import dataclass

import pytest

from domain.dispatch import locks, lose_session, open_session
from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.open_session import FencedToken, SessionLife
from domain.kernel.decider import Decision, LeaseChange
from domain.kernel.decisions import Rules
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, with_prefix
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks
from domain.lock.decider import LOCKS
from domain.node.commands import EndOutage
from domain.node.decider import OUTAGES, end_outage
from domain.node.state import OUTAGE_STREAM
from domain.project.commands import CreateProject
from domain.project.decider import PROJECT, ProjectNamed, create
from domain.session.commands import (
    EndSession,
    LoseSession,
    OpenSession,
    RecoverSession,
    SessionCommand,
    SuspectSession,
)
from domain.session.decider import SESSION, live, serving
from domain.session.errors import (
    LeaseStillRuns,
    NotSessionOwner,
    ProjectNotServed,
    SessionFenced,
    SessionHasEnded,
    SessionWasLost,
)
from domain.session.events import SessionLost, SessionRecovered, SessionSuspected
from domain.session.liveness import Standing, due, next_at
from domain.session.state import Absent, Session, Status
from domain.task.decider import DELIVERY_SECONDS_MAX, TASK
from tests.support.world import World

TTL = 60
RULES = Rules(
    {
        CreateProject: create,
        OpenSession: open_session.open_session,
        EndSession: lose_session.end,
        SuspectSession: lose_session.suspect,
        RecoverSession: lose_session.recover,
        LoseSession: lose_session.lose,
        AcquireLocks: locks.acquire,
        EndOutage: end_outage,
    }
)
AGGREGATES = {aggregate.prefix: aggregate for aggregate in (PROJECT, SESSION, LOCKS, TASK, OUTAGES)}


@pytest.fixture
def world() -> World:
    return World(AGGREGATES, RULES)


def project(world: World, name: str = "alpha") -> ProjectId:
    answer = world.when(CreateProject(name=name)).answer
    assert isinstance(answer, ProjectNamed)
    return ProjectId(answer.project)


def opened(world: World, *projects: str, resume: str | None = None, ttl: int = TTL) -> SessionLife:
    decision = world.when(OpenSession(projects=projects or ("alpha",), resume=resume, ttl_seconds=ttl))
    assert isinstance(decision.answer, SessionLife), decision.rejection
    return decision.answer


def state(world: World, session: str) -> Session:
    found = world.read(SESSION, StreamId(session))
    assert isinstance(found, Session)
    return found


def told(world: World, session: str, incarnation: int, principal: str = "key_test") -> Session | Rejection:
    return live(world.read(SESSION, StreamId(session)), session, incarnation, world.stamp(principal=principal))


def test_a_session_opens_by_slug_or_id_and_is_told_how_often_to_beat(world: World) -> None:
    first, second = project(world, "alpha"), project(world, "beta")
    decision = world.when(OpenSession(projects=("alpha", second, "alpha"), ttl_seconds=40, capacity=3))
    answer = decision.answer
    assert isinstance(answer, SessionLife)
    assert (answer.incarnation, answer.ttl_seconds, answer.beat_seconds) == (1, 40, 10.0)
    assert answer.projects == (first, second)
    assert decision.leases == (LeaseChange("open", StreamId(answer.session), 1, ttl_seconds=40),)
    session = state(world, answer.session)
    assert session.opened.owner == "key_test"
    assert session.opened.capacity == 3


@pytest.mark.parametrize(("ttl_seconds", "beat_seconds"), [(10, 2.5), (60, 15.0), (1_800, 15.0), (86_400, 15.0)])
def test_however_long_the_lease_a_client_beats_before_a_delivery_can_lapse(
    world: World, ttl_seconds: int, beat_seconds: float
) -> None:
    project(world, "alpha")
    answer = world.when(OpenSession(projects=("alpha",), ttl_seconds=ttl_seconds)).answer
    assert isinstance(answer, SessionLife)
    assert answer.beat_seconds == beat_seconds < DELIVERY_SECONDS_MAX


@pytest.mark.parametrize("name", ["nope", "proj_00000000000000000000000000", "proj_x"])
def test_an_unknown_project_opens_nothing(world: World, name: str) -> None:
    project(world)
    decision = world.when(OpenSession(projects=("alpha", name)))
    assert decision.rejection == UnknownThing(kind="project", name=name)
    assert decision.leases == ()


def test_the_same_command_names_the_same_session(world: World) -> None:
    project(world)
    stamp = world.stamp()
    one = RULES.decide(OpenSession(projects=("alpha",)), stamp, world).answer
    again = RULES.decide(OpenSession(projects=("alpha",)), stamp, world).answer
    assert one == again


def test_only_the_current_life_of_the_owner_is_live(world: World) -> None:
    project(world)
    life = opened(world)
    assert isinstance(told(world, life.session, 1), Session)
    assert isinstance(told(world, life.session, 1, "policy:retry_due"), Session)
    assert told(world, life.session, 1, "key_other") == NotSessionOwner(session=life.session)
    assert told(world, life.session, 2) == SessionFenced(session=life.session, incarnation=2, current=1)
    assert live(Absent(), "sess_x", 1, world.stamp()) == UnknownThing(kind="session", name="sess_x")


def test_a_session_serves_only_the_projects_it_named(world: World) -> None:
    mine, other = project(world), project(world, "beta")
    life = opened(world, "alpha")
    session, stamp = state(world, life.session), world.stamp()
    assert serving(session, life.session, 1, mine, stamp) == session
    assert serving(session, life.session, 1, other, stamp) == ProjectNotServed(session=life.session, project=other)
    assert isinstance(serving(session, life.session, 9, other, stamp), SessionFenced)


def test_a_resume_fences_the_former_life_and_ends_what_it_held(world: World) -> None:
    mine = project(world)
    life = opened(world)
    take = AcquireLocks(
        project="alpha", session=life.session, incarnation=1, claims=(ScopeClaim(claim="path:r//src/**"),)
    )
    held = world.when(take, world.stamp(mine)).answer
    assert isinstance(held, LockAnswer)
    decision = world.when(OpenSession(projects=("alpha",), resume=life.session))
    answer = decision.answer
    assert isinstance(answer, SessionLife)
    assert (answer.session, answer.incarnation, answer.fenced) == (
        life.session,
        2,
        (FencedToken(project=mine, token=held.token or "", task=None),),
    )
    assert [(lease.action, lease.incarnation) for lease in decision.leases] == [("end", 1), ("open", 2)]
    assert isinstance(told(world, life.session, 1), SessionFenced)
    assert isinstance(told(world, life.session, 2), Session)
    assert not state(world, life.session).grants
    (grant,) = world.read(LOCKS, with_prefix("locks", mine)).grants.values()
    assert grant.lingers_until == world.now + 30 * SECOND


@pytest.mark.parametrize("resume", ["sess_00000000000000000000000000", "sess_x", "task_1"])
def test_only_a_session_that_exists_is_resumed(world: World, resume: str) -> None:
    project(world)
    decision = world.when(OpenSession(projects=("alpha",), resume=resume))
    assert decision.rejection == UnknownThing(kind="session", name=resume)


def test_nobody_resumes_the_session_of_another(world: World) -> None:
    project(world)
    life = opened(world)
    decision = world.when(OpenSession(projects=("alpha",), resume=life.session), world.stamp(principal="key_other"))
    assert decision.rejection == NotSessionOwner(session=life.session)


def test_a_goodbye_ends_the_lease_and_saying_it_twice_changes_nothing(world: World) -> None:
    project(world)
    life = opened(world)
    goodbye = EndSession(session=life.session, incarnation=1)
    decision = world.when(goodbye)
    assert decision.leases == (LeaseChange("end", StreamId(life.session), 1),)
    assert told(world, life.session, 1) == SessionHasEnded(session=life.session, incarnation=1)
    assert world.when(goodbye) == Decision()
    assert isinstance(world.when(goodbye, world.stamp(principal="key_other")).rejection, NotSessionOwner)
    assert isinstance(world.when(EndSession(session=life.session, incarnation=2)).rejection, SessionFenced)
    assert isinstance(world.when(EndSession(session="nope", incarnation=1)).rejection, UnknownThing)


def test_a_resume_after_the_end_opens_the_next_life_without_ending_the_lease_again(world: World) -> None:
    project(world)
    life = opened(world)
    world.when(EndSession(session=life.session, incarnation=1))
    decision = world.when(OpenSession(projects=("alpha",), resume=life.session))
    assert [(lease.action, lease.incarnation) for lease in decision.leases] == [("open", 2)]


def test_silence_makes_a_suspect_who_still_lives_and_recovers(world: World) -> None:
    project(world)
    life = opened(world)
    renewed_at = world.now
    command = SuspectSession(session=life.session, incarnation=1, renewed_at=renewed_at)
    world.advance(TTL / 2 - 0.000_001)
    early = world.when(command).rejection
    assert early == LeaseStillRuns(session=life.session, incarnation=1, until=renewed_at + TTL * SECOND // 2)
    world.advance(0.000_001)
    (write,) = world.when(command).writes
    assert write.events == (SessionSuspected(incarnation=1, renewed_at=renewed_at, at=world.now),)
    assert isinstance(told(world, life.session, 1), Session)
    assert world.when(command) == Decision()
    recover = RecoverSession(session=life.session, incarnation=1)
    (write,) = world.when(recover).writes
    assert write.events == (SessionRecovered(incarnation=1, at=world.now),)
    assert world.when(recover) == Decision()


def test_a_session_is_lost_one_ttl_after_its_last_renewal_and_not_earlier(world: World) -> None:
    project(world)
    life = opened(world)
    renewed_at = world.advance(20)
    command = LoseSession(session=life.session, incarnation=1, renewed_at=renewed_at)
    world.advance(TTL - 0.000_001)
    early = world.when(command)
    assert isinstance(early.rejection, LeaseStillRuns)
    assert early.leases == ()
    world.advance(0.000_001)
    decision = world.when(command)
    assert decision.leases == (LeaseChange("expire", StreamId(life.session), 1, stamp=renewed_at),)
    (write,) = decision.writes
    assert write.events == (SessionLost(incarnation=1, renewed_at=renewed_at, at=world.now),)
    assert told(world, life.session, 1) == SessionWasLost(session=life.session, incarnation=1)
    assert isinstance(world.when(EndSession(session=life.session, incarnation=1)).rejection, SessionWasLost)
    assert world.when(command) == Decision()


def test_a_renewal_older_than_the_life_itself_never_ends_it_early(world: World) -> None:
    project(world)
    life = opened(world)
    world.advance(TTL - 1)
    assert isinstance(
        world.when(LoseSession(session=life.session, incarnation=1, renewed_at=0)).rejection, LeaseStillRuns
    )


def test_an_outage_of_ours_gives_every_lease_one_ttl_from_its_end(world: World) -> None:
    project(world)
    life = opened(world)
    renewed_at = world.now
    world.advance(3 * TTL)
    world.when(EndOutage(began_at=Instant(renewed_at + SECOND)))
    lose = LoseSession(session=life.session, incarnation=1, renewed_at=renewed_at)
    suspect = SuspectSession(session=life.session, incarnation=1, renewed_at=renewed_at)
    assert isinstance(world.when(suspect).rejection, LeaseStillRuns)
    world.advance(TTL - 1)
    assert isinstance(world.when(lose).rejection, LeaseStillRuns)
    world.advance(1)
    assert world.when(lose).rejection is None
    assert state(world, life.session).status == "lost"


def test_an_outage_is_recorded_once_however_many_nodes_find_it(world: World) -> None:
    began_at = world.now
    world.advance(10)
    command = EndOutage(began_at=began_at)
    assert len(world.when(command).writes) == 1
    first_end = world.now
    world.advance(1)
    assert world.when(command) == Decision()
    assert world.read(OUTAGES, OUTAGE_STREAM).ended_at == first_end
    assert world.when(EndOutage(began_at=Instant(world.now))) == Decision()


@pytest.mark.parametrize("kind", [SuspectSession, RecoverSession, LoseSession])
def test_derived_commands_on_a_former_life_change_nothing(world: World, kind: type[SessionCommand]) -> None:
    project(world)
    life = opened(world)
    opened(world, resume=life.session)
    world.advance(10 * TTL)
    fields = {} if kind is RecoverSession else {"renewed_at": 0}
    assert world.when(kind(session=life.session, incarnation=1, **fields)) == Decision()
    unknown = world.when(kind(session="sess_x", incarnation=1, **fields)).rejection
    assert unknown == UnknownThing(kind="session", name="sess_x")


@dataclass(frozen=True)
class Row:
    session: str = "sess_1"
    incarnation: int = 1
    ttl_seconds: int = TTL
    renewed_at: int = 1_000 * SECOND


START = 1_000 * SECOND
HALF = START + TTL * SECOND // 2
END = START + TTL * SECOND


@pytest.mark.parametrize(
    ("status", "now", "kind"),
    [
        ("live", HALF - 1, None),
        ("live", HALF, SuspectSession),
        ("live", END - 1, SuspectSession),
        ("live", END, LoseSession),
        ("suspect", HALF - 1, RecoverSession),
        ("suspect", HALF, None),
        ("suspect", END - 1, None),
        ("suspect", END, LoseSession),
        ("lost", END, None),
        ("ended", END, None),
    ],
)
def test_liveness_says_what_is_due_and_never_early(status: Status, now: int, kind: type[SessionCommand] | None) -> None:
    commands = due([Row()], {"sess_1": Standing(1, status)}, Instant(0), Instant(now))
    assert [type(command) for command in commands] == ([] if kind is None else [kind])


def test_liveness_counts_from_the_end_of_an_outage_but_does_not_call_the_suspect_recovered() -> None:
    outage_ended_at = Instant(END)
    standing = {"sess_1": Standing(1, "suspect")}
    assert due([Row()], standing, outage_ended_at, Instant(END + 1)) == ()
    assert due([Row()], standing, outage_ended_at, Instant(END + TTL * SECOND - 1)) == ()
    (command,) = due([Row()], standing, outage_ended_at, Instant(END + TTL * SECOND))
    assert command == LoseSession(session="sess_1", incarnation=1, renewed_at=START)


def test_liveness_leaves_rows_of_other_lives_alone_and_takes_unknown_sessions_as_live() -> None:
    assert due([Row(incarnation=1)], {"sess_1": Standing(2, "live")}, Instant(0), Instant(END)) == ()
    assert len(due([Row()], {}, Instant(0), Instant(END))) == 1


def test_liveness_answers_a_bounded_number_and_when_to_look_again() -> None:
    rows = [Row(session=f"sess_{number}") for number in range(5)]
    assert len(due(rows, {}, Instant(0), Instant(END), most=3)) == 3
    assert next_at(rows, Instant(0)) == HALF
    assert next_at(rows, Instant(END)) == END + TTL * SECOND // 2
    assert next_at([], Instant(0)) is None
