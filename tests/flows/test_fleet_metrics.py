"""The measures over GraphQL and in `signalbox top`: what was done is what is counted."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.graphql.reads.makespan import measured
from projections.kernel.replay import replay
from projections.task_board.projection import TASK_BOARD
from projections.task_needs.rows import TaskNeedRow
from tests.projections.histories import history_of
from tests.support.command_line import CommandLine, end
from tests.support.graphql import Installation, installed

MEASURES = """query($project: String, $hours: Int!, $after: Position, $asOf: Position, $at: Point) {
  fleetMetrics(project: $project, hours: $hours, after: $after, asOf: $asOf, at: $at) { position
    planned completed failed attempts attemptsRetriedPercent sessionsLive capacity attemptsLive idlePercent queueDepth
    workersToDrain attemptSecondsMean assignmentLatency { assignments p50 p95 p99 } tasks { status total } stale } }"""
PLAN = """mutation($project: String!, $tasks: [PlannedTaskInput!]!) {
  applyPlan(input: {project: $project, tasks: $tasks}) { __typename ... on Rejected { code message } } }"""
OPEN = """mutation($project: String!) {
  openSession(input: {projects: [$project], capacity: 2}) { ... on SessionLife { session incarnation } } }"""
CLAIM = """mutation($project: String!, $session: String!) {
  claimTask(input: {project: $project, session: $session, incarnation: 1}) { ... on Claimed { task token } } }"""
REPORT = """mutation($project: String!, $task: String!, $token: String!) {
  %s(input: {project: $project, task: $task, token: $token}) { __typename ... on Rejected { code } } }"""


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


async def measures(box: Installation, project: str | None, **then: Any) -> Any:
    told = await box.owner.ask(MEASURES, project=project, hours=2, after=box.services.events.head(), **then)
    return told["fleetMetrics"]


async def test_what_was_done_is_what_is_counted(box: Installation) -> None:
    await box.project("shop")
    await box.project("other")
    tasks = [{"key": f"t{number}", "title": "t", "retry": {"maxAttempts": 1}} for number in range(6)]
    await box.owner.ask(PLAN, project="shop", tasks=tasks)
    opened = (await box.owner.ask(OPEN, project="shop"))["openSession"]
    for report in ("completeTask", "completeTask", "failTask", None):
        claimed = (await box.owner.ask(CLAIM, project="shop", session=opened["session"]))["claimTask"]
        if report is not None:
            await box.owner.ask(REPORT % report, project="shop", task=claimed["task"], token=claimed["token"])
    told = await measures(box, "shop")
    assert (told["planned"], told["completed"], told["failed"], told["attempts"]) == (6, 2, 1, 4)
    assert told["attemptsRetriedPercent"] == 25.0
    assert (told["sessionsLive"], told["capacity"], told["attemptsLive"], told["queueDepth"]) == (1, 2, 1, 2)
    latency = told["assignmentLatency"]
    assert latency["assignments"] == 4
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] < 60
    assert 0 <= told["idlePercent"] <= 100
    assert told["attemptSecondsMean"] >= 0
    assert told["workersToDrain"] >= 1
    assert {one["status"]: one["total"] for one in told["tasks"]} == {
        "READY": 2,
        "ASSIGNED": 1,
        "COMPLETED": 2,
        "FAILED": 1,
    }
    assert (await measures(box, None))["planned"] == 6
    other = await measures(box, "other")
    assert (other["planned"], other["sessionsLive"], other["idlePercent"], other["workersToDrain"]) == (
        0,
        0,
        None,
        None,
    )


async def test_the_measures_of_a_point_are_those_that_were_told_then(box: Installation) -> None:
    await box.project("shop")
    tasks = [{"key": f"t{number}", "title": "t", "retry": {"maxAttempts": 1}} for number in range(4)]
    opened = (await box.owner.ask(OPEN, project="shop"))["openSession"]
    told = [await measures(box, "shop"), await measures(box, None)]
    await box.owner.ask(PLAN, project="shop", tasks=tasks)
    told.append(await measures(box, "shop"))
    for report in ("completeTask", "failTask"):
        claimed = (await box.owner.ask(CLAIM, project="shop", session=opened["session"]))["claimTask"]
        told.append(await measures(box, "shop"))
        await box.owner.ask(REPORT % report, project="shop", task=claimed["task"], token=claimed["token"])
        told.append(await measures(box, None))
    for one, project in zip(told, ("shop", None, "shop", "shop", None, "shop", None), strict=True):
        for point in ({"asOf": int(one["position"])}, {"at": f"@{one['position']}"}):
            then = await measures(box, project, **point)
            # These run on with the clock while nothing happens; a point is when something did.
            for name in ("idlePercent", "workersToDrain", "attemptSecondsMean"):
                assert (then.pop(name) is None) is (one[name] is None)
            assert then == {name: value for name, value in one.items() if name in then}
    assert (await measures(box, "shop", asOf=0))["planned"] == 0
    beyond = await measures(box, "shop", asOf=1_000_000)
    assert (beyond["failed"], beyond["position"]) == (1, told[-1]["position"])


SPAN = """query($project: String, $after: Position) { fleetMetrics(project: $project, after: $after) {
  makespan { tasks settled seconds criticalPathSeconds ratio } } }"""


async def test_the_makespan_stands_beside_the_longest_chain_of_needs(box: Installation) -> None:
    async def span(project: str | None) -> Any:
        told = await box.owner.ask(SPAN, project=project, after=box.services.events.head())
        return told["fleetMetrics"]["makespan"]

    await box.project("shop")
    assert await span("shop") is None
    tasks = [{"key": "a", "title": "a"}, {"key": "b", "title": "b", "needs": [{"task": "a"}]}]
    await box.owner.ask(PLAN, project="shop", tasks=tasks)
    planned = await span("shop")
    assert (planned["tasks"], planned["settled"], planned["ratio"]) == (2, False, None)
    opened = (await box.owner.ask(OPEN, project="shop"))["openSession"]
    for _ in tasks:
        claimed = (await box.owner.ask(CLAIM, project="shop", session=opened["session"]))["claimTask"]
        await box.owner.ask(REPORT % "completeTask", project="shop", task=claimed["task"], token=claimed["token"])
    done = await span("shop")
    assert (done["tasks"], done["settled"]) == (2, True)
    assert done["seconds"] >= done["criticalPathSeconds"] > 0
    assert done["ratio"] >= 1
    assert await span(None) is None


def test_the_longest_chain_is_the_one_that_was_worked_on_longest() -> None:
    one = next(iter(replay(TASK_BOARD, history_of([0])).values()))
    second, minute = 1_000_000, 60_000_000
    done = one._replace(status="completed", planned_at=minute)
    rows = [
        done._replace(key="a", claimed_at=2 * minute, settled_at=3 * minute),
        done._replace(key="b", claimed_at=3 * minute, settled_at=5 * minute),
        done._replace(key="alone", status="cancelled", claimed_at=None, settled_at=2 * minute),
        done._replace(key="long", status="running", claimed_at=4 * minute, settled_at=None),
    ]
    need = TaskNeedRow("b/a", one.project, "b", "a", "a", "[]", "completed", True)
    found = measured(rows, [need], now=6 * minute + second)
    assert (found.tasks, found.settled, found.seconds, found.critical_path_seconds) == (4, False, 301.0, 180.0)
    assert found.ratio == 1.67
    settled = measured(rows[:3], [need], now=9 * minute)
    assert (settled.settled, settled.seconds, settled.critical_path_seconds) == (True, 240.0, 180.0)


async def test_the_makespan_of_a_point_is_that_of_what_was_settled_then(box: Installation) -> None:
    await box.project("shop")
    await box.owner.ask(PLAN, project="shop", tasks=[{"key": "a", "title": "a"}])
    planned = box.services.events.head()
    opened = (await box.owner.ask(OPEN, project="shop"))["openSession"]
    claimed = (await box.owner.ask(CLAIM, project="shop", session=opened["session"]))["claimTask"]
    await box.owner.ask(REPORT % "completeTask", project="shop", task=claimed["task"], token=claimed["token"])
    then = 'query($at: Point, $after: Position) { fleetMetrics(project: "shop", at: $at, after: $after) '
    then += "{ makespan { settled ratio } } }"
    for at, settled in ((f"@{planned}", False), (None, True)):
        told = await box.owner.ask(then, at=at, after=box.services.events.head())
        assert told["fleetMetrics"]["makespan"]["settled"] is settled


async def test_a_foreign_project_and_hours_beyond_bounds_are_refused(box: Installation) -> None:
    await box.project("shop")
    await box.project("other")
    viewer = await box.client("viewer", "shop")
    refused = await viewer.refused(MEASURES, project="other", hours=2)
    assert refused["code"] == "unknown_thing"
    assert (await viewer.refused(MEASURES, hours=2))["code"] == "not_permitted"
    for hours in (0, 169):
        assert (await box.owner.refused(MEASURES, project="shop", hours=hours))["code"] == "request_not_readable"


@pytest.fixture
def line(tmp_path: Path) -> Iterator[CommandLine]:
    made = CommandLine(tmp_path)
    server = made.serve()
    yield made
    assert end(server) == 0


def test_top_shows_the_fleet_once_as_words_and_as_json(line: CommandLine) -> None:
    (line.folder / "plan.json").write_text(json.dumps({"project": "shop", "tasks": [{"key": "a", "title": "A"}]}))
    line("plan", "apply", "plan.json")
    before = line("top", "--once", "--json").json["metrics"]["position"]
    line("project", "create", "bakery")
    told = line("top", "--once").out
    assert "shop" in told
    assert "bakery" in told
    assert "queue     1 ready" in told
    found = line("top", "--once", "--json").json
    assert found["metrics"]["queue_depth"] == 1
    assert {one["name"]: one["ready"] for one in found["projects"]} == {"shop": 1, "bakery": 0}
    assert "queue     0 ready" in line("top", "--at", "@1").out
    past = line("top", "--at", f"@{before}", "--json").json
    assert (past["metrics"]["position"], past["metrics"]["queue_depth"]) == (before, 1)
    assert [one["name"] for one in past["projects"]] == ["shop"]
    shop = line("top", "--once", "--project", "shop").out
    assert "ready to assigned" in shop
    assert "critical path" in shop
