"""Names of what is not there, of nothing, or of somebody else's: each command, each place that names something."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from domain.catalogue import COMMANDS
from tests.support.bad_values import json_text
from tests.support.command_forms import Place, asked_commands, example_of, places_of, replaced, value_at
from tests.support.refusals import flaws_of
from tests.support.scene import THINGS, Scene, a_scene, thing_at
from tests.support.whole_server import Caller, Told, WholeServer, whole_server

EVERY = pytest.mark.parametrize("name", asked_commands())
ABSENT = {
    "project": ("no-such", "proj_" + "0" * 26),
    "session": ("sess_" + "0" * 26,),
    "task": ("no-such", "task_" + "0" * 26),
    "key": ("key_" + "0" * 26,),
}
NO_NAMES = ("x" * 200, "../../etc/passwd", "'; DROP TABLE events; --", "%00", "{task}", "ü" * 50, "*", "**", ".", "-1")
NOT_THERE = frozenset({"unknown_thing", "need_unknown", "invalid_command"})
"""What says that there is no such thing, or that this could not even be its name."""


@dataclass(frozen=True)
class Two:
    """Two projects on one server, each with a scene and callers that see nothing else."""

    server: WholeServer
    mine: Scene
    theirs: Scene
    callers: dict[str, Caller]
    """By role, for ``mine`` only."""


@pytest.fixture(scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    async with whole_server(tmp_path_factory.mktemp("server")) as server:
        mine, theirs = await a_scene(server), await a_scene(server)
        callers = {role: await server.caller(role, mine.name) for role in ("worker", "operator", "admin", "viewer")}
        yield Two(server, mine, theirs, callers)


def naming_places(name: str, kinds: frozenset[str] = frozenset(ABSENT)) -> Iterator[tuple[Place, str]]:
    """The places of a command that name something, and what."""
    for place in places_of(COMMANDS[name]):
        kind = thing_at(name, place)
        if kind in kinds:
            yield place, kind


@EVERY
def test_every_place_that_takes_a_name_says_what_it_names(name: str) -> None:
    """A list that forgets a place would leave it untested: references and tokens are known by their form."""
    for place in places_of(COMMANDS[name]):
        (form, *others) = place.choices
        is_token = str(form.get("pattern", "")).startswith("^[0-9]{")
        is_reference = (form.get("minLength"), form.get("maxLength")) == (1, 200) and place.path[-1] != "name"
        if not others and (is_token or is_reference):
            assert thing_at(name, place), f"{name}.{place.name}: say what it names in tests/support/scene.py"
    assert set(THINGS.values()) <= {*ABSENT, "token", "none"}


@EVERY
async def test_what_is_absent_or_no_name_at_all_is_not_there(two: Two, name: str) -> None:
    scene = await a_scene(two.server)
    example = example_of(COMMANDS[name], scene.filled(name), whole=True)
    wrong = []
    for place, kind in naming_places(name):
        own = str(value_at(example, place.path))
        misspelt = (own.upper() + "X", f"{own}0", own[:-1] + "\u0131", f"{kind}_", "locks_" + scene.project[5:])
        others = [text for other, texts in ABSENT.items() if other != kind for text in texts if text != "no-such"]
        for value in (*ABSENT[kind], *NO_NAMES, *misspelt, *others):
            before = two.server.head
            told = await scene.caller.send(json_text({"type": name, "command": replaced(example, place.path, value)}))
            flaws = flaws_of(told) or ([] if told.code in NOT_THERE else [f"it is {told.code}"])
            wrong += [
                f"{place.name} = {value[:40]!r}: {one}" for one in (*flaws, *await two.server.types_after(before))
            ]
    assert not wrong


@EVERY
async def test_what_belongs_to_another_project_is_answered_like_what_is_absent(two: Two, name: str) -> None:
    """Byte for byte, whoever asks (security.md S2)."""
    example = example_of(COMMANDS[name], two.mine.filled(name), whole=True)
    theirs = {
        "project": (two.theirs.name, two.theirs.project),
        "session": (two.theirs.session, two.theirs.former),
        "task": (two.theirs.task_id,),
    }
    wrong = []
    for place, kind in naming_places(name, frozenset(theirs)):
        for role, caller in two.callers.items():
            for foreign in theirs[kind]:
                absent = foreign[:-4] + ("zzzz" if "_" in foreign else "-zzz")
                answers = [await asked(caller, name, example, place, value) for value in (foreign, absent)]
                if answers[0] != answers[1]:
                    wrong.append(f"{role}: {place.name} = {foreign}: {answers[0]} but {answers[1]}")
    assert not wrong


async def asked(caller: Caller, name: str, example: object, place: Place, value: str) -> tuple[int, bytes]:
    """Status and body with the name taken out, and with what the log's growth alone may change."""
    told: Told = await caller.command(name, replaced(example, place.path, value))
    body = told.body.replace(value.encode(), b"NAME").partition(b',"position":')[0]
    return told.status, body
