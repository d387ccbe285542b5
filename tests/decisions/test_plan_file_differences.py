"""What a plan would change, told field by field in the notation of the file."""

from collections.abc import Mapping

import pytest

from api.plan.differences import ChangedTask, FieldDifference, ForeignTaskError, differences_of
from domain.kernel.values import Requirement, ScopeClaim
from domain.task.commands import Need, PlannedTask

API = PlannedTask(
    key="api",
    title="Write the API",
    needs=(Need(task="schema"),),
    scope=(ScopeClaim(claim="path:r//api"),),
    requires=(Requirement(key="n", operator=">=", value=5),),
    timeout_seconds=1200.0,
)


def server_answer(task: PlannedTask) -> dict[str, object]:
    """A task as JSON from the server: needs as edges with id and key, and fields that a plan does not have."""
    answer: dict[str, object] = task.model_dump(mode="json")
    answer["needs"] = [{"task": "task_01", "key": need.task, "accept": list(need.accept)} for need in task.needs]
    return answer | {"path_length": 3, "status": "ready"}


def test_the_same_plan_changes_nothing() -> None:
    found = differences_of([server_answer(API)], [API])
    assert (found.unchanged, found.added, found.changed, found.only_on_server) == (("api",), (), (), ())


def test_added_and_left_over_tasks_are_told() -> None:
    other = API.model_copy(update={"key": "other"})
    found = differences_of([server_answer(API)], [other])
    assert (found.added, found.only_on_server) == (("other",), ("api",))


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"title": "New"}, FieldDifference("title", "Write the API", "New")),
        ({"timeout_seconds": 5400.0}, FieldDifference("timeout", "20m", "1h30m")),
        ({"timeout_seconds": None}, FieldDifference("timeout", "20m", None)),
        ({"needs": ()}, FieldDifference("needs", ["schema"], [])),
        ({"requires": ()}, FieldDifference("requires", {"n": ">=5"}, {})),
        (
            {"scope": (ScopeClaim(claim="path:r//api", mode="shared"),)},
            FieldDifference("scope", ["path:r//api"], [{"claim": "path:r//api", "mode": "shared"}]),
        ),
        ({"run": "make"}, FieldDifference("run", None, "make")),
    ],
)
def test_a_changed_field_shows_both_sides(changed: Mapping[str, object], difference: FieldDifference) -> None:
    found = differences_of([server_answer(API)], [API.model_copy(update=changed)])
    assert found.changed == (ChangedTask("api", (difference,)),)


def test_an_answer_that_lacks_a_field_is_no_basis_for_a_comparison() -> None:
    answer = server_answer(API)
    del answer["run"]
    with pytest.raises(ForeignTaskError, match="lacks run"):
        differences_of([answer], [API])
    with pytest.raises(ForeignTaskError, match="priority"):
        differences_of([server_answer(API) | {"priority": "high"}], [API])
