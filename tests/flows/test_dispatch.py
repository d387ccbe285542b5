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
