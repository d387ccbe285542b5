"""What only one of many callers may have, exactly one has: on every store, with two nodes, with requests sent twice."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.composition.server import running
from api.composition.stores import open_log
from api.edge import Edge, Origin, fresh_command_id
from api.parsing import parse
from api.ports import Services
from domain.kernel.errors import Rejection
from domain.kernel.ids import PrincipalId
from domain.principal.allow import Principal
from infrastructure.log.port import LogRow
from infrastructure.settings import Settings
from tests.faults.aftermath import rows_of
from tests.faults.checker import Op, violations
from tests.faults.clashes import NAMES
from tests.support.waiting import SECONDS_MAX

OWNER = Principal(PrincipalId("key_owner"), "owner", None, human=True)


@dataclass
class Nodes:
    """Nodes of one store in this process, each with an edge of its own; requests go to them in turn."""

    services: Sequence[Services]
    settings: Sequence[Settings]
    history: list[Op]

    def __post_init__(self) -> None:
        self.edges = [Edge(one) for one in self.services]
        self.sent = 0

    async def ask(self, kind: str, fields: dict[str, Any], *, twice: bool = False) -> dict[str, Any]:
        """One command; sent twice at once, to two nodes where there are two, both have to be told the same."""
        command_id = fresh_command_id(self.services[0].clock.now())
        sends = [self._send(kind, fields, command_id) for _ in range(2 if twice else 1)]
        told = await asyncio.gather(*sends)
        # Told the same: a refusal is not remembered, so a second send may find another reason, but never a success
        # beside another success.
        accepted = [one for one in told if one["ok"]]
        assert all(one == accepted[0] for one in accepted), told
        return accepted[0] if accepted else told[0]

    async def must(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        told = await self.ask(kind, fields)
        assert told["ok"], told
        answer: dict[str, Any] = told["answer"]
        return answer

    async def claimed(self, session: dict[str, Any]) -> dict[str, Any]:
        """A task that has to be there, once the node that is asked has heard of it."""
        async with asyncio.timeout(SECONDS_MAX):
            while not (told := await self.ask("claim_task", session))["ok"]:
                assert told["error"]["code"] == "nothing_ready", told
                await asyncio.sleep(0.02)
        answer: dict[str, Any] = told["answer"]
        return answer

    async def _send(self, kind: str, fields: dict[str, Any], command_id: str) -> dict[str, Any]:
        self.sent += 1
        edge = self.edges[self.sent % len(self.edges)]
        command = parse(kind, json.dumps(fields).encode())
        assert not isinstance(command, Rejection), command
        answer = await edge.submit(command, Origin(OWNER, command_id))
        assert not isinstance(answer, Rejection), answer
        content: dict[str, Any] = json.loads(answer.text)
        text = json.dumps(content.get("answer"), sort_keys=True)
        self.history.append(
            Op(command_id, kind, "ok", answer.position, text) if answer.ok else Op(command_id, kind, "info")
        )
        return content

    async def sessions(self, count: int, **fields: Any) -> list[dict[str, Any]]:
        """Open sessions that serve the project."""
        opened = await asyncio.gather(
            *(self.must("open_session", {"projects": ["shop"], "ttl_seconds": 3_600, **fields}) for _ in range(count))
        )
        return [{"project": "shop", "session": one["session"], "incarnation": one["incarnation"]} for one in opened]


@pytest.fixture(params=["memory", "sqlite", "postgres", "postgres twice"])
async def nodes(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Nodes]:
    # However long a busy machine keeps a caller from reporting, its attempt was delivered.
    for module in ("domain.task.decider", "domain.policies.timers"):
        monkeypatch.setattr(f"{module}.DELIVERY_SECONDS_MAX", 3_600)
    kind, _, twice = request.param.partition(" ")
    store = request.getfixturevalue("postgres_url") if kind == "postgres" else kind
    settings = [
        Settings.model_validate({"data": tmp_path / str(number), "store": store, "secret": "s" * 32})
        for number in range(2 if twice else 1)
    ]
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(running(one)) for one in settings]
        nodes = Nodes(services, settings, [])
        await nodes.must("create_project", {"name": "shop"})
        yield nodes
        stored = await asyncio.to_thread(log_of, nodes)
        assert not violations(stored, nodes.history)


def log_of(nodes: Nodes) -> list[LogRow]:
    """What is stored, read as a stranger would; a log in memory is the node's own."""
    node = nodes.services[0].events
    if nodes.settings[0].store_kind != "postgres":
        return rows_of(node._node.log)  # type: ignore[attr-defined]
    log = open_log(nodes.settings[0])
    try:
        return rows_of(log)
    finally:
        log.close()


