"""Three agents on one repository, each as its client is: it speaks MCP, and its hooks fire around each tool."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from signalbox.client import Client, Endpoint
from tests.support import hooks
from tests.support.checkout import Checkout
from tests.support.command_line import CommandLine, end
from tests.support.hooks import git
from tests.support.mcp_client import Agent as Speaker
from tests.support.mcp_client import agent_at

CLIENTS = ("claude", "codex", "gemini")


@dataclass
class Mate:
    """One agent: the model's side of it speaks, the client's side fires hooks. The model never says who it is."""

    client: str
    speaker: Speaker
    hook: hooks.Agent

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A call of one of our tools as the client makes it: its hook fills in who calls."""
        gemini = self.client == "gemini"
        name = f"mcp_signalbox_{tool}" if gemini else f"mcp__signalbox__{tool}"
        before = "BeforeTool" if gemini else "PreToolUse"
        said = await asyncio.to_thread(self.hook.fire, before, tool_name=name, tool_input=arguments)
        assert said.code == 0, said.err
        whole = said.output["tool_input" if gemini else "updatedInput"]
        return await self.speaker.call(tool, **whole)

    async def edit(self, path: str, text: str) -> hooks.Said:
        """Write a file, if the hook lets one."""
        said = await asyncio.to_thread(self.hook.edit, path)
        if said.code == 0:
            file = self.hook.folder / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        return said

    async def told(self) -> str:
        """What the model hears once a tool has run."""
        after = "AfterTool" if self.client == "gemini" else "PostToolUse"
        said = await asyncio.to_thread(self.hook.fire, after, tool_name="Read", tool_input={}, tool_response={})
        assert said.code == 0, said.err
        return str(said.output["additionalContext"]) if said.out else ""

    async def begin(self) -> str:
        """What the model is told first."""
        said = await asyncio.to_thread(self.hook.fire, "SessionStart", source="startup")
        return str(said.output["additionalContext"])

    async def stop(self) -> hooks.Said:
        """The end of a turn."""
        event = "AfterAgent" if self.client == "gemini" else "Stop"
        return await asyncio.to_thread(self.hook.fire, event, stop_hook_active=False)


@dataclass
class Place:
    """A repository, a server for it, and three mates."""

    folder: Path
    owner: Client
    mates: tuple[Mate, Mate, Mate]

    def hub(self) -> Path:
        """A bare repository with what is committed so far, guarded from here on."""
        hub = Path(git(self.folder.parent, "init", "-q", "--bare", "hub.git") or self.folder.parent / "hub.git")
        git(self.folder, "push", "-q", str(hub), "HEAD:main")
        git(hub, "symbolic-ref", "HEAD", "refs/heads/main")
        CommandLine(hub)("git-guard", "install", "--project", "shop", "--repository", "shop")
        return hub


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    process = CommandLine(tmp_path).serve()
    yield tmp_path
    end(process)


@pytest.fixture
async def place(server: Path) -> AsyncIterator[Place]:
    folder = hooks.repository(server / "shop")
    url = json.loads((server / ".signalbox" / "server.json").read_text())["url"]
    secret = (server / ".signalbox" / "local.key").read_text().strip()
    with Client(Endpoint(url, secret)) as owner:
        owner.command("create_project", name="shop", lock_delay_seconds=0)
        async with AsyncExitStack() as stack:
            mates: list[Mate] = []
            for client in CLIENTS:
                wish = {"name": client, "role": "worker", "projects": ["shop"]}
                async with httpx2.AsyncClient(headers={"authorization": f"Bearer {secret}"}) as http:
                    key = (await http.post(f"{url}/v1/keys", json=wish)).json()["answer"]["secret"]
                speaker = await stack.enter_async_context(agent_at(url, key))
                options = ("--project=shop", "--seconds=60")
                environment = {"SIGNALBOX_URL": url, "SIGNALBOX_KEY": key}
                cache = server / "cache" / client
                mates.append(
                    Mate(
                        client,
                        speaker,
                        hooks.Agent(client, f"host-{client}", folder, cache, options, environment=environment),
                    )
                )
            first, second, third = mates
            yield Place(folder, owner, (first, second, third))


