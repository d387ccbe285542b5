"""Given, when, then: plans."""

import time
from dataclasses import replace
from typing import Any

import pytest

from domain.dispatch.errors import (
    ClaimMalformed,
    ConstraintMalformed,
    KeyRepeated,
    NeedOnItself,
    NeedRepeated,
    NeedsCircular,
    NeedUnknown,
    PlanDiffers,
    PlanTooLarge,
)
from domain.dispatch.plan import PlanApplied
from domain.dispatch.plan_birth import DEPENDANTS_MAX
from domain.kernel.decider import StreamsMissing
from domain.kernel.ids import Instant, ProjectId, StreamId, derived_id
from domain.kernel.values import Operator, Requirement, ScopeClaim
from domain.kernel.work import RetryRule
from domain.run.errors import KeyOfRun
from domain.task.commands import Need, PlannedTask
from domain.task.decider import phase_name
from tests.support.fleet import Fleet, a_task, accepted, names_of, refused


def test_a_plan_creates_its_tasks_and_readies_those_without_needs() -> None:
    fleet = Fleet()
    decision = accepted(fleet.plan(a_task("a"), a_task("b", "a"), a_task("c", "a", "b")))
    answer = decision.answer
    assert isinstance(answer, PlanApplied)
    assert (answer.created, answer.unchanged) == (3, 0)
    assert answer.ids == {key: fleet.id_of(key) for key in "abc"}
    assert [phase_name(fleet.task(key)) for key in "abc"] == ["ready", "pending", "pending"]
    assert fleet.task("a").dependants == (fleet.id_of("b"), fleet.id_of("c"))
    assert [fleet.task(key).plan.path_length for key in "abc"] == [3, 2, 1]
    assert len(decision.writes) == 3, "one write per stream"


def test_the_order_of_the_file_does_not_matter() -> None:
    fleet = Fleet()
    accepted(fleet.plan(a_task("c", "a", "b"), a_task("b", "a"), a_task("a")))
    assert [fleet.task(key).plan.path_length for key in "abc"] == [3, 2, 1]


def test_the_same_command_decided_twice_names_the_same_tasks() -> None:
    answers = []
    for _ in range(2):
        fleet = Fleet()
        answers.append(fleet.plan(a_task("a"), a_task("b", "a"), command_id="cmd_same").answer)
    assert answers[0] == answers[1]


def test_the_same_plan_applied_twice_changes_nothing() -> None:
    fleet = Fleet()
    plan = (a_task("a", scope=("path:shop//src/**",)), a_task("b", "a", body="text", retry=RetryRule(max_attempts=5)))
    first = accepted(fleet.plan(*plan)).answer
    again = accepted(fleet.plan(*plan))
    assert not again.writes
    assert not again.keys
    assert isinstance(first, PlanApplied)
    assert again.answer == PlanApplied(ids=first.ids, created=0, unchanged=2)


def test_new_tasks_may_stand_beside_existing_ones_and_need_them() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    decision = accepted(fleet.plan(a_task("a"), a_task("b", "a")))
    assert isinstance(decision.answer, PlanApplied)
    assert (decision.answer.created, decision.answer.unchanged) == (1, 1)
    assert fleet.task("a").dependants == (fleet.id_of("b"),)
    accepted(fleet.plan(a_task("c", "a", "b")))
    assert fleet.task("a").dependants == (fleet.id_of("b"), fleet.id_of("c"))


@pytest.mark.parametrize(
    ("accept", "expected", "unmet"),
    [(("completed",), "ready", 0), (("failed",), "pending", 1), (("failed", "completed"), "ready", 0)],
)
def test_a_need_that_is_completed_already_counts_at_once(accept: Any, expected: str, unmet: int) -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    claimed = fleet.claimed(fleet.a_session())
    fleet.complete(claimed.task, claimed.token)
    decision = accepted(fleet.plan(a_task("b", Need(task="a", accept=accept))))
    assert "TaskDependantAdded" not in names_of(decision), "what is completed tells nobody any more"
    assert phase_name(fleet.task("b")) == expected
    assert len(fleet.task("b").unmet) == unmet


def test_a_failed_need_blocks_and_still_tells_when_it_is_retried() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", retry=RetryRule(max_attempts=1)))
    claimed = fleet.claimed(fleet.a_session())
    fleet.fail(claimed.task, claimed.token)
    accepted(fleet.plan(a_task("b", "a")))
    assert dict(fleet.task("b").unmet) == {fleet.id_of("a"): True}
    assert fleet.task("a").dependants == (fleet.id_of("b"),)


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("title", {"title": "Other"}),
        ("body", {"body": "other"}),
        ("kind", {"kind": "docs"}),
        ("priority", {"priority": 1}),
        ("scope", {"scope": (ScopeClaim(claim="env:staging"),)}),
        ("requires", {"requires": (Requirement(key="gpu"),)}),
        ("retry", {"retry": RetryRule(max_attempts=9)}),
        ("timeout_seconds", {"timeout_seconds": 3.0}),
        ("run", {"run": "make"}),
        ("needs", {"needs": (Need(task="a", accept=("failed",)),)}),
    ],
)
def test_an_edited_task_refuses_the_whole_plan_and_says_where_it_differs(field: str, changed: dict[str, Any]) -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b", "a"))
    edited = a_task("b", "a").model_copy(update=changed)
    rejection = refused(fleet.plan(a_task("a"), edited, a_task("new")), PlanDiffers)
    assert [(one.task, one.fields) for one in rejection.differences] == [("b", (field,))]
    assert (fleet.project, "task", "new") not in fleet.names


