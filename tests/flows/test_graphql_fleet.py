"""Projects, keys, numbers and short ids from their read models: of now, of the past, and only one's own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.graphql import Client, Installation, installed

PLAN = """mutation($project: String!, $tasks: [PlannedTaskInput!]!) {
  applyPlan(input: {project: $project, tasks: $tasks}) { __typename } }"""
COUNTS = """query($project: String!, $after: Position, $asOf: Position) {
  taskCounts(project: $project, after: $after, asOf: $asOf) { counts { status total } position stale } }"""
KEYS = """query($after: Position, $asOf: Position) {
  keys(after: $after, asOf: $asOf) { edges { node { name projectIds projectNames revoked } } } }"""
TASKS = """query($where: TaskFilter, $after: Position) {
  tasks(where: $where, after: $after) { edges { node { id key } } } }"""
SESSIONS = """query($where: SessionFilter, $after: Position) {
  sessions(where: $where, after: $after) { edges { node { id } } } }"""
PROJECTS = """query($after: Position, $asOf: Position) {
  projects(after: $after, asOf: $asOf) { edges { node { frozen } } } }"""
OPEN = """mutation($resume: String) {
  openSession(input: {projects: ["shop"], resume: $resume}) { ... on SessionLife { session } } }"""
STATUS = "{ status { head principal { projectIds projectNames } } }"


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


async def head(client: Client) -> int:
    return int((await client.ask(STATUS))["status"]["head"])


async def planned(box: Installation, project: str, *keys: str) -> None:
    await box.owner.ask(PLAN, project=project, tasks=[{"key": key, "title": key} for key in keys])


def nodes(page: Any) -> list[Any]:
    return [edge["node"] for edge in page["edges"]]


async def test_keys_name_their_projects_and_are_as_they_were(box: Installation) -> None:
    shop = await box.project("shop")
    await box.client("worker", "shop")
    before = await head(box.owner)
    found = nodes((await box.owner.ask(KEYS, after=before))["keys"])
    assert found[-1] == {"name": "k", "projectIds": [shop], "projectNames": ["shop"], "revoked": False}
    assert found[0]["projectNames"] == []
    ids = await box.owner.ask("{ keys { edges { node { id } } } }")
    await box.owner.ask(
        "mutation($key: String!) { revokeKey(input: {key: $key}) { __typename } }", key=nodes(ids["keys"])[-1]["id"]
    )
    now = nodes((await box.owner.ask(KEYS, after=await head(box.owner)))["keys"])
    then = nodes((await box.owner.ask(KEYS, asOf=before))["keys"])
    assert [now[-1]["revoked"], then[-1]["revoked"]] == [True, False]


async def test_who_is_asking_is_told_names(box: Installation) -> None:
    shop = await box.project("shop")
    viewer = await box.client("viewer", "shop")
    await box.owner.ask(KEYS, after=await head(box.owner))
    assert (await viewer.ask(STATUS))["status"]["principal"] == {"projectIds": [shop], "projectNames": ["shop"]}
    assert (await box.owner.ask(STATUS))["status"]["principal"] == {"projectIds": None, "projectNames": None}


async def test_a_project_that_is_frozen_was_not_before(box: Installation) -> None:
    await box.project("shop")
    before = await head(box.owner)
    await box.owner.ask('mutation { freezeProject(input: {project: "shop"}) { __typename } }')
    assert nodes((await box.owner.ask(PROJECTS, after=await head(box.owner)))["projects"]) == [{"frozen": True}]
    assert nodes((await box.owner.ask(PROJECTS, asOf=before))["projects"]) == [{"frozen": False}]


async def test_tasks_are_counted_by_status_in_one_question(box: Installation) -> None:
    await box.project("shop")
    await box.project("other")
    await planned(box, "other", "x")
    before = await head(box.owner)
    await planned(box, "shop", "a", "b", "c")
    counts = (await box.owner.ask(COUNTS, project="shop", after=await head(box.owner)))["taskCounts"]
    assert counts == {"counts": [{"status": "READY", "total": 3}], "position": await head(box.owner), "stale": False}
    then = (await box.owner.ask(COUNTS, project="shop", asOf=before))["taskCounts"]
    assert (then["counts"], then["position"]) == ([], before)


async def test_tasks_of_a_foreign_project_are_not_counted(box: Installation) -> None:
    await box.project("shop")
    await box.project("other")
    viewer = await box.client("viewer", "shop")
    assert (await viewer.refused(COUNTS, project="other"))["code"] == "unknown_thing"


async def test_tasks_are_found_by_how_their_key_begins(box: Installation) -> None:
    await box.project("shop")
    await planned(box, "shop", "api", "api-docs", "apx", "web")
    found = await box.owner.ask(TASKS, where={"project": "shop", "keyPrefix": "api"}, after=await head(box.owner))
    assert sorted(node["key"] for node in nodes(found["tasks"])) == ["api", "api-docs"]


async def test_an_id_is_found_by_how_it_ends_where_one_may_see_it(box: Installation) -> None:
    await box.project("shop")
    await box.project("other")
    await planned(box, "shop", "a", "b")
    await planned(box, "other", "a")
    everything = nodes((await box.owner.ask(TASKS, after=await head(box.owner)))["tasks"])
    viewer = await box.client("viewer", "shop")
    own = {node["id"] for node in nodes((await viewer.ask(TASKS, where={"project": "shop"}))["tasks"])}
    for node in everything:
        ending = {"idSuffix": node["id"][-12:]}
        assert nodes((await box.owner.ask(TASKS, where=ending))["tasks"]) == [node]
        found = nodes((await viewer.ask(TASKS, where=ending | {"project": "shop"}))["tasks"])
        assert found == ([node] if node["id"] in own else [])
    assert nodes((await box.owner.ask(TASKS, where={"idSuffix": "-not-an-id"}))["tasks"]) == []


async def test_the_end_of_an_id_has_four_characters_at_least(box: Installation) -> None:
    await box.project("shop")
    for ending in ("", "abc", "x" * 101):
        refused = await box.owner.refused(TASKS, where={"project": "shop", "idSuffix": ending})
        assert refused["code"] == "request_not_readable"


async def test_a_session_that_is_opened_again_is_found_once(box: Installation) -> None:
    await box.project("shop")
    session = (await box.owner.ask(OPEN))["openSession"]["session"]
    await box.owner.ask(OPEN, resume=session)
    found = await box.owner.ask(SESSIONS, where={"idSuffix": session[-10:]}, after=await head(box.owner))
    assert nodes(found["sessions"]) == [{"id": session}]
