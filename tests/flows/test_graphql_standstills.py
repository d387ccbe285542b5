"""Circles of waits through GraphQL: what was looked at is told, and an answer that left something out says so."""

from pathlib import Path
from typing import Any

import pytest

from api.graphql.reads import attention
from projections.kernel.requests import LIMIT_MAX
from tests.support.graphql import installed

PLAN = """mutation($project: String!, $tasks: [PlannedTaskInput!]!) {
  applyPlan(input: {project: $project, tasks: $tasks}) { __typename } }"""
STANDSTILLS = """query($project: String!, $after: Position) {
  standstills(project: $project, after: $after) { lookedAt complete stale standstills { summary } } }"""
TASKS = 21
"""Each needs all before it: 210 needs, more than a page."""


async def test_an_answer_that_left_needs_out_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TASKS < LIMIT_MAX < TASKS * (TASKS - 1) // 2
    async with installed(tmp_path) as box:
        await box.project("shop")
        await box.project("other")
        tasks: list[dict[str, Any]] = [
            {"key": f"t{one}", "title": "t", "needs": [{"task": f"t{before}"} for before in range(one)]}
            for one in range(TASKS)
        ]
        await box.owner.ask(PLAN, project="shop", tasks=tasks)
        head = (await box.owner.ask("{ status { head } }"))["status"]["head"]
        found = (await box.owner.ask(STANDSTILLS, project="shop", after=head))["standstills"]
        assert found == {"lookedAt": TASKS, "complete": True, "stale": False, "standstills": []}
        monkeypatch.setattr(attention, "WORKS_MAX", 1)
        found = (await box.owner.ask(STANDSTILLS, project="shop"))["standstills"]
        assert (found["lookedAt"], found["complete"]) == (TASKS, False)
        worker = await box.client("worker", "other")
        foreign, absent = [await worker.refused(STANDSTILLS, project=name) for name in ("shop", "shop-that-is-not")]
        assert foreign["code"] == absent["code"] == "unknown_thing"