def test_a_required_true_is_not_a_required_one() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", requires=(Requirement(key="gpu", value=True),)))
    edited = a_task("a", requires=(Requirement(key="gpu", value=1),))
    assert refused(fleet.plan(edited), PlanDiffers).differences[0].fields == ("requires",)


def test_keys_are_unique_in_a_plan_and_belong_to_their_project() -> None:
    fleet = Fleet()
    assert refused(fleet.plan(a_task("a"), a_task("a")), KeyRepeated).task == "a"
    other = fleet.a_project("other")
    accepted(fleet.plan(a_task("a")))
    accepted(fleet.plan(a_task("a"), project=other))
    assert fleet.names[other, "task", "a"] != fleet.id_of("a")


def test_a_plan_cannot_take_the_name_that_a_run_will_give_to_a_task() -> None:
    fleet, run = Fleet(), derived_id("run", Instant(1), ("a",))
    for key in (f"{run}/deploy", f"{run}/deploy@2+undo1"):
        assert refused(fleet.plan(a_task("a"), a_task(key)), KeyOfRun).task == key
    accepted(fleet.plan(a_task("run_it/deploy"), a_task(run), a_task(f"of-{run}/deploy")))


def test_needs_must_exist_in_the_plan_or_in_this_project() -> None:
    fleet = Fleet()
    fleet.plan(a_task("far"), project=fleet.a_project("other"))
    rejection = refused(fleet.plan(a_task("a"), a_task("b", "far")), NeedUnknown)
    assert (rejection.task, rejection.need, rejection.field) == ("b", "far", "needs")
    assert (fleet.project, "task", "a") not in fleet.names, "all or none"


def test_a_task_cannot_need_itself_nor_the_same_task_twice() -> None:
    fleet = Fleet()
    assert refused(fleet.plan(a_task("a", "a")), NeedOnItself).task == "a"
    assert refused(fleet.plan(a_task("a"), a_task("b", "a", "a")), NeedRepeated).need == "a"


def test_a_circle_is_refused_with_its_path() -> None:
    fleet = Fleet()
    tasks = (a_task("free"), a_task("before", "a"), a_task("a", "free", "c"), a_task("b", "a"), a_task("c", "b"))
    rejection = refused(fleet.plan(*tasks), NeedsCircular)
    assert rejection.path == ("a", "c", "b", "a")
    assert "a needs c needs b needs a" in rejection.message()


def test_a_long_circle_is_told_in_short() -> None:
    count = 500
    tasks = [a_task(f"t{index}", f"t{(index + 1) % count}") for index in range(count)]
    rejection = refused(Fleet().plan(*tasks), NeedsCircular)
    assert len(rejection.path) == count + 1
    assert len(rejection.message()) < 500


def test_a_claim_that_is_not_canonical_is_refused_with_its_task() -> None:
    rejection = refused(Fleet().plan(a_task("a"), a_task("b", scope=("path:shop//../x",))), ClaimMalformed)
    assert (rejection.task, rejection.claim, rejection.field) == ("b", "path:shop//../x", "scope")


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("=", (1, 2)),
        ("!=", ("a",)),
        ("<", "2"),
        (">=", True),
        ("<=", (1,)),
        ("in", "a"),
        ("in", ()),
        ("contains", ()),
        ("exists", "yes"),
        ("=", float("nan")),
        ("in", (1, float("inf"))),
    ],
)
def test_a_constraint_that_could_never_hold_is_refused(operator: Operator, value: Any) -> None:
    requirement = Requirement(key="memory", operator=operator, value=value)
    rejection = refused(Fleet().plan(a_task("a", requires=(requirement,))), ConstraintMalformed)
    assert (rejection.task, rejection.key, rejection.operator) == ("a", "memory", operator)


def test_a_plan_with_too_many_needs_is_refused() -> None:
    first = [a_task(f"a{index}") for index in range(201)]
    second = [a_task(f"b{index}", *(task.key for task in first)) for index in range(100)]
    assert refused(Fleet().plan(*first, *second), PlanTooLarge).most == 20_000


def test_one_task_is_needed_by_a_bounded_number_of_others() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"))
    many = tuple(f"task_{number}" for number in range(DEPENDANTS_MAX))
    fleet.states[fleet.id_of("a")] = replace(fleet.task("a"), dependants=many)
    assert refused(fleet.plan(a_task("b", "a")), PlanTooLarge).most == DEPENDANTS_MAX


def test_a_large_plan_asks_for_all_that_is_missing_at_once() -> None:
    class Cold(Fleet):
        """Nothing is in memory but the project."""

        def key(self, scope: ProjectId, kind: str, name: str) -> StreamId | None:
            raise StreamsMissing(keys=((scope, kind, name),))

    with pytest.raises(StreamsMissing) as missing:
        Cold().plan(a_task("a"), a_task("b", "z"))
    assert [name for _, _, name in missing.value.keys] == ["a", "b", "z"]


def test_two_thousand_tasks_are_decided_well_under_a_second() -> None:
    fleet = Fleet()
    tasks: list[PlannedTask] = []
    for index in range(2_000):
        needs = [f"t{other}" for other in (index - 1, index - 7, index - 100) if other >= 0 and index % 50]
        tasks.append(a_task(f"t{index}", *needs, scope=(f"path:shop//src/m{index}/**",)))
    began = time.process_time()
    accepted(fleet.plan(*tasks))
    accepted(fleet.plan(*tasks))
    assert time.process_time() - began < 2.0, "twice, with every event folded"
