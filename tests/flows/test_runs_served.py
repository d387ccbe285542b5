"""A run through the real doors: started, worked on, answered at its gate, taken back, and shown as it stood."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from api.cli import queries
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Member, MemberResult
from tests.support.whole_server import Caller, whole_server

_UNDO = {"task": {"title": "Take it back"}}
PHASES: list[dict[str, Any]] = [
    {
        "kind": "work",
        "key": "build",
        "work": {"task": {"title": "Build"}, "outputs": [{"name": "commit"}], "undo": _UNDO},
    },
    {
        "kind": "gate",
        "key": "ask",
        "needs": [{"phase": "build"}],
        "gate": {
            "gate_class": "production",
            "question": "Ship it?",
            "evidence": [{"name": "commit", "subject": "commit", "value": "phases.build.output.commit"}],
        },
    },
    {"kind": "work", "key": "ship", "needs": [{"phase": "ask"}], "work": {"task": {"title": "Ship"}}},
]


USED = {"output_tokens": 100}


async def works(owner: Caller, session: str, task: str, output: str = "") -> None:
    """Somebody takes a task by its key and completes it."""
    life = {"project": "shop", "session": session, "incarnation": 1}
    claimed = await owner.done("claim_task", task=task, **life)
    await owner.done("complete_task", project="shop", task=task, token=claimed["token"], output=output, usage=USED)


async def asked(owner: Caller, query: str, **variables: Any) -> Any:
    """What a question of the command line is answered with."""
    content = await owner.ask(query, **variables)
    assert "errors" not in content, content
    return content["data"]


async def figures(owner: Caller, **expected: float) -> None:
    """What the figures say."""
    lines = (await owner.send(b"", "/metrics", "GET")).body.decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert {name: float(found[f"signalbox_{name}"]) for name in expected} == expected


async def test_a_run_is_walked_and_taken_back_through_the_doors(tmp_path: Path) -> None:
    async with whole_server(tmp_path) as server:
        owner = server.owner
        await owner.done("create_project", name="shop", lock_delay_seconds=0)
        definition = {"name": "release", "phases": PHASES, "budget": {"tokens": 900}}
        await owner.done("publish_definition", project="shop", definition=definition)
        session = (await owner.done("open_session", projects=["shop"]))["session"]
        run = (await owner.done("start_run", project="shop", pipeline="release"))["run"]

        await works(owner, session, f"{run}/build", '{"commit": "abc"}')
        where = {"project": "shop", "status": ["OPEN"]}
        gates = await asked(owner, queries.GATES, where=where, first=5, after=server.head)
        (gate,) = [edge["node"] for edge in gates["list"]["edges"]]
        assert (gate["place"], gate["question"], gate["evidence"][0]["value"]) == ("ask", "Ship it?", '"abc"')
        raised = await asked(owner, queries.ATTENTION, where={"project": "shop"}, first=5, after=server.head)
        assert [edge["node"]["topic"] for edge in raised["list"]["edges"]] == ["OPEN_GATE"]
        counted = await owner.done(
            "cast_vote", project="shop", run=run, phase="ask", verdict="approve", evidence=gate["digest"]
        )
        assert counted["decision"] == "approved"
        await asked(owner, queries.RUN, id=run, after=server.head)
        stands = {'pipeline_runs{state="running"}': 1, 'gate_open{class="production"}': 0, "gate_age_seconds": 0}
        await figures(owner, **stands, **{'pipeline_phase_state{state="offered"}': 1, "phase_parked": 0})
        await figures(
            owner, **{f'budget_{what}{{unit="tokens"}}': n for what, n in (("spent_total", 100), ("reserved", 800))}
        )

        before = server.head
        reason = {"reason": "it is bad", "grace_seconds": 0}
        await owner.done("rollback_run", project="shop", run=run, **reason)
        await works(owner, session, f"{run}/build+undo1")
        shown = (await asked(owner, queries.RUN, id=run, after=server.head))["found"]["run"]
        assert (shown["status"], shown["rollback"]) == ("CANCELLED", "complete")
        assert [(one["place"], one["status"], one["undo"]) for one in shown["phases"]] == [
            ("build", "SUCCEEDED", "undone"),
            ("ask", "SUCCEEDED", ""),
            ("ship", "CANCELLED", ""),
        ]
        then = (await asked(owner, queries.RUN, id=run, at=f"@{before}"))["found"]["run"]
        assert (then["status"], then["phases"][2]["status"]) == ("RUNNING", "OFFERED")
        ended = await asked(owner, queries.RUNS, where={"status": ["CANCELLED"], "project": "shop"}, first=5)
        assert [edge["node"]["id"] for edge in ended["list"]["edges"]] == [run]
        counted_here = {
            "phase_pickup_seconds_count": 2,
            'phase_duration_seconds_count{outcome="succeeded"}': 2,
            'phase_attempts_total{kind="completed"}': 2,
            'gate_decisions_total{decision="approved",how="quorum"}': 1,
            'undo_total{result="undone"}': 1,
            "join_wait_seconds_count": 2,
            "lease_lost_total": 0,
            'budget_spent_total{unit="tokens"}': 200,
        }
        await figures(owner, **counted_here)


async def test_a_report_and_the_claim_of_what_it_makes_ready_are_one_request_and_one_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appends: list[list[str]] = []
    append = MemoryLog.append

    def told(log: MemoryLog, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        appends.append([member.command_id for member in members])
        return append(log, members, now=now)

    monkeypatch.setattr(MemoryLog, "append", told)
    keys = ("plan", "build", "ship")
    phases = [
        {"kind": "work", "key": key, "needs": [{"phase": one} for one in before], "work": {"task": {"title": key}}}
        for key, before in zip(keys, ((), keys[:1], keys[1:2]), strict=True)
    ]
    async with whole_server(tmp_path) as server:
        owner = server.owner
        await owner.done("create_project", name="shop")
        await owner.done("publish_definition", project="shop", definition={"name": "release", "phases": phases})
        session = (await owner.done("open_session", projects=["shop"]))["session"]
        run = (await owner.done("start_run", project="shop", pipeline="release"))["run"]
        life = {"project": "shop", "session": session, "incarnation": 1}
        task = await owner.done("claim_task", **life)
        for key in keys[1:]:
            report = {"project": "shop", "task": task["task"], "token": task["token"]}
            sent = [
                {"type": "complete_task", "id": f"cmd_report_{key}", "command": report},
                {"type": "claim_task", "id": f"cmd_claim_{key}", "command": life},
            ]
            reported, claimed = (await owner.send(json.dumps({"commands": sent}).encode())).content["results"]
            task = claimed["answer"]
            assert (reported["ok"], task["key"]) == (True, f"{run}/{key}")
            (group,) = [ids for ids in appends if f"cmd_report_{key}" in ids]
            assert f"cmd_claim_{key}" in group