@pytest.mark.parametrize("twice", [False, True], ids=["once", "sent twice"])
@pytest.mark.parametrize("callers", [2, 8, 64, 256])
async def test_exactly_one_of_many_callers_has_the_task(nodes: Nodes, callers: int, twice: bool) -> None:
    await nodes.must("apply_plan", {"project": "shop", "tasks": [{"key": "one", "title": "One"}]})
    sessions = await nodes.sessions(callers)
    told = await asyncio.gather(*(nodes.ask("claim_task", session, twice=twice) for session in sessions))
    winners = [one for one in told if one["ok"]]
    assert len(winners) == 1
    assert {one["error"]["code"] for one in told if not one["ok"]} == {"nothing_ready"}
    stored = await asyncio.to_thread(log_of, nodes)
    assert sum(row.type == "task.claimed.v1" for row in stored) == 1


async def test_sixty_four_callers_drain_five_hundred_tasks(nodes: Nodes) -> None:
    """Chains of five, so that every completion but the last makes the next one ready, exactly once."""
    tasks = [
        {"key": f"{chain}-{link}", "title": "Work", "needs": [{"task": f"{chain}-{link - 1}"}] if link else []}
        for chain in range(100)
        for link in range(5)
    ]
    await nodes.must("apply_plan", {"project": "shop", "tasks": tasks})
    sessions = await nodes.sessions(64)
    done: list[str] = []

    async def work(session: dict[str, Any]) -> None:
        while len(done) < len(tasks):
            claimed = await nodes.ask("claim_task", session)
            if not claimed["ok"]:
                assert claimed["error"]["code"] == "nothing_ready", claimed
                await asyncio.sleep(0.02)
                continue
            answer = claimed["answer"]
            await nodes.must("complete_task", {"project": "shop", "task": answer["task"], "token": answer["token"]})
            done.append(answer["key"])

    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(*(work(session) for session in sessions))
    assert Counter(done) == Counter(task["key"] for task in tasks)
    counted = Counter(row.type for row in await asyncio.to_thread(log_of, nodes))
    assert counted["task.claimed.v1"] == counted["task.completed.v1"] == 500
    assert counted["task.need_settled.v1"] == 400
    assert counted["task.readied.v1"] == 500


async def test_a_diamond_of_needs_is_ready_once_and_only_after_all(nodes: Nodes) -> None:
    """Forty needs of one task completed at once over all nodes."""
    needs = [{"key": f"need-{number}", "title": "Need"} for number in range(40)]
    last = {"key": "last", "title": "Last", "needs": [{"task": need["key"]} for need in needs]}
    await nodes.must("apply_plan", {"project": "shop", "tasks": [*needs, last]})
    sessions = await nodes.sessions(40)
    claimed = await asyncio.gather(*(nodes.claimed(session) for session in sessions))
    await asyncio.gather(
        *(
            nodes.ask("complete_task", {"project": "shop", "task": one["task"], "token": one["token"]}, twice=True)
            for one in claimed
        )
    )
    assert (await nodes.claimed(sessions[0]))["key"] == "last"
    counted = Counter(row.type for row in await asyncio.to_thread(log_of, nodes))
    assert counted["task.need_settled.v1"] == 40
    assert counted["task.readied.v1"] == 41


@pytest.mark.parametrize("moved", ["session", "the one above it"])
async def test_a_session_locks_inside_of_its_family_or_is_moved_out_of_it_never_both(nodes: Nodes, moved: str) -> None:
    """Twelve families; in each somebody asks to lock below what the lead writes while it is moved away from there."""
    families: list[dict[str, dict[str, Any]]] = []
    for lead in await nodes.sessions(12):
        middle = (await nodes.sessions(1, parent=lead["session"]))[0]
        session = (await nodes.sessions(1, parent=middle["session"]))[0]
        families.append({"lead": lead, "the one above it": middle, "session": session})
    places = [f"path:r//{outer}/{inner}" for outer in NAMES for inner in NAMES[:3]]
    for family, place in zip(families, places, strict=True):
        await nodes.must("acquire_locks", {**family["lead"], "claims": [{"claim": place}]})

    async def ask(number: int, kind: str) -> None:
        family, fields = families[number], dict[str, Any]()
        if kind == "reparent_session":
            fields = {"session": family[moved]["session"], "parent": None}
        else:
            fields = {**family["session"], "claims": [{"claim": f"{places[number]}/a"}]}
        told[number, kind] = await nodes.ask(kind, fields)

    told: dict[tuple[int, str], dict[str, Any]] = {}
    for number in range(12):
        # One family after the other: many at once meet in the lock space, and are decided one by one.
        asked = ("reparent_session", "acquire_locks")[:: 1 if number % 2 else -1]
        await asyncio.gather(*(ask(number, kind) for kind in asked))
    for number in range(12):
        move, locks = told[number, "reparent_session"], told[number, "acquire_locks"]
        assert move["ok"] is not locks["ok"], (move, locks)
        refused = locks["error"]["code"] if move["ok"] else move["error"]["code"]
        assert refused == ("lock_conflict" if move["ok"] else "locks_inside_family")
