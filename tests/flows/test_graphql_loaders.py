"""How often the read models are asked: whatever stands beneath the rows of a page is asked for at once."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from api.ports import ReadPort
from tests.support.graphql import Installation, installed

ROWS = 12
PLAN = """mutation($tasks: [PlannedTaskInput!]!) {
  applyPlan(input: {project: "shop", tasks: $tasks}) { __typename ... on Rejected { code message } } }"""
OPEN = 'mutation { openSession(input: {projects: ["shop"]}) { ... on SessionLife { session } } }'
CLAIM = """mutation($session: String!) { claimTask(input: {project: "shop", session: $session, incarnation: 1}) {
    __typename ... on Rejected { code message } } }"""
TASKS = (
    """query { tasks(first: 24) { edges { node { key session { name } needs { task { key session { id } } } } } } }"""
)
LOCKS = "query { locks(first: 12) { edges { node { token task { key needs { task { key } } } session { name } } } } }"
SESSIONS = "query { sessions(first: 12) { edges { node { name attempts { task { key session { name } } } } } } }"


class Counting:
    """The read models, counting what is asked of them."""

    def __init__(self, reads: ReadPort) -> None:
        self._reads = reads
        self.asked: list[str] = []

    async def ask(self, request: Any, *, after: int | None = None) -> Any:
        self.asked.append(type(request).__name__)
        return await self._reads.ask(request, after=after)

    async def count(self, request: Any, *, after: int | None = None) -> Any:
        self.asked.append(type(request).__name__)
        return await self._reads.count(request, after=after)

    def positions(self) -> Mapping[str, int]:
        return self._reads.positions()


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        await installation.project("shop")
        chain = [
            {"key": f"base{number}", "title": "x", "scope": [{"claim": f"path:repo//{number}/**"}]}
            for number in range(ROWS)
        ]
        above = [
            {"key": f"top{number}", "title": "x", "needs": [{"task": f"base{one}"} for one in range(number + 1)]}
            for number in range(ROWS)
        ]
        planned = await installation.owner.ask(PLAN, tasks=[*chain, *above])
        assert planned["applyPlan"]["__typename"] == "PlanApplied", planned
        for _ in range(ROWS):
            session = (await installation.owner.ask(OPEN))["openSession"]["session"]
            claimed = (await installation.owner.ask(CLAIM, session=session))["claimTask"]
            assert claimed["__typename"] == "Claimed", claimed
        yield installation


@pytest.mark.parametrize(
    ("query", "name", "rows", "asked_most"),
    [
        # The page, needs, their tasks, sessions of either: never one for each row.
        (TASKS, "tasks", 2 * ROWS, 5),
        (LOCKS, "locks", ROWS, 5),
        (SESSIONS, "sessions", ROWS, 3),
    ],
)
async def test_a_page_asks_as_often_as_it_is_deep_however_many_rows_it_has(
    box: Installation, query: str, name: str, rows: int, asked_most: int
) -> None:
    await box.owner.ask("query($after: Position) { tasks(after: $after) { stale } }", after=box.services.events.head())
    counting = Counting(box.services.reads)
    found = await box.with_services(reads=counting).ask(query)
    assert len(found[name]["edges"]) == rows
    assert len(counting.asked) <= asked_most, counting.asked
