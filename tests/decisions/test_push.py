"""The check point of git: what a commit or a push touches is held by the session behind it, alone and now."""

from typing import Any

import pytest

from domain.dispatch.authority import actions_of
from domain.dispatch.push_checks import PushChecked
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import derived_id
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, BreakLocks, CheckPush
from domain.lock.errors import BadPattern, LockTokenFenced
from domain.lock.push_errors import BranchProtected, PushUncovered
from domain.project.commands import UpdateProject
from domain.project.settings import Repository
from domain.session.commands import EndSession
from domain.session.errors import NotSessionOwner, SessionFenced, SessionHasEnded
from tests.decisions.test_lock_waiting import PROJECT, Fleet, token


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def push(fleet: Fleet, session: str, held: str, *paths: str, by: str = "key_agent", **more: Any) -> Decision:
    said: dict[str, Any] = {"session": session, "incarnation": 1, "repository": "r", "branch": "topic", **more}
    return fleet.when(CheckPush(project=PROJECT, token=held, paths=paths, **said), fleet.stamp(PROJECT, by))


def passes(decision: Decision) -> bool:
    assert decision.writes == ()
    return isinstance(decision.answer, PushChecked)


def uncovered(decision: Decision) -> PushUncovered:
    refused = decision.rejection
    assert isinstance(refused, PushUncovered), refused
    assert refused.AUDITED
    return refused


def branch(fleet: Fleet, session: str, name: str) -> str:
    return token(fleet.when(_branch_lock(session, name), fleet.agent()))


def _branch_lock(session: str, name: str) -> Any:
    claims = (ScopeClaim(claim=f"branch:r//{name}"),)
    return AcquireLocks(project=PROJECT, session=session, incarnation=1, claims=claims)


