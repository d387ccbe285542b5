"""Every member of the closed set of refusals is provoked through HTTP and GraphQL, and reads well at both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from api.ports import ServiceFault
from domain.kernel.errors import RefusalKind
from tests.support.doors import Doors, Fakes
from tests.support.refusals import flaws_of
from tests.support.whole_server import Caller, WholeServer, whole_server

Fields = dict[str, Any]
Asked = tuple[Caller, str, Fields]
PROVOKED: dict[RefusalKind, Callable[["Stage"], Awaitable[Asked]]] = {}


class Stage:
    """A project of its own, in which nobody holds anything yet."""

    def __init__(self, server: WholeServer, project: str) -> None:
        self.server = server
        self.owner = server.owner
        self.project = project

    async def life(self, caller: Caller | None = None) -> Fields:
        opened = await (caller or self.owner).done("open_session", projects=[self.project], ttl_seconds=3_600)
        return {"project": self.project, "session": opened["session"], "incarnation": 1}

    async def held(self, life: Fields, *claims: str, **more: Any) -> Fields:
        return await self.owner.done("acquire_locks", **wanted(life, *claims, **more))


def wanted(life: Fields, *claims: str, **more: Any) -> Fields:
    return {**life, "claims": [{"claim": claim} for claim in claims], **more}


def provokes(kind: RefusalKind) -> Callable[[Callable[[Stage], Awaitable[Asked]]], None]:
    def register(scenario: Callable[[Stage], Awaitable[Asked]]) -> None:
        PROVOKED[kind] = scenario

    return register


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[WholeServer]:
    async with whole_server(tmp_path) as running:
        yield running


@provokes(RefusalKind.CONFLICT)
async def _conflict(stage: Stage) -> Asked:
    await stage.held(await stage.life(), "path:r//src/**", purpose="the release")
    return stage.owner, "acquire_locks", wanted(await stage.life(), "path:r//src/a")


@provokes(RefusalKind.WAIT_TIMEOUT)
async def _wait_timeout(stage: Stage) -> Asked:
    await stage.held(await stage.life(), "env:staging")
    late = await stage.life()
    waits = await stage.held(late, "env:staging", wait="queue", wait_timeout_seconds=0.05)
    asked = {**late, "request": waits["request"]}
    while (await stage.owner.command("await_locks", asked, wait_seconds=5)).status == 200:
        pass
    return stage.owner, "await_locks", asked


@provokes(RefusalKind.DEADLOCK)
async def _deadlock(stage: Stage) -> Asked:
    one, two = await stage.life(), await stage.life()
    await stage.held(one, "name:a")
    await stage.held(two, "name:b")
    await stage.held(one, "name:b", wait="queue")
    return stage.owner, "acquire_locks", wanted(two, "name:a", wait="queue")


@provokes(RefusalKind.ALREADY_WAITING)
async def _already_waiting(stage: Stage) -> Asked:
    one, two = await stage.life(), await stage.life()
    await stage.held(one, "name:a", "name:b")
    await stage.held(two, "name:a", wait="queue")
    return stage.owner, "acquire_locks", wanted(two, "name:b", wait="queue")


@provokes(RefusalKind.FENCED)
async def _fenced(stage: Stage) -> Asked:
    life = await stage.life()
    token = (await stage.held(life, "name:a"))["token"]
    await stage.owner.done("release_locks", **life, token=token)
    return stage.owner, "upgrade_locks", {**life, "token": token}


@provokes(RefusalKind.SESSION_LOST)
async def _session_lost(stage: Stage) -> Asked:
    life = await stage.life()
    await stage.owner.done("end_session", session=life["session"], incarnation=1)
    return stage.owner, "acquire_locks", wanted(life, "name:a")


@provokes(RefusalKind.NOT_OWNER)
async def _not_owner(stage: Stage) -> Asked:
    one, two = await stage.life(), await stage.life()
    token = (await stage.held(one, "name:a"))["token"]
    return stage.owner, "release_locks", {**two, "token": token}


@provokes(RefusalKind.DENIED)
async def _denied(stage: Stage) -> Asked:
    token = (await stage.held(await stage.life(), "name:a"))["token"]
    agent = await stage.server.caller("worker", stage.project)
    return agent, "break_locks", {"project": stage.project, "token": token, "reason": "it is in my way"}


@provokes(RefusalKind.BAD_PATTERN)
async def _bad_pattern(stage: Stage) -> Asked:
    return stage.owner, "acquire_locks", wanted(await stage.life(), "path:r//src/../secrets")


@provokes(RefusalKind.TOO_COMPLEX)
async def _too_complex(stage: Stage) -> Asked:
    one, two = ("*".join([stem * 100] * 5) for stem in ("a", "aa"))
    await stage.held(await stage.life(), f"path:r//{one[:480]}")
    return stage.owner, "acquire_locks", wanted(await stage.life(), f"path:r//{two[:480]}b")


@provokes(RefusalKind.LIMIT)
async def _limit(stage: Stage) -> Asked:
    await stage.owner.done("set_pool", project=stage.project, pool="gpu", members=[{"name": "one"}])
    return stage.owner, "acquire_locks", wanted(await stage.life(), "pool:gpu;quantity=2", wait="queue")


@provokes(RefusalKind.IDEMPOTENCY_MISMATCH)
async def _idempotency_mismatch(stage: Stage) -> Asked:
    life = await stage.life()
    await stage.owner.command("acquire_locks", wanted(life, "name:a"), id="cmd_the_very_same")
    return stage.owner, "acquire_locks", wanted(life, "name:b", id="cmd_the_very_same")


async def test_each_is_provoked_and_reads_the_same_at_both_doors(server: WholeServer) -> None:
    flaws: dict[RefusalKind, object] = {}
    for kind, scenario in PROVOKED.items():
        stage = Stage(server, kind.lower().replace("_", "-"))
        await server.owner.done("create_project", name=stage.project)
        caller, name, fields = await scenario(stage)
        rest = {"id": fields.pop("id")} if "id" in fields else {}
        told = await caller.command(name, fields, **rest)
        shown = await over_graphql(caller, name, fields, rest.get("id"))
        plain = {key: told.error[key] for key in ("code", "kind", "message", "next")}
        if kind is RefusalKind.CONFLICT:  # its words tell how old the lock is
            plain |= {"message": shown["message"], "next": shown["next"]}
        found = [*flaws_of(told), *([] if told.error["kind"] == kind else [told.error]), plain, shown]
        if found != [plain, plain]:
            flaws[kind] = found
    assert flaws == {}


async def over_graphql(caller: Caller, name: str, fields: Fields, command_id: str | None) -> Fields:
    mutation = camel(name)
    given = {camel(key): value for key, value in fields.items()}
    given |= {"wait": fields["wait"].upper()} if "wait" in fields else {}
    given |= {} if command_id is None else {"commandId": command_id}
    kind = mutation[0].upper() + mutation[1:]
    query = (
        f"mutation($input: {kind}Input!) {{ told: {mutation}(input: $input)"
        " { ... on Rejected { code kind message next } } }"
    )
    answer = await caller.ask(query, input=given)
    assert "errors" not in answer, answer
    told: Fields = answer["data"]["told"]
    return told


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


async def test_a_read_that_is_not_as_new_as_it_was_asked_for_says_so(
    server: WholeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.owner.done("create_project", name="shop")
    query = 'query($after: Position) { locks(project: "shop", after: $after) { stale position } }'
    assert (await server.owner.ask(query, after=server.head))["data"]["locks"]["stale"] is False
    monkeypatch.setattr("api.composition.reads.STALE_SECONDS", 0.1)
    monkeypatch.setattr("api.graphql.context.STALE_SECONDS", 0.1)
    assert (await server.owner.ask(query, after=server.head + 1_000))["data"]["locks"]["stale"] is True


async def test_a_fault_is_an_outcome_that_is_not_known() -> None:
    doors = Doors(Fakes(fault=ServiceFault("unknown_outcome", "It is not known.", "Send it again with the same id.")))
    answer = await doors.command("create_project", {"name": "shop"})
    assert (answer.status, answer.content["error"]["kind"]) == (503, RefusalKind.UNKNOWN_OUTCOME)
    assert answer.content["error"]["data"]["id"].startswith("cmd_")


def test_none_is_left_out() -> None:
    assert set(PROVOKED) | {RefusalKind.STALE, RefusalKind.UNKNOWN_OUTCOME} == set(RefusalKind)
