"""The past through GraphQL: points, states, differences and causes, for whoever may see the events."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.composition.reads import EventReader
from tests.support.graphql import Installation, installed

PLAN = """mutation($project: String!, $tasks: [PlannedTaskInput!]!) {
  applyPlan(input: {project: $project, tasks: $tasks}) { __typename } }"""
CANCEL = """mutation($task: String!) {
  cancelTask(input: {project: "shop", task: $task}) { __typename } }"""
STATE = """query($stream: String!, $at: Point, $asOf: Position) {
  state(stream: $stream, at: $at, asOf: $asOf) { position stale state { version changedAt state } } }"""
DIFFERENCE = """query($stream: String!, $since: Point!, $at: Point) {
  difference(stream: $stream, since: $since, at: $at) {
    position difference { versionBefore versionAfter changes { path kind before after } } } }"""
EVENT = """query($at: Point) { event(at: $at) { position event {
  event { stream version type } causes { type } siblings { type } effects { depth event { stream type } } } } }"""
ROWS = """query($project: String!, $model: String!, $since: Point!, $at: Point, $first: Int!, $cursor: String,
    $after: Position) {
  rowDifferences(project: $project, model: $model, since: $since, at: $at, first: $first, cursor: $cursor,
      after: $after) {
    position stale pageInfo { hasNextPage endCursor }
    edges { cursor node { key kind changes { path kind before after } } } } }"""
TASKS = (
    "query($at: Point, $after: Position) { tasks(at: $at, after: $after) { position edges { node { key status } } } }"
)
EVENTS = """query($where: EventFilter) { events(where: $where) { edges { node { position stream type } } } }"""


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


async def planned(box: Installation) -> list[Any]:
    """Two tasks, of which the second needs the first, which is cancelled in the end; the events of the project."""
    await box.project("shop")
    tasks = [{"key": "a", "title": "a"}, {"key": "b", "title": "b", "needs": [{"task": "a"}]}]
    await box.owner.ask(PLAN, project="shop", tasks=tasks)
    await box.owner.ask(CANCEL, task="a")
    page = await box.owner.ask("{ events { edges { node { position stream version type at } } } }")
    return [edge["node"] for edge in page["events"]["edges"]]


async def test_a_stream_is_told_as_it_was_at_any_point(box: Installation) -> None:
    events = await planned(box)
    first = next(event for event in events if event["type"] == "task.planned.v1")
    stream = first["stream"]
    last = [event for event in events if event["stream"] == stream][-1]
    for at in (f"@{first['position']}", f"{stream}@{first['version']}"):
        found = (await box.owner.ask(STATE, stream=stream, at=at))["state"]
        assert (found["state"]["version"], found["state"]["state"]["phase"]) == (1, {"is": "Pending"})
        assert found["position"] == first["position"]
    now = (await box.owner.ask(STATE, stream=stream))["state"]["state"]
    assert now["state"]["phase"]["outcome"] == "cancelled"
    assert now["changedAt"] == last["position"]
    before = (await box.owner.ask(STATE, stream=stream, at="begin"))["state"]["state"]
    assert (before["version"], before["state"]) == (0, {"is": "Absent"})
    found = (await box.owner.ask(DIFFERENCE, stream=stream, since=f"@{last['position'] - 1}"))["difference"]
    changes = {change["path"]: (change["kind"], change["after"]) for change in found["difference"]["changes"]}
    assert changes["phase.outcome"] == ("ADDED", "cancelled")
    assert found["difference"]["versionAfter"] == last["version"]


async def test_a_part_of_a_large_state_is_asked_for_by_its_path(
    box: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = await planned(box)
    stream = next(event for event in events if event["type"] == "task.planned.v1")["stream"]
    asking = """query($stream: String!, $path: String) {
      state(stream: $stream, path: $path) { state { state cut } } }"""
    whole = (await box.owner.ask(asking, stream=stream))["state"]["state"]
    assert whole["cut"] == []
    part = (await box.owner.ask(asking, stream=stream, path="plan.retry"))["state"]["state"]
    assert part == {"state": whole["state"]["plan"]["retry"], "cut": []}
    monkeypatch.setattr("api.graphql.types.past.PARTS_MAX", 8)
    less = (await box.owner.ask(asking, stream=stream))["state"]["state"]
    assert "plan" in less["cut"]
    assert less["state"]["plan"].items() < whole["state"]["plan"].items()
    below = (await box.owner.ask(asking, stream=stream, path="plan"))["state"]["state"]
    assert below["cut"] == ["plan"]
    refused = await box.owner.refused(asking, stream=stream, path="plan.nothing")
    assert refused["code"] == "unknown_thing"


async def test_an_event_is_told_with_its_causes_and_effects(box: Installation) -> None:
    events = await planned(box)
    cancelled = next(event for event in events if event["type"] == "task.cancelled.v1")
    detail = (await box.owner.ask(EVENT, at=f"{cancelled['stream']}@{cancelled['version']}"))["event"]["event"]
    assert detail["event"]["type"] == "task.cancelled.v1"
    assert detail["causes"] == []
    effects = [(one["depth"], one["event"]["type"]) for one in detail["effects"]]
    assert (1, "task.need_settled.v1") in effects
    effect = next(event for event in events if event["type"] == "task.need_settled.v1")
    back = (await box.owner.ask(EVENT, at=f"@{effect['position']}"))["event"]["event"]
    assert [one["type"] for one in back["causes"]] == ["task.cancelled.v1"]


async def test_lists_take_points_and_events_are_found_by_what_they_are(box: Installation) -> None:
    events = await planned(box)
    cancelled = next(event for event in events if event["type"] == "task.cancelled.v1")
    page = (await box.owner.ask(TASKS, at=f"@{cancelled['position'] - 1}", after=events[-1]["position"]))["tasks"]
    assert {edge["node"]["key"]: edge["node"]["status"] for edge in page["edges"]} == {"a": "READY", "b": "PENDING"}
    assert (await box.owner.ask(TASKS, at="2020-01-01"))["tasks"]["edges"] == []
    found = (await box.owner.ask(EVENTS, where={"stream": cancelled["stream"], "text": '"reason"'}))["events"]["edges"]
    assert cancelled["position"] in [edge["node"]["position"] for edge in found]
    assert {edge["node"]["stream"] for edge in found} == {cancelled["stream"]}
    assert (await box.owner.refused(TASKS, at="?"))["code"] == "point_not_readable"
    assert (await box.owner.refused(TASKS, at="shop/nothing-of-that-name"))["code"] == "unknown_thing"
    assert (await box.owner.refused(STATE, stream="x", at="@1", asOf=1))["code"] == "request_not_readable"
    reversed_ = await box.owner.refused(DIFFERENCE, stream=cancelled["stream"], since="now", at="@1")
    assert reversed_["code"] == "points_reversed"


async def test_what_is_foreign_is_answered_as_absent(box: Installation) -> None:
    events = await planned(box)
    await box.project("other")
    viewer = await box.client("viewer", "other")
    event = next(event for event in events if event["type"] == "task.planned.v1")
    place = f"{event['stream']}@{event['version']}"
    absent = f"task_{'0' * 26}"
    assert (await viewer.refused(TASKS, at=place))["code"] == "unknown_thing"
    assert (await viewer.refused(TASKS, at=f"{absent}@1"))["code"] == "unknown_thing"
    operator = await box.client("operator", "other")
    for stream in (event["stream"], absent, "x", "proj_y"):
        assert (await operator.ask(STATE, stream=stream))["state"]["state"] is None
        assert (await operator.ask(DIFFERENCE, stream=stream, since="begin"))["difference"]["difference"] is None
    assert (await operator.ask(EVENT, at=f"@{event['position']}"))["event"]["event"] is None
    shop = await box.client("viewer", "shop")
    assert (await shop.refused(STATE, stream=event["stream"]))["code"] == "not_permitted"


async def test_rows_that_two_points_have_differently_are_told_field_by_field(box: Installation) -> None:
    events = await planned(box)
    planning = [event["position"] for event in events if event["type"] == "task.planned.v1"]
    ids = {event["stream"] for event in events if event["type"] == "task.planned.v1"}
    last = events[-1]["position"]
    between: dict[str, Any] = {"project": "shop", "model": "task_board", "first": 50, "after": last}
    begun = (await box.owner.ask(ROWS, **between, since="begin", at=f"@{planning[-1]}"))["rowDifferences"]
    assert {edge["node"]["key"]: edge["node"]["kind"] for edge in begun["edges"]} == dict.fromkeys(ids, "ADDED")
    later = (await box.owner.ask(ROWS, **between, since=f"@{planning[-1]}"))["rowDifferences"]
    assert (later["position"], later["stale"]) == (last, False)
    changed = {
        edge["node"]["key"]: {one["path"]: (one["before"], one["after"]) for one in edge["node"]["changes"]}
        for edge in later["edges"]
    }
    assert sorted(changed) == sorted(ids)
    assert [fields["status"][1] for fields in changed.values() if "status" in fields] == ["cancelled"]
    pages, cursor = list[str](), None
    while True:
        asked = {**between, "first": 1, "cursor": cursor}
        page = (await box.owner.ask(ROWS, **asked, since=f"@{planning[-1]}"))["rowDifferences"]
        pages += [edge["node"]["key"] for edge in page["edges"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages == sorted(ids)
    assert (await box.owner.ask(ROWS, **between, since=f"@{last}"))["rowDifferences"]["edges"] == []


async def test_differences_of_rows_have_bounds_and_the_rights_of_events(
    box: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planned(box)
    await box.project("other")
    asked: dict[str, Any] = {"project": "shop", "model": "task_board", "since": "begin", "first": 50}
    viewer, operator = await box.client("viewer", "shop"), await box.client("operator", "other")
    assert (await viewer.refused(ROWS, **asked))["code"] == "not_permitted"
    assert (await operator.refused(ROWS, **asked))["code"] == "unknown_thing"
    assert (await operator.ask(ROWS, **{**asked, "project": "other"}))["rowDifferences"]["edges"] == []
    assert (await box.owner.refused(ROWS, **{**asked, "model": "nothing"}))["code"] == "unknown_thing"
    assert (await box.owner.refused(ROWS, **{**asked, "model": "fleet_metrics"}))["code"] == "past_not_kept"
    assert (await box.owner.refused(ROWS, **asked | {"since": "now"}, at="@1"))["code"] == "points_reversed"
    assert (await box.owner.refused(ROWS, **asked | {"first": 0}))["code"] == "page_size_out_of_bounds"
    monkeypatch.setattr("api.graphql.reads.row_differences.EVENTS_MAX", 1)
    assert (await box.owner.refused(ROWS, **asked))["code"] == "answer_too_large"


async def test_rows_are_not_compared_over_events_that_are_gone(
    box: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = (await planned(box))[-1]["position"]
    asked: dict[str, Any] = {"project": "shop", "model": "task_board", "since": "@1", "first": 50, "after": last}
    page = EventReader.page

    async def pruned(self: EventReader, *, after: int, limit: int) -> Any:
        return [one for one in await page(self, after=after, limit=limit) if one.position > 3]

    monkeypatch.setattr(EventReader, "page", pruned)
    assert (await box.owner.refused(ROWS, **asked))["code"] == "unknown_thing"
    assert (await box.owner.ask(ROWS, **asked | {"since": "@3"}))["rowDifferences"]["edges"] != []
