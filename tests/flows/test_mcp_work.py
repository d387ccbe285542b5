"""Agents that speak MCP: they begin, get work with its locks, report, and are refused what is not theirs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from tests.support.mcp_client import MODES, Agent, agent
from tests.support.waiting import soon
from tests.support.whole_server import WholeServer, whole_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[WholeServer]:
    async with whole_server(tmp_path) as found:
        await found.owner.done("create_project", name="shop")
        yield found


def task(key: str, **fields: Any) -> dict[str, Any]:
    scope = [{"claim": f"path:repo//src/{key}/**"}]
    return {"key": key, "title": f"Write {key}", "body": "Do it well.", "scope": scope, **fields}


@pytest.mark.parametrize("mode", MODES)
async def test_an_agent_begins_gets_work_and_completes_it(server: WholeServer, mode: str) -> None:
    await server.owner.done("apply_plan", project="shop", tasks=[task("api"), task("docs", needs=[{"task": "api"}])])
    async with agent(await server.caller("worker", "shop"), mode) as one:
        primed = await one.done("prime", name="first")
        assert primed["tasks_in_project"] == {"ready": 1, "pending": 1}
        life = {name: primed["you"][name] for name in ("session", "incarnation")}
        given = await one.done("next_task", **life)
        assert given["key"] == "api"
        assert given["locks"] == ["path:repo//src/api/**"]
        assert given["body"] == {"untrusted": "Do it well.", "by": "whoever planned the task"}
        assert (await one.done("next_task", **life))["token"] == given["token"]
        assert (await one.done("prime", **life))["tasks"][0]["key"] == "api"
        await one.done("report", **life, outcome="progress", percent=50, text="half")
        assert (await one.done("report", **life, outcome="complete", task="api", text="all"))["reported"] == "complete"
        assert (await one.done("next_task", **life))["key"] == "docs"


async def test_an_agent_is_told_what_may_end_its_attempt(server: WholeServer) -> None:
    bounds = {"timeout_seconds": 600, "stall_seconds": 60, "extend_seconds_max": 300}
    await server.owner.done("apply_plan", project="shop", tasks=[task("api", **bounds)])
    async with agent(await server.caller("worker", "shop")) as one:
        life = await begun(one)
        given = await one.done("next_task", **life)
        again = (await one.done("prime", **life))["tasks"][0]
    for told in (given, again):
        assert (told["seconds_max"], told["stall_seconds"], told["extend_seconds_max"]) == (600, 60, 300)
    assert "something new within stall_seconds" in given["next"]


async def begun(one: Agent, **more: Any) -> dict[str, Any]:
    """The life of a fresh session, as arguments."""
    primed = await one.done("prime", **more)
    return {name: primed["you"][name] for name in ("session", "incarnation")}


async def test_a_foreign_lock_is_refused_with_its_holder_and_a_ticket_leads_to_it(server: WholeServer) -> None:
    async with agent(await server.caller("worker", "shop")) as one, agent(await server.caller("worker", "shop")) as two:
        first, second = await begun(one, name="ann"), await begun(two, name="bob")
        mine = await one.done("lock", **first, action="acquire", claims=["path:repo//a/**"], purpose="moving it")
        assert mine["outcome"] == "granted"
        refused = await two.call("lock", **second, action="acquire", claims=["path:repo//a/b.py"])
        assert refused["refused"] == "lock_conflict"
        assert refused["next"].startswith("Nothing was granted")
        who = await two.done("lock", **second, action="who", claims=["path:repo//a/b.py"])
        assert who["in_the_way"][0]["session"] == first["session"]
        assert who["in_the_way"][0]["purpose"] == {"untrusted": "moving it", "by": first["session"]}
        queued = await two.done("lock", **second, action="acquire", claims=["path:repo//a/b.py"], queue=True)
        assert queued["outcome"] == "waiting"
        assert (await two.done("wait", **second, ticket=queued["ticket"], seconds=0))["outcome"] == "waiting"
        waiting = asyncio.create_task(two.done("wait", **second, ticket=queued["ticket"], seconds=25))
        checked = await one.done("lock", **first, action="check", claims=["path:repo//a/x", "path:repo//b/x"])
        assert [each["state"] for each in checked["resources"]] == ["covered", "free"]
        await one.done("lock", **first, action="release", token=mine["token"])
        assert (await soon(waiting))["outcome"] == "granted"


async def test_a_holder_is_never_refused_by_its_own_lease(server: WholeServer) -> None:
    await server.owner.done("apply_plan", project="shop", tasks=[task("api")])
    async with agent(await server.caller("worker", "shop")) as one:
        life = await begun(one)
        given = await one.done("next_task", **life)
        again = await one.done("lock", **life, action="acquire", claims=["path:repo//src/api/x.py"])
        assert again["outcome"] in ("held", "granted")
        assert (await one.done("lock", **life, action="check", claims=["path:repo//src/api/x.py"]))["next"] == (
            "All yours: write."
        )
        wider = await one.done("lock", **life, action="acquire", claims=["path:repo//src/web/**"], agent="tester")
        assert wider["token"] > given["token"]
        assert (await one.done("report", **life, outcome="complete"))["reported"] == "complete"


async def test_a_former_life_and_a_foreign_session_are_refused_everything(server: WholeServer) -> None:
    await server.owner.done("apply_plan", project="shop", tasks=[task("api")])
    mine, other = await server.caller("worker", "shop"), await server.caller("worker", "shop")
    async with agent(mine) as one, agent(other) as two:
        former = await begun(one)
        await one.done("next_task", **former)
        life = await begun(one, resume=former["session"])
        assert life == {**former, "incarnation": 2}
        for tool, more in MUTATIONS.items():
            assert (await one.call(tool, **former, **more))["refused"] == "life_fenced"
            stranger = await two.call(tool, **life, **more)
            assert (stranger["refused"], stranger["why"][:20]) == ("unknown_thing", "There is no session ")
            assert (await one.call(tool, **more))["refused"] == "session_not_named"
        await one.done("prime", **life)


@pytest.mark.parametrize("mode", MODES)
async def test_an_agent_that_has_only_its_tools_ends_its_session_once_its_work_has_a_result(
    server: WholeServer, mode: str
) -> None:
    await server.owner.done("apply_plan", project="shop", tasks=[task("api")])
    async with agent(await server.caller("worker", "shop"), mode) as one:
        life = await begun(one)
        given = await one.done("next_task", **life)
        await one.done("lock", **life, action="acquire", claims=["path:repo//docs/**"])
        kept = await one.call("report", **life, outcome="leave")
        assert kept["refused"] == "work_unreported"
        await one.done("report", **life, outcome="release", task=given["key"])
        assert (await one.done("report", **life, outcome="leave"))["reported"] == "leave"
        assert (await one.call("status", **life))["refused"] == "life_over"
        other = await begun(one)
        locked = await one.done("lock", **other, action="acquire", claims=["path:repo//docs/a"])
        assert locked["outcome"] == "granted", "nothing of it stays shut"


async def test_every_answer_tells_that_mail_waits(server: WholeServer) -> None:
    async with agent(await server.caller("worker", "shop")) as one, agent(await server.caller("worker", "shop")) as two:
        first, second = await begun(one), await begun(two)
        assert "messages_waiting" not in await one.done("status", **first)
        for _ in range(2):
            await two.done("note", **second, action="send", to=first["session"], text="Hello")
        assert (await one.done("status", **first))["messages_waiting"] == 2
        assert (await one.done("lock", **first, action="check", claims=["path:r//a"]))["messages_waiting"] == 2
        await one.done("inbox", **first, acknowledge=1)
        assert (await one.done("status", **first))["messages_waiting"] == 1


MUTATIONS: dict[str, dict[str, Any]] = {
    "next_task": {},
    "report": {"outcome": "complete"},
    "lock": {"action": "acquire", "claims": ["path:repo//a"]},
}


async def test_a_plan_over_mcp_is_explained_waited_for_and_seen(server: WholeServer) -> None:
    async with agent(server.owner) as lead:
        misspelt = [{"key": "a", "title": "A", "needs": ["b"]}, {"key": "b", "titel": "B"}]
        unsound = await lead.call("plan", tasks=misspelt)
        assert unsound["refused"] == "plan_unsound"
        assert {each["field"] for each in unsound["data"]} == {"titel", "title"}
        tasks = [{"key": "a", "title": "A"}, {"key": "b", "title": "B", "needs": ["a"], "scope": ["path:repo//b/**"]}]
        assert (await lead.done("plan", tasks=tasks, check_only=True))["sound"]
        assert (await lead.call("explain", about="task", name="b"))["refused"] == "unknown_thing"
        made = await lead.done("plan", tasks=tasks)
        assert made["created"] == 2
        assert (await lead.done("plan", tasks=tasks))["unchanged"] == 2
        why = await lead.done("explain", about="task", name="b")
        assert [each["code"] for each in why["reasons"]] == ["need_unmet"]
        ticket = made["tickets"]["a"]
        assert (await lead.done("wait", ticket=ticket, seconds=0))["status"] == "ready"
        waiting = asyncio.create_task(lead.done("wait", ticket=ticket, seconds=25))
        async with agent(await server.caller("worker", "shop")) as one:
            life = await begun(one)
            assert (await one.done("next_task", **life))["key"] == "a"
            assert (await one.call("plan", tasks=tasks))["refused"] == "not_permitted"
            seen = await one.done("status")
            assert [(each["key"], each["status"]) for each in seen["tasks"]] == [("a", "running")]
            await one.done("report", **life, outcome="complete", text="it is done")
            settled = await soon(waiting)
            assert (settled["status"], settled["summary"]["untrusted"]) == ("completed", "it is done")


async def test_what_is_wrong_with_a_call_is_said(server: WholeServer) -> None:
    async with agent(await server.caller("worker", "shop")) as one:
        assert (await one.call("locks"))["refused"] == "unknown_tool"
        assert "nam: Extra inputs" in (await one.call("prime", nam="x"))["why"]
        assert (await one.call("prime", project="other"))["refused"] == "unknown_thing"
        life = await begun(one)
        assert (await one.call("wait", ticket="gate"))["refused"] == "ticket_unreadable"
        assert (await one.call("wait", ticket="lock/shop/x", **life))["refused"] == "invalid_command"
        assert (await one.call("lock", **life, action="acquire"))["refused"] == "argument_missing"
        assert (await one.call("lock", **life, action="release"))["refused"] == "argument_missing"
        assert (await one.call("report", **life, outcome="complete"))["refused"] == "nothing_held"
        assert (await one.call("next_task", **life))["refused"] == "nothing_ready"
        assert "control or direction" in (await one.call("prime", name="a\u202eb"))["why"]
    await server.owner.done("create_project", name="second")
    async with agent(server.owner) as lead:
        unclear = await lead.call("prime")
        assert (unclear["refused"], unclear["next"]) == (
            "project_not_named",
            "Pass `project`; you may choose among: shop, second.",
        )


async def test_agents_leave_notes_and_ask_each_other_to_release(server: WholeServer) -> None:
    await server.owner.done("apply_plan", project="shop", tasks=[task("api")])
    async with agent(await server.caller("worker", "shop")) as one, agent(await server.caller("worker", "shop")) as two:
        first, second = await begun(one, name="ann"), await begun(two, name="bob")
        posted = await one.done("note", **first, action="post", task="api", text="The schema moved.", agent="reader")
        await two.done("note", **second, action="post", task="api", text="Seen.", thread=posted["posted"])
        board = await one.done("note", **first, action="read", task="api")
        assert [(each["number"], each.get("thread")) for each in board["notes"]] == [(1, None), (2, 1)]
        assert board["notes"][0]["note"] == {"untrusted": "The schema moved.", "by": f"{first['session']}/reader"}
        assert "notes" not in await one.done("note", **first, action="read", after=board["cursor"])
        held = await two.done("lock", **second, action="acquire", claims=["path:repo//uv.lock"])
        asked = await one.done("note", **first, action="please_release", to="path:repo//uv.lock", text="One line only.")
        assert asked["delivered"] == [second["session"]]
        assert (await two.done("prime", **second))["messages_waiting"] == 1
        (message,) = (await two.done("inbox", **second))["messages"]
        assert (message["asks_you_to_release"], message["token"]) == ("path:repo//uv.lock", held["token"])
        assert message["message"] == {"untrusted": "One line only.", "by": first["session"]}
        await two.done("note", **second, action="send", to=message["answer_to"], text="Yours.")
        assert "messages" not in await two.done("inbox", **second, acknowledge=message["number"])
        answer = (await one.done("inbox", **first))["messages"][0]
        assert answer["message"]["by"] == second["session"]
        assert (await one.call("inbox", **first, acknowledge=9))["refused"] == "message_not_there"
        stranger = await two.call("inbox", **first)
        assert stranger["refused"] == "unknown_thing"


async def test_a_task_the_locks_and_the_timeline_are_resources(server: WholeServer) -> None:
    body = "long " * 9_000
    await server.owner.done("apply_plan", project="shop", tasks=[task("a/b", body=body)])
    async with agent(await server.caller("worker", "shop")) as one:
        life = await begun(one)
        given = await one.done("next_task", **life)
        assert given["body"]["characters_left_out"] == len(body) - 24_000
        templates = (await one.client.list_resource_templates()).resource_templates
        assert [each.name for each in templates] == ["task", "run", "locks", "timeline"]
        for name in ("a/b", "a%2Fb", given["task"]):
            found = await one.read(f"signalbox://shop/tasks/{name}")
            assert (found["key"], found["status"], found["body"]["untrusted"]) == ("a/b", "running", body)
        (held,) = (await one.read("signalbox://shop/locks"))["locks"]
        assert (held["session"], held["locks"]) == (life["session"], ["path:repo//src/a/b/**"])
        mine = f"signalbox://shop/timeline?session={life['session']}"
        lines = await one.read(mine)
        assert {each["type"] for each in lines["lines"]} == {"lock.granted.v1", "task.claimed.v1"}
        assert (await one.read(f"{mine}&after={lines['after']}"))["lines"] == []
        for wrong in ("signalbox://shop/timeline", "signalbox://other/locks", "signalbox://shop/tasks/none", "x://y"):
            with pytest.raises(MCPError):
                await one.read(wrong)
    async with agent(server.owner) as lead:
        everything = await lead.read("signalbox://shop/timeline")
        assert {"task.planned.v1", "lock.granted.v1"} <= {each["type"] for each in everything["lines"]}
        for wrong in ("?after=x", "?limit=1", "?after=" + "9" * 30):
            with pytest.raises(MCPError):
                await lead.read(f"signalbox://shop/timeline{wrong}")


PHASES: list[dict[str, Any]] = [
    {
        "key": "build",
        "kind": "work",
        "work": {"task": {"title": "Build it"}, "outputs": [{"name": "passed", "type": "integer"}]},
    },
    {
        "key": "sign_off",
        "kind": "gate",
        "needs": [{"phase": "build"}],
        "gate": {"gate_class": "staging", "question": "Ship it?"},
    },
]


async def test_a_phase_of_a_run_is_worked_on_and_its_gate_and_end_are_waited_for(server: WholeServer) -> None:
    owner = server.owner
    await owner.done("publish_definition", project="shop", definition={"name": "release", "phases": PHASES})
    run = (await owner.done("start_run", project="shop", pipeline="release"))["run"]
    async with agent(await server.caller("worker", "shop")) as one:
        life = await begun(one)
        given = await one.done("next_task", **life)
        assert (given["phase"]["run"], given["phase"]["place"]) == (run, "build")
        gate = f"gate/shop/{run}/sign_off"
        assert (await one.done("wait", **life, ticket=gate, seconds=0))["status"] == "pending"
        await one.done("report", **life, outcome="complete", output={"passed": 12})
        open_gate = await one.done("wait", **life, ticket=gate, seconds=0)
        assert (open_gate["status"], open_gate["question"]["untrusted"]) == ("open", "Ship it?")
        ended = asyncio.create_task(one.done("wait", **life, ticket=f"run/shop/{run}", seconds=25))
        shown = await one.read(f"signalbox://shop/runs/{run}")
        assert [(each["place"], each["status"]) for each in shown["phases"]] == [
            ("build", "succeeded"), ("sign_off", "waiting"),
        ]  # fmt: skip
        assert shown["phases"][0]["output"]["untrusted"] == '{"passed":12}'
        await owner.done("cast_vote", project="shop", run=run, phase="sign_off", verdict="approve", comment="yes")
        decided = await one.done("wait", **life, ticket=gate)
        assert (decided["decision"], decided["comment"]["untrusted"]) == ("approved", "yes")
        assert (await soon(ended))["status"] == "succeeded"
        assert (await one.call("wait", ticket="run/shop/none"))["refused"] == "unknown_thing"
