"""Given, when, then: letter case in repositories that ignore it."""

from typing import Any

import pytest

from domain.dispatch.errors import ClaimMalformed, NothingReady
from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_checks import FenceAccepted, LocksChecked
from domain.kernel.decider import Decision
from domain.kernel.errors import RefusalKind
from domain.kernel.ids import ProjectId, with_prefix
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.commands import AcquireLocks, CheckFence, CheckLocks, ReleaseLocks, UpgradeLocks
from domain.lock.errors import BadPattern, CaseRuleInUse, LockConflict
from domain.lock.events import CaseRuleSet, LocksGranted
from domain.project.commands import UpdateProject
from domain.project.events import ProjectSet
from domain.project.settings import ProjectSettings, Repository
from tests.support.fleet import Fleet, a_task, accepted, events_of, names_of, refused


def ignoring(fleet: Fleet, *names: str, exact: tuple[str, ...] = ()) -> Decision:
    """Say which repositories of the project ignore letter case."""
    repositories = (
        *(Repository(name=one, ignores_case=True) for one in names),
        *(Repository(name=one) for one in exact),
    )
    return fleet.ask(UpdateProject(project="shop", repositories=repositories))


@pytest.fixture
def fleet() -> Fleet:
    """A project in whose repository ``mac`` letter case is ignored, and in ``repo`` is not."""
    fleet = Fleet()
    accepted(ignoring(fleet, "mac", exact=("repo",)))
    return fleet


def acquire(fleet: Fleet, session: str, *claims: str, mode: LockMode = "exclusive", wait: Any = "none") -> Decision:
    wanted = tuple(ScopeClaim(claim=one, mode=mode) for one in claims)
    return fleet.ask(AcquireLocks(project="shop", session=session, incarnation=1, claims=wanted, wait=wait))


def answer_of(decision: Decision) -> LockAnswer:
    answer = accepted(decision).answer
    assert isinstance(answer, LockAnswer)
    return answer


def token_of(decision: Decision) -> str:
    token = answer_of(decision).token
    assert token is not None
    return token


def test_the_rule_is_a_record_of_the_lock_space_and_said_once() -> None:
    fleet = Fleet()
    decided = accepted(ignoring(fleet, "mac", "docs", exact=("repo",)))
    assert names_of(decided) == ["ProjectSet", "CaseRuleSet"]
    assert events_of(decided)[1] == CaseRuleSet(ignoring_case=("docs", "mac"), at=fleet.now)
    assert not accepted(ignoring(fleet, "mac", "docs", exact=("repo",))).writes
    assert names_of(fleet.ask(UpdateProject(project="shop", weight=3))) == ["ProjectSet"], "nothing else touches it"


def test_settings_from_before_the_rule_come_into_force_when_they_are_said_again() -> None:
    fleet = Fleet()
    old = ProjectSettings(repositories=(Repository(name="mac", ignores_case=True),))
    fleet.given(fleet.project, ProjectSet(settings=old, changed=("repositories",), by="key", at=fleet.now))
    one, two = fleet.a_session("one"), fleet.a_session("two")
    kept = token_of(acquire(fleet, one, "path:mac//README"))
    accepted(acquire(fleet, two, "path:other//readme"))
    refused(ignoring(fleet, "mac"), CaseRuleInUse)
    accepted(fleet.ask(ReleaseLocks(project="shop", session=one, incarnation=1, token=kept)))
    assert names_of(ignoring(fleet, "mac")) == ["CaseRuleSet"]


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("path:mac//src/Readme.md", "path:mac//SRC/README.MD"),
        ("path:mac//src/**", "path:mac//Src/a.py"),
        ("path:mac//[A-C]x", "path:mac//bX"),
        ("path:mac//ÄPFEL/*", "path:mac//äpfel/a"),
        ("path:mac@Main//a", "path:mac@main//A"),
        ("branch:mac//Feature/*", "branch:mac//feature/X"),
    ],
)
def test_spellings_that_differ_in_letter_case_are_one_thing_there(fleet: Fleet, held: str, wanted: str) -> None:
    one, two = fleet.a_session("one"), fleet.a_session("two")
    accepted(acquire(fleet, one, held))
    refused(acquire(fleet, two, wanted), LockConflict)
    assert answer_of(acquire(fleet, two, wanted, wait="preview")).outcome == "blocked"
    assert answer_of(acquire(fleet, two, wanted, wait="queue")).outcome == "waiting"


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("path:repo//README", "path:repo//readme"),
        ("path:mac//README", "path:repo//readme"),
        ("name:mac/A", "name:mac/a"),
        ("worktree:mac//A", "worktree:mac//a"),
        ("path:mac//a", "path:mac//b"),
    ],
)
def test_nothing_else_loses_its_case(fleet: Fleet, held: str, wanted: str) -> None:
    one, two = fleet.a_session("one"), fleet.a_session("two")
    accepted(acquire(fleet, one, held))
    accepted(acquire(fleet, two, wanted))


