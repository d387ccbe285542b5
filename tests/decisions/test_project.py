"""Given, when, then: projects."""

from typing import Any

import pytest
from immutables import Map

from domain.kernel.errors import UnknownThing
from domain.kernel.ids import FLEET, ProjectId, StreamId, derived_id
from domain.project.commands import (
    CreateProject,
    FreezeProject,
    GrantNeeds,
    RemoveBookmark,
    RevokeNeeds,
    SetBookmark,
    UnfreezeProject,
    UpdateProject,
)
from domain.project.decider import BOOKMARKS_MAX, GRANTS_MAX, ProjectNamed
from domain.project.errors import BookmarksLimited, GrantsLimited, ProjectIsFrozen, ProjectNameTaken, SettingsUnfit
from domain.project.events import ProjectBookmarkRemoved, ProjectBookmarkSet, ProjectNeedsGranted
from domain.project.settings import EnvironmentPool, ProjectBudget, Repository
from domain.project.state import Project
from tests.support.fleet import OWNER, Fleet, a_task, accepted, events_of, names_of, refused


def test_a_project_is_created_under_a_free_name() -> None:
    fleet = Fleet()
    decision = accepted(fleet.ask(CreateProject(name="bakery", lock_delay_seconds=5), project=FLEET))
    assert isinstance(decision.answer, ProjectNamed)
    assert decision.answer.created
    assert fleet.names[FLEET, "project", "bakery"] == decision.answer.project
    assert fleet.log[-1].project == decision.answer.project, "the project owns its own rows"
    assert fleet.states[fleet.names[FLEET, "project", "bakery"]] == Project("bakery", 5, fleet.now)


def test_creating_it_again_with_the_same_settings_changes_nothing() -> None:
    fleet = Fleet()
    first = accepted(fleet.ask(CreateProject(name="bakery"), project=FLEET)).answer
    again = accepted(fleet.ask(CreateProject(name="bakery"), project=FLEET))
    assert not again.writes
    assert isinstance(first, ProjectNamed)
    assert again.answer == ProjectNamed(project=first.project, created=False)


def test_a_name_with_other_settings_is_taken() -> None:
    fleet = Fleet()
    fleet.ask(CreateProject(name="bakery"), project=FLEET)
    refused(fleet.ask(CreateProject(name="bakery", lock_delay_seconds=7), project=FLEET), ProjectNameTaken)


def test_a_frozen_project_dispatches_nothing_and_lets_live_work_end() -> None:
    fleet = Fleet()
    one, two = fleet.a_session("one"), fleet.a_session("two")
    fleet.plan(a_task("a"), a_task("b"))
    claimed = fleet.claimed(one)
    assert names_of(fleet.ask(FreezeProject(project="shop", reason="release"))) == ["ProjectFrozen"]
    assert not accepted(fleet.ask(FreezeProject(project="shop"))).writes, "frozen already"
    refused(fleet.claim(two), ProjectIsFrozen)
    refused(fleet.claim(two, "b"), ProjectIsFrozen)
    accepted(fleet.complete(claimed.task, claimed.token))
    assert names_of(fleet.ask(UnfreezeProject(project="shop"))) == ["ProjectUnfrozen"]
    assert not accepted(fleet.ask(UnfreezeProject(project="shop"))).writes
    fleet.claimed(two)


def test_an_absent_project_is_unknown_to_every_command_of_it() -> None:
    fleet = Fleet()
    for command in (FreezeProject(project="x"), UnfreezeProject(project="x")):
        refused(fleet.ask(command, project="proj_0000000000000000000000000x"), UnknownThing)
    refused(fleet.plan(a_task("a"), project="proj_0000000000000000000000000x"), UnknownThing)
    refused(fleet.claim(fleet.a_session(), project="proj_0000000000000000000000000x"), UnknownThing)


def test_a_bookmark_names_a_position_until_it_is_removed() -> None:
    fleet = Fleet()
    first = events_of(fleet.ask(SetBookmark(project="shop", name="before", position=7)))
    assert first == (ProjectBookmarkSet(name="before", position=7, by=OWNER, at=fleet.now),)
    assert events_of(fleet.ask(SetBookmark(project="shop", name="before", position=7))) == ()
    assert names_of(fleet.ask(SetBookmark(project="shop", name="before", position=8))) == ["ProjectBookmarkSet"]
    assert fleet.states[StreamId(fleet.project)].bookmarks == Map(before=8)
    removed = events_of(fleet.ask(RemoveBookmark(project="shop", name="before")))
    assert removed == (ProjectBookmarkRemoved(name="before", by=OWNER, at=fleet.now),)
    assert events_of(fleet.ask(RemoveBookmark(project="shop", name="before"))) == ()


def test_bookmarks_are_bounded() -> None:
    fleet = Fleet()
    for number in range(BOOKMARKS_MAX):
        fleet.given(
            fleet.project,
            ProjectBookmarkSet(name=f"b{number}", position=1, by=OWNER, at=fleet.now),
            project=fleet.project,
        )
    refused(fleet.ask(SetBookmark(project="shop", name="more", position=1)), BookmarksLimited)
    accepted(fleet.ask(SetBookmark(project="shop", name="b0", position=2)))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"repositories": (Repository(name="r"), Repository(name="r"))}, "two repositories have one name"),
        ({"protected_branches": ("main", "main")}, "two protected branches have one name"),
        (
            {"environment_pools": (EnvironmentPool(name="eu", members=("a", "a")),)},
            "two members of eu have one name",
        ),
        (
            {"budget_soft": ProjectBudget(tokens=9), "budget_hard": ProjectBudget(tokens=8)},
            "the soft bound of tokens is above the hard one",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused_with_the_reason(settings: Any, reason: str) -> None:
    fleet = Fleet()
    told = refused(fleet.ask(UpdateProject(project="shop", **settings)), SettingsUnfit)
    assert told == SettingsUnfit(reason=reason)


def test_a_project_is_granted_to_so_many_and_no_more() -> None:
    fleet = Fleet()
    first, *others = (
        fleet.a_project("first"),
        *(derived_id("proj", fleet.now, (str(one),)) for one in range(GRANTS_MAX - 1)),
    )
    granted = (ProjectNeedsGranted(to=ProjectId(one), at=fleet.now) for one in (first, *others))
    fleet.given(fleet.project, *granted, project=fleet.project)
    fleet.a_project("platform")
    assert refused(fleet.ask(GrantNeeds(project="shop", to="platform")), GrantsLimited).most == GRANTS_MAX
    assert not accepted(fleet.ask(GrantNeeds(project="shop", to="first"))).writes, "as it was already"
    fleet.ask(RevokeNeeds(project="shop", to="first"))
    accepted(fleet.ask(GrantNeeds(project="shop", to="platform")))
