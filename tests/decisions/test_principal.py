"""A key is issued once, workers' keys are bounded in place and time, and a revoked key stays revoked."""

import pytest

from domain.dispatch.keys import issue_key
from domain.kernel.decider import Decision
from domain.kernel.decisions import Rules
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import FLEET, SECOND, ProjectId, StreamId, derived_id
from domain.principal.commands import IssueKey, RevokeKey, Role
from domain.principal.decider import KEY, WORKER_KEY_SECONDS, revoke_key
from domain.principal.errors import KeyIdTaken, OwnerKeyNotForDoors, WorkerKeyWithoutProject
from domain.principal.events import KeyIssued, KeyRevoked
from domain.principal.state import Key
from domain.project.decider import PROJECT
from domain.project.events import ProjectCreated
from tests.support.world import World

RULES = Rules({IssueKey: issue_key, RevokeKey: revoke_key})
AGGREGATES = {aggregate.prefix: aggregate for aggregate in (PROJECT, KEY)}
T0 = World(AGGREGATES).now
KEY_ID = derived_id("key", T0, ("k",))
ALPHA = ProjectId(derived_id("proj", T0, ("alpha",)))


@pytest.fixture
def world() -> World:
    world = World(AGGREGATES, RULES)
    world.given(ALPHA, ProjectCreated(name="alpha", lock_delay_seconds=30, at=T0), project=ALPHA)
    world.names[FLEET, "project", "alpha"] = StreamId(ALPHA)
    return world


def wanted(role: Role = "worker", projects: tuple[str, ...] = ("alpha",), seconds: int | None = None) -> IssueKey:
    return IssueKey(
        key=KEY_ID, name="builders", role=role, projects=projects, digest="ab" * 32, lifetime_seconds=seconds
    )


def issued(decision: Decision) -> KeyIssued:
    (write,) = decision.writes
    (event,) = write.events
    assert isinstance(event, KeyIssued)
    return event


def test_a_workers_key_names_its_projects_by_id_and_ends_after_thirty_days(world: World) -> None:
    event = issued(world.when(wanted(projects=("alpha", ALPHA))))
    assert event.projects == (ALPHA,)
    assert event.expires_at == world.now + WORKER_KEY_SECONDS * SECOND
    assert event.digest == "ab" * 32


def test_a_lifetime_is_kept(world: World) -> None:
    assert issued(world.when(wanted(seconds=60))).expires_at == world.now + 60 * SECOND


def test_a_workers_key_without_a_project_is_refused(world: World) -> None:
    assert world.when(wanted(projects=())).rejection == WorkerKeyWithoutProject(name="builders")


def test_a_persons_key_may_open_every_project_without_an_end(world: World) -> None:
    event = issued(world.when(wanted("operator", ())))
    assert event.projects == ()
    assert event.expires_at is None


def test_an_unknown_project_issues_nothing(world: World) -> None:
    decision = world.when(wanted(projects=("alpha", "beta")))
    assert decision == Decision(rejection=UnknownThing(kind="project", name="beta"))


def test_the_same_key_again_changes_nothing_and_another_under_its_id_is_refused(world: World) -> None:
    world.when(wanted())
    world.advance(1)
    assert world.when(wanted()) == Decision()
    assert world.when(wanted("operator")).rejection == KeyIdTaken(key=KEY_ID)
    assert world.when(wanted(seconds=60)).rejection == KeyIdTaken(key=KEY_ID)


def test_a_revoked_key_stays_revoked(world: World) -> None:
    world.when(wanted())
    (write,) = world.when(RevokeKey(key=KEY_ID)).writes
    assert write.events == (KeyRevoked(at=world.now),)
    assert world.when(RevokeKey(key=KEY_ID)) == Decision()
    assert world.when(wanted()) == Decision()
    state = world.read(KEY, KEY_ID)
    assert isinstance(state, Key)
    assert state.revoked


@pytest.mark.parametrize("key", ["key_00000000000000000000000000", "key_x", "sess_00000000000000000000000000"])
def test_a_key_that_does_not_exist_cannot_be_revoked(world: World, key: str) -> None:
    assert world.when(RevokeKey(key=key)).rejection == UnknownThing(kind="key", name=key)


def test_nobody_issues_the_key_of_an_owner_through_a_door(world: World) -> None:
    assert world.when(wanted("owner", ())).rejection == OwnerKeyNotForDoors()
    assert isinstance(issued(world.when(wanted("admin", ()))), KeyIssued)