def test_the_folded_text_is_stored_and_answered_each_thing_once(fleet: Fleet) -> None:
    one = fleet.a_session("one")
    decided = acquire(fleet, one, "path:mac//Src/A.py", "path:mac//src/a.PY", "path:mac//[X-Z]*")
    folded = (ScopeClaim(claim="path:mac//src/a.py"), ScopeClaim(claim="path:mac//[x-z]*"))
    assert answer_of(decided).claims == folded
    (granted,) = (event for event in events_of(decided) if isinstance(event, LocksGranted))
    assert granted.claims == folded
    again = acquire(fleet, one, "path:mac//SRC/A.PY", "path:mac//[x-z]*")
    assert answer_of(again).outcome == "held"
    assert not again.writes


def test_work_is_given_out_by_the_rule_and_its_plan_keeps_its_words(fleet: Fleet) -> None:
    one, two = fleet.a_session("one"), fleet.a_session("two")
    accepted(fleet.plan(a_task("a", scope=("path:mac//Lib/**",)), a_task("b", scope=("path:mac//lib/x",))))
    assert fleet.task("a").plan.scope == (ScopeClaim(claim="path:mac//Lib/**"),)
    held = fleet.claimed(one, "a")
    refused(fleet.claim(two, "b"), LockConflict)
    assert refused(fleet.claim(two), NothingReady).locked == 1
    accepted(fleet.complete(held.task, held.token))
    fleet.claimed(two, "b")


def test_check_points_read_resources_as_locks_do(fleet: Fleet) -> None:
    one, two = fleet.a_session("one"), fleet.a_session("two")
    token = token_of(acquire(fleet, one, "path:mac//Src/**"))
    accepted(acquire(fleet, two, "path:mac//DOCS"))
    asked = ("path:mac//SRC/a", "path:mac//docs/b", "path:mac//Other", "path:repo//SRC/a")
    checked = accepted(
        fleet.ask(CheckLocks(project="shop", session=one, incarnation=1, token=token, resources=asked))
    ).answer
    assert isinstance(checked, LocksChecked)
    assert [one.state for one in checked.resources] == ["covered", "held", "free", "free"]
    fence = accepted(fleet.ask(CheckFence(project="shop", resource="path:mac//sRC/A", token=token)))
    assert fence.answer == FenceAccepted(resource="path:mac//src/a", token=token)
    assert not accepted(fleet.ask(CheckFence(project="shop", resource="path:mac//SRC/a", token=token))).writes


def test_an_upgrade_asks_for_the_folded_claims(fleet: Fleet) -> None:
    one, two = fleet.a_session("one"), fleet.a_session("two")
    token = token_of(acquire(fleet, one, "path:mac//Src/A", mode="update"))
    accepted(acquire(fleet, two, "path:mac//SRC/a", mode="shared"))
    upgrade = UpgradeLocks(project="shop", session=one, incarnation=1, token=token, mode="exclusive")
    refused(fleet.ask(upgrade), LockConflict)


def test_the_rule_changes_only_while_nothing_there_is_held_or_waited_for(fleet: Fleet) -> None:
    one, two = fleet.a_session("one"), fleet.a_session("two")
    first = token_of(acquire(fleet, one, "path:mac//A"))
    accepted(acquire(fleet, two, "branch:mac//x", "path:repo//b"))
    told = refused(ignoring(fleet, "repo"), CaseRuleInUse)
    assert (told.claim, told.claims, told.KIND) == ("path:mac//a", 3, RefusalKind.CONFLICT)
    assert not ignoring(fleet, "repo").writes
    accepted(ignoring(fleet, "mac", "fresh", exact=("repo",)))
    accepted(acquire(fleet, two, "path:mac//a", wait="queue"))
    accepted(fleet.ask(ReleaseLocks(project="shop", session=one, incarnation=1, token=first)))
    refused(ignoring(fleet), CaseRuleInUse)


def test_a_repository_that_tells_case_apart_again_gets_exact_claims(fleet: Fleet) -> None:
    one, two = fleet.a_session("one"), fleet.a_session("two")
    token = token_of(acquire(fleet, one, "path:mac//A"))
    accepted(fleet.ask(ReleaseLocks(project="shop", session=one, incarnation=1, token=token)))
    assert events_of(ignoring(fleet))[-1] == CaseRuleSet(ignoring_case=(), at=fleet.now)
    assert answer_of(acquire(fleet, one, "path:mac//A")).claims == (ScopeClaim(claim="path:mac//A"),)
    accepted(acquire(fleet, two, "path:mac//a"))


def test_what_folding_makes_too_long_is_refused_before_it_is_planned(fleet: Fleet) -> None:
    text = "path:mac//" + "Ⱥ" * 180  # two bytes each, three once folded
    refused(acquire(fleet, fleet.a_session(), text), BadPattern)
    refused(fleet.plan(a_task("a", scope=(text,))), ClaimMalformed)
    accepted(fleet.plan(a_task("a", scope=(text.replace("mac", "repo"),))))


def test_what_was_granted_does_not_change_when_the_log_is_read_again(fleet: Fleet) -> None:
    session = fleet.a_session()
    accepted(acquire(fleet, session, "path:mac//Src/[A-C]*"))
    space = fleet.states[with_prefix("locks", ProjectId(fleet.project))]
    assert [entry.claim for entry in space.grants[min(space.grants)].claims] == ["path:mac//src/[a-c]*"]
    assert space.ignoring_case == frozenset({"mac"})
