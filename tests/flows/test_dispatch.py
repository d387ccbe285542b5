"""Work given out through the real HTTP surface of a real node: many at once, in one append, each answered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Member, MemberResult
from tests.support.node_doors import node_doors


async def test_a_batch_of_reports_is_one_append_and_every_report_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_doors(tmp_path) as doors:
        session = await doors.session(capacity=40)
        await doors.plan(*({"key": f"t{number}", "title": "x"} for number in range(40)))
        claimed = await doors.done("claim_tasks", {**session, "most": 40})
        assert len(claimed["tasks"]) == 40
        sizes = _sizes_of_appends(monkeypatch)
        tokens = [one["token"] for one in claimed["tasks"]]
        tokens[7] = "1"  # one of another life stands alone with its refusal
        reports = [
            {"type": "complete_task", "command": {"project": "shop", "task": one["task"], "token": token}}
            for one, token in zip(claimed["tasks"], tokens, strict=True)
        ]
        answer = await doors.ask("POST", "/v1/commands", {"commands": reports})
        results = answer.content["results"]
        assert [one["ok"] for one in results] == [number != 7 for number in range(40)]
        assert results[7]["error"]["code"] == "fenced"
        assert sizes == [40], "one group"


async def test_a_claim_of_many_waits_for_the_commit_that_makes_work(tmp_path: Path) -> None:
    async with node_doors(tmp_path) as doors:
        session = await doors.session(capacity=8)
        waiting = doors.later("claim_tasks", {**session, "most": 8}, wait_seconds=20)
        await doors.plan({"key": "a", "title": "x"}, {"key": "b", "title": "x"})
        answer = await waiting
        assert {one["key"] for one in answer["tasks"]} == {"a", "b"}
        assert len({one["token"] for one in answer["tasks"]}) == 2
        refused = await doors.command("claim_tasks", {**session, "most": 65})
        assert (refused.status, refused.code) == (422, "invalid_command")


async def test_a_claim_of_many_that_is_sent_again_gets_the_same_tasks(tmp_path: Path) -> None:
    async with node_doors(tmp_path) as doors:
        session = await doors.session(capacity=8)
        await doors.plan(*({"key": f"t{number}", "title": "x"} for number in range(8)))
        first = await doors.command("claim_tasks", {**session, "most": 3}, id="cmd_asked_twice")
        again = await doors.command("claim_tasks", {**session, "most": 3}, id="cmd_asked_twice")
        assert first.content["answer"] == again.content["answer"]
        assert again.content["repeated"] is True


def _sizes_of_appends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sizes: list[int] = []
    append = MemoryLog.append

    def counted(log: MemoryLog, members: Sequence[Member], *, now: Any) -> list[MemberResult]:
        sizes.append(len(members))
        return append(log, members, now=now)

    monkeypatch.setattr(MemoryLog, "append", counted)
    return sizes


EXPLAIN = """query($project: String, $task: String, $session: String, $lock: String) {
  explain(project: $project, task: $task, session: $session, lock: $lock) {
    kind id projectId name status moving summary reasons { code words unblock about until data } } }"""


async def test_why_something_does_not_move_is_asked_over_graphql(tmp_path: Path) -> None:
    async with node_doors(tmp_path, "sqlite") as doors:
        one, two = await doors.session(name="one"), await doors.session(name="two")
        scope = [{"claim": "path:shop//src/**"}]
        await doors.plan({"key": "a", "title": "x", "scope": scope}, {"key": "b", "title": "x", "scope": scope})
        claimed = await doors.done("claim_task", one)
        other = "b" if claimed["key"] == "a" else "a"
        told = (await doors.graphql(EXPLAIN, project="shop", task=other))["explain"]
        assert (told["kind"], told["status"], told["moving"]) == ("TASK", "ready", False)
        assert [one["code"] for one in told["reasons"]] == ["locked"]
        assert told["reasons"][0]["data"]["session"] == one["session"]
        told = (await doors.graphql(EXPLAIN, session=two["session"]))["explain"]
        assert [one["code"] for one in told["reasons"]] == ["locked"]
        told = (await doors.graphql(EXPLAIN, project="shop", lock=claimed["token"]))["explain"]
        assert (told["kind"], told["reasons"][0]["about"]) == ("LOCK", claimed["task"])
        for wrong in ({"project": "shop"}, {"task": "a"}, {"project": "shop", "session": "x"}, {"session": "x"}):
            answer = await doors.ask("POST", "/graphql", {"query": EXPLAIN, "variables": wrong})
            assert answer.content["errors"][0]["extensions"]["code"] in ("request_not_readable", "unknown_thing")


async def test_work_of_any_project_is_claimed_and_waited_for(tmp_path: Path) -> None:
    async with node_doors(tmp_path, "sqlite") as doors:
        await doors.project("mill")
        session = await doors.session(projects=("shop", "mill"), capacity=9)
        who = {"session": session["session"], "incarnation": 1}
        waiting = doors.later("claim_work", who, wait_seconds=20)
        await doors.plan({"key": "a", "title": "x"}, project="mill")
        (first,) = (await waiting)["tasks"]
        assert first["key"] == "a"
        waiting = doors.later("claim_work", {**who, "most": 4}, wait_seconds=20)
        await doors.plan({"key": "b", "title": "x"}, project="shop")
        (second,) = (await waiting)["tasks"]
        assert first["project"] != second["project"]
        refused = await doors.command("claim_work", who)
        assert (refused.status, refused.code) == (409, "nothing_ready")
        for one in (first, second):
            report = {"project": one["project"], "task": one["task"], "token": one["token"]}
            await doors.done("complete_task", report)
