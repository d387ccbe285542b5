"""Who holds nothing changes nothing: stale and invented tokens, former lives, sessions of others, used ids."""

from collections.abc import AsyncIterator, Iterator

import pytest

from domain.catalogue import COMMANDS
from tests.support.command_forms import Place, asked_commands, example_of, places_of, replaced, value_at
from tests.support.refusals import flaws_of, refusals
from tests.support.scene import OF_OTHERS, REFUSED, Scene, a_scene, succeeded, thing_at
from tests.support.whole_server import Caller, Told, WholeServer, whole_server

RECORDS = frozenset({"command.refused.v1", "task.late_report_discarded.v1"})
"""What a refusal may leave in the log."""


def commands_with(thing: str) -> list[str]:
    return [name for name in asked_commands() if list(places_with(name, thing))]


def places_with(name: str, thing: str) -> Iterator[Place]:
    return (place for place in places_of(COMMANDS[name]) if (thing_at(name, place) or place.name) == thing)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeServer]:
    async with whole_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.mark.parametrize("name", sorted(set(commands_with("token")) - OF_OTHERS))
async def test_a_token_that_is_not_the_live_own_one_is_fenced(server: WholeServer, name: str) -> None:
    project = f"fence-{name.replace('_', '-')}"
    await server.owner.done("create_project", name=project, lock_delay_seconds=0)
    worker = await server.caller("worker", project)
    scene = await a_scene(server, worker, project)
    neighbour = await a_neighbour(server, scene)
    abroad = await a_scene(server)
    example = example_of(COMMANDS[name], scene.filled(name), whole=True)
    wrong = []
    for place in places_with(name, "token"):
        own = str(value_at(example, place.path))
        tokens = {scene.dead_token, neighbour.token, neighbour.lock_token, abroad.token, abroad.lock_token}
        held = {scene.token, scene.lock_token, scene.shared_token}
        # Each project counts its own tokens. What the session holds is wrong for a task, right for locks.
        tokens = tokens | held if any(places_with(name, "task")) else tokens - held
        invented = {"0", "1", str(int(own) + 1_000), str(2**40 * 9), str(2**63), "9" * 19}
        for token in sorted(tokens | invented - {own}):
            if token != own:
                found = await fenced(scene, worker, name, replaced(example, place.path, token))
                wrong += [f"{place.name} = {token}: {one}" for one in found]
        if found := await fenced(scene, neighbour.caller, name, example):
            wrong += [f"{place.name} in the hands of another: {one}" for one in found]
    assert not wrong
    assert succeeded(name, await worker.command(name, example)), "the holder goes on"
    await server.in_order()


@pytest.mark.parametrize("name", commands_with("session"))
async def test_a_session_of_somebody_else_is_not_spoken_for(server: WholeServer, name: str) -> None:
    scene = await a_scene(server)
    stranger = await server.caller("worker", scene.name)
    example = example_of(COMMANDS[name], scene.filled(name), whole=True)
    before = server.head
    told = await stranger.command(name, example)
    assert not flaws_of(told)
    assert told.code in {"not_session_owner", "not_permitted"}
    assert await server.types_after(before) == ["command.refused.v1"]
    assert succeeded(name, await scene.caller.command(name, example))


@pytest.mark.parametrize("name", commands_with("incarnation"))
async def test_a_life_that_is_not_the_current_one_is_fenced(server: WholeServer, name: str) -> None:
    scene = await a_scene(server)
    example = example_of(COMMANDS[name], scene.filled(name), whole=True)
    (place,) = places_with(name, "incarnation")
    wrong = []
    for incarnation in (2, 3, 2**31, 2**53):
        found = await fenced(scene, scene.caller, name, replaced(example, place.path, incarnation))
        wrong += [f"{incarnation}: {one}" for one in found]
    await scene.caller.done("open_session", projects=[scene.name], resume=scene.session, capacity=8)
    wrong += [f"a former life: {one}" for one in await fenced(scene, scene.caller, name, example)]
    ended = example | {"session": scene.former}
    told = await scene.caller.command(name, ended)
    assert not wrong
    assert not flaws_of(told) or (name == "end_session" and told.status == 200)


@pytest.mark.parametrize("name", sorted(set(asked_commands()) - set(REFUSED)))
async def test_an_id_that_was_used_is_not_used_for_something_else(server: WholeServer, name: str) -> None:
    scene, other = await a_scene(server), await a_scene(server)
    identifier = f"cmd_of_{name}_1"
    first = example_of(COMMANDS[name], scene.filled(name), whole=True)
    accepted = await scene.caller.command(name, first, id=identifier)
    assert accepted.status == 200, accepted.body
    again = await scene.caller.command(name, first, id=identifier)
    # A question is asked anew each time, under whatever id.
    asks = COMMANDS[name].ASKS
    assert (again.answer == accepted.answer, again.content["repeated"]) == (True, not asks)
    second = example_of(COMMANDS[name], other.filled(name), whole=True)
    if "project" in second:
        second["project"] = first["project"]
    head = server.head
    if second != first and not asks:
        told = await scene.caller.command(name, second, id=identifier)
        assert not flaws_of(told)
        assert told.code == "command_id_reused"
        assert set(await server.types_after(head)) <= {"command.refused.v1"}
    stranger = await server.caller("operator", scene.name)
    told = await stranger.command(name, first, id=identifier)
    assert told.content.get("repeated") is not True, "a stranger never gets the answer of another"
    assert told.code != "command_id_reused", "nor is he in the way of another: the id is his own"
    await server.edge.settle()  # what is recorded of him is not found by the next test


@pytest.mark.parametrize(
    "identifier", ["short", "x" * 101, "with space", "ünïcode-id", "a\nbcdefgh", "derived_" + "0" * 26, "../../etc"]
)
async def test_an_id_that_can_be_none_is_refused_before_anything_else(server: WholeServer, identifier: str) -> None:
    before = server.head
    told = await server.owner.command("create_project", {"name": "never-made"}, id=identifier)
    assert (flaws_of(told), told.code) == ([], "invalid_command_id")
    assert not await server.types_after(before)


async def a_neighbour(server: WholeServer, scene: Scene) -> Scene:
    """Somebody else in the same project, who holds another task and other locks."""
    caller = await server.caller("worker", scene.name)
    await server.owner.done("apply_plan", project=scene.name, tasks=[{"key": "next-door", "title": "next door"}])
    session = (await caller.done("open_session", projects=[scene.name], capacity=8, ttl_seconds=3_600))["session"]
    life = {"project": scene.name, "session": session, "incarnation": 1}
    token = (await caller.done("claim_task", task="next-door", **life))["token"]
    await caller.done("report_progress", project=scene.name, task="next-door", token=token)
    locks = await caller.done("acquire_locks", claims=[{"claim": "path:next//door/**"}], **life)
    return Scene(**{**vars(scene), "caller": caller, "session": session, "token": token, "lock_token": locks["token"]})


async def fenced(scene: Scene, caller: Caller, name: str, fields: object) -> list[str]:
    """What is wrong with the refusal of somebody who holds nothing: it is on record and changed nothing else."""
    before = scene.server.head
    told: Told = await caller.command(name, fields)
    flaws = flaws_of(told)
    if not flaws and not refusals()[told.code].AUDITED:
        flaws.append(f"{told.code} leaves no record")
    written = set(await scene.server.types_after(before)) - RECORDS
    return [*flaws, *(f"it wrote {kind}" for kind in written)]