async def test_three_agents_share_a_repository_and_never_write_over_each_other(place: Place) -> None:
    scopes = {"api": "src/api/**", "web": "src/web/**", "docs": "docs/**"}
    tasks = [{"key": key, "title": key, "scope": [{"claim": f"path:shop//{glob}"}]} for key, glob in scopes.items()]
    place.owner.command("apply_plan", project="shop", tasks=tasks)
    first, second, third = place.mates
    for mate in place.mates:
        assert "You are session sess_" in await mate.begin()
    given = {mate.client: await mate.call("next_task") for mate in place.mates}
    assert {one["key"] for one in given.values()} == set(scopes)
    own = {client: scopes[one["key"]].removesuffix("**") + "new.py" for client, one in given.items()}
    sessions = {mate.client: (await mate.call("prime"))["you"]["session"] for mate in place.mates}
    assert len(set(sessions.values())) == 3

    # What is another's is refused before it is written; what is one's own is not, through no door.
    for mate, other in ((first, second), (second, third), (third, first)):
        assert (await mate.edit(own[mate.client], mate.client)).code == 0
        refused = await mate.edit(own[other.client], "overwritten")
        assert refused.code == 2
        assert sessions[other.client] in refused.err
        checked = await mate.call("lock", action="check", claims=[f"path:shop//{own[mate.client]}"])
        assert checked["resources"][0]["state"] == "covered"
        locked = await mate.call("lock", action="acquire", claims=[f"path:shop//{own[other.client]}"])
        assert locked["refused"] == "lock_conflict"
    assert {mate.client: (place.folder / own[mate.client]).read_text() for mate in place.mates} == {
        client: client for client in CLIENTS
    }

    # One asks the holder, who hears it with its next tool; nobody can ask in another's name.
    asked = await first.call(
        "note", action="please_release", to=f"path:shop//{own['codex']}", text="May I?", session=sessions["gemini"]
    )
    assert asked["delivered"] == [sessions["codex"]]
    # The hook looks seldom: what is not in the inbox when it does is told ten seconds later.
    timeline(place.owner)
    heard = await second.told()
    assert f"from {sessions['claude']} asks you to release" in heard
    assert '"May I?"' in heard
    assert await second.told() == "", "each message is told once"

    # A turn does not end over work that is not reported; then the file is free for who waited.
    assert (await second.stop()).code == 2
    git(place.folder, "add", own["codex"])
    git(place.folder, "commit", "-q", "-m", "codex")
    assert (await second.call("report", outcome="complete", text="done"))["reported"] == "complete"
    assert (await second.call("inbox", acknowledge=1))["next"] == "Nothing waits."
    assert (await second.stop()).code == 0
    assert (await first.edit(own["codex"], "claude, too")).code == 0

    # One was silent for too long and its task went to another. Its late push is refused where it arrives, whatever
    # its own machine let it write; the same commits are taken from the one who has the task now.
    hub, checkout = place.hub(), Checkout(place.folder)
    work = {key: given["gemini"][key] for key in ("key", "token")}
    place.owner.command("reassign_task", project="shop", task=work["key"], to=sessions["codex"])
    moved = await second.call("next_task")
    assert moved["key"] == work["key"], moved
    git(place.folder, "add", own["gemini"])
    git(place.folder, "commit", "-q", "-m", "late")
    late = f"signalbox={sessions['gemini']}/1/{work['token']}"
    push = ("push", "--quiet", str(hub), "HEAD:main")
    assert "is not one of a live grant" in checkout.refused(*push, "--push-option", late)
    assert own["gemini"] not in git(hub, "ls-tree", "-r", "--name-only", "main")
    assert "nobody says for which session" in checkout.refused(*push)
    checkout.git(*push, "--push-option", f"signalbox={sessions['codex']}/1/{moved['token']}")
    assert own["gemini"] in git(hub, "ls-tree", "-r", "--name-only", "main")

    # All of it is on record, under the names of those who did it.
    lines = timeline(place.owner)
    assert len([one for one in lines if one["type"] == "task.claimed.v1"]) == 4
    did = {(one["type"], one["sessionId"]) for one in lines}
    assert {(kind, one) for kind in ("task.claimed.v1", "lock.granted.v1") for one in sessions.values()} <= did
    # Each refused edit: two wait, and the third would have closed the circle.
    assert {("lock.requested.v1", sessions[client]) for client in ("claude", "codex")} <= did
    assert ("message.sent.v1", sessions["claude"]) in did
    assert "task.completed.v1" in {kind for kind, _ in did}
    told = [one["summary"] for one in lines if one["type"] == "command.refused.v1"]
    assert any("lock_token_fenced" in one and sessions["gemini"] in one for one in told)
    assert any("deadlock" in one and sessions["gemini"] in one for one in told)


def timeline(owner: Client) -> list[dict[str, Any]]:
    """What happened so far, once the read models have all of it."""
    told: Any = owner.graphql("{ status { head } }")
    found: Any = owner.graphql(
        """query($a: Position) { timeline(project: "shop", first: 200, after: $a) {
          edges { node { type sessionId summary } } } }""",
        {"a": int(told["status"]["head"])},
    )
    return [edge["node"] for edge in found["timeline"]["edges"]]