def test_what_the_session_holds_exclusively_may_be_pushed(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**"))
    assert passes(push(fleet, one, held, "src/a.py", "src/deep/b.py"))


def test_what_nobody_holds_is_refused_with_the_resource_and_the_next_command(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**"))
    refused = uncovered(push(fleet, one, held, "src/a.py", "docs/b.md", "c"))
    assert (refused.resource, refused.total) == ("path:r@topic//docs/b.md", 2)
    assert "which nobody holds" in refused.message()
    assert f"signalbox lock acquire 'path:r@topic//docs/b.md' --session {one}" in refused.advice()


def test_what_somebody_else_holds_is_told_first_and_with_its_holder(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "src/**"))
    fleet.ask(two, "docs/**")
    refused = uncovered(push(fleet, one, held, "free", "docs/b.md"))
    assert refused.resource == "path:r@topic//docs/b.md"
    assert f"which {two} holds as path:r//docs/**" in refused.message()
    assert [fault.state for fault in refused.faults] == ["held", "free"]


def test_a_shared_lock_covers_no_push(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**", mode="shared"))
    assert uncovered(push(fleet, one, held, "src/a")).faults[0].state == "free"


def test_names_with_the_letters_of_patterns_are_names(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/\\*"))
    assert passes(push(fleet, one, held, "src/*"))
    assert uncovered(push(fleet, one, held, "src/a")).resource == "path:r@topic//src/a"
    assert isinstance(push(fleet, one, held, "src/a\u200fb").rejection, BadPattern)


def test_a_lock_on_another_branch_alone_covers_nothing(fleet: Fleet) -> None:
    one = fleet.open()
    command = _branch_lock(one, "x").model_copy(update={"claims": (_path("topic"),)})
    held = token(fleet.when(command, fleet.agent()))
    assert passes(push(fleet, one, held, "src/a"))
    assert uncovered(push(fleet, one, held, "src/a", branch="main")).total == 1


def _path(ref: str) -> Any:
    return ScopeClaim(claim=f"path:r@{ref}//src/**")


def test_a_token_that_is_not_current_is_fenced(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**"))
    fleet.when(BreakLocks(project=PROJECT, token=held, reason="stuck"), fleet.stamp(PROJECT, "key_person"))
    newer = token(fleet.ask(one, "src/**"))
    assert isinstance(push(fleet, one, held, "src/a").rejection, LockTokenFenced)
    assert passes(push(fleet, one, newer, "src/a"))


def test_a_life_that_is_over_pushes_nothing(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**"))
    assert isinstance(push(fleet, one, held, "src/a", incarnation=2).rejection, SessionFenced)
    fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    assert isinstance(push(fleet, one, held, "src/a").rejection, SessionHasEnded)


def test_a_branch_that_somebody_else_holds_takes_no_push_but_commits_go_on(fleet: Fleet) -> None:
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "src/**"))
    branch(fleet, two, "topic")
    assert uncovered(push(fleet, one, held, "src/a")).resource == "branch:r//topic"
    assert passes(push(fleet, one, held, "src/a", change="commit"))
    assert passes(push(fleet, one, held, "src/a", branch="other"))


def protect(fleet: Fleet, *names: str) -> None:
    fleet.when(UpdateProject(project=PROJECT, protected_branches=names), fleet.stamp(PROJECT, "key_person"))


def test_a_protected_branch_wants_the_branch_as_well(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**"))
    protect(fleet, "main", "release/*")
    for name in ("main", "release/1"):
        assert uncovered(push(fleet, one, held, "src/a", branch=name)).resource == f"branch:r//{name}"
        branch(fleet, one, name)
        assert passes(push(fleet, one, held, "src/a", branch=name))
    assert passes(push(fleet, one, held, "src/a", branch="topic"))


@pytest.mark.parametrize("change", ["rewrite", "delete"])
def test_a_protected_branch_is_neither_rewritten_nor_deleted(fleet: Fleet, change: str) -> None:
    one = fleet.open()
    held = branch(fleet, one, "main")
    assert passes(push(fleet, one, held, branch="main", change=change))
    protect(fleet, "main")
    assert isinstance(push(fleet, one, held, branch="main", change=change).rejection, BranchProtected)


def test_who_holds_the_branch_brings_along_what_other_branches_had_before(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**"))
    asked: dict[str, Any] = {"branch": "main", "merged": ("docs/b",)}
    assert uncovered(push(fleet, one, held, "src/a", **asked)).resource == "path:r@main//docs/b"
    branch(fleet, one, "main")
    assert passes(push(fleet, one, held, "src/a", **asked))
    assert uncovered(push(fleet, one, held, "docs/b", branch="main")).total == 1


def test_a_repository_that_ignores_case_is_checked_so(fleet: Fleet) -> None:
    one = fleet.open()
    rule = UpdateProject(project=PROJECT, repositories=(Repository(name="r", ignores_case=True),))
    fleet.when(rule, fleet.stamp(PROJECT, "key_person"))
    held = token(fleet.ask(one, "Src/**"))
    assert passes(push(fleet, one, held, "SRC/A"))


def test_a_git_server_asks_about_pushes_of_others_with_a_right_of_its_own(fleet: Fleet) -> None:
    one = fleet.open()
    held = token(fleet.ask(one, "src/**"))
    assert isinstance(push(fleet, one, held, "src/a", by="key_git").rejection, NotSessionOwner)
    asked: dict[str, Any] = {"by": "key_git", "on_behalf": True}
    assert passes(push(fleet, one, held, "src/a", **asked))
    assert passes(push(fleet, one, held, "src/a", pusher="key_agent", **asked))
    assert isinstance(push(fleet, one, held, "src/a", pusher="key_other", **asked).rejection, NotSessionOwner)
    absent = derived_id("sess", fleet.now, ("absent",))
    assert isinstance(push(fleet, absent, held, "src/a", **asked).rejection, UnknownThing)
    command = CheckPush(
        project=PROJECT, session=one, incarnation=1, token=held, repository="r", branch="b", on_behalf=True
    )
    assert actions_of(command) == ("check_push", "lock.guard")
