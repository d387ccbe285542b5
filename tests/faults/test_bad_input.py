"""Bad input, generated from the models: every field of every command that somebody may ask, through the real door."""

from collections.abc import AsyncIterator

import pytest

from domain.catalogue import COMMANDS
from tests.support.bad_values import bad_values, json_text
from tests.support.command_forms import asked_commands, example_of, places_of, replaced, value_at
from tests.support.refusals import flaws_of
from tests.support.scene import Scene, a_scene, succeeded
from tests.support.whole_server import WholeServer, whole_server

EVERY = pytest.mark.parametrize("name", asked_commands())

LIMITS: dict[str, tuple[tuple[str, ...], ...]] = {
    "string": (("maxLength",), ("pattern",)),
    "integer": (("minimum", "maximum"), ("exclusiveMinimum", "maximum")),
    "number": (("minimum", "maximum"), ("exclusiveMinimum", "maximum")),
    "array": (("maxItems",),),
    "object": (("properties",), ("maxProperties", "propertyNames")),
    "boolean": ((),),
}
"""What a form has to say for a value to be bounded; any of the alternatives will do."""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeServer]:
    async with whole_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@EVERY
@pytest.mark.parametrize("whole", [True, False])
async def test_the_example_from_which_the_bad_ones_are_made_is_accepted(
    server: WholeServer, name: str, whole: bool
) -> None:
    scene = await a_scene(server)
    told = await scene.caller.command(name, example_of(COMMANDS[name], scene.filled(name), whole=whole))
    assert succeeded(name, told), f"say in tests/support/scene.py how to fill {name}: {told.body!r}"


@EVERY
async def test_a_bad_value_at_any_place_is_refused_in_words_and_changes_nothing(server: WholeServer, name: str) -> None:
    scene = await a_scene(server)
    example = example_of(COMMANDS[name], scene.filled(name), whole=True)
    wrong = []
    for place in places_of(COMMANDS[name]):
        for what, value in bad_values(place, value_at(example, place.path)):
            flaws = await refused(scene, name, replaced(example, place.path, value))
            wrong += [f"{place.name} = {what}: {flaw}" for flaw in flaws]
    assert not wrong
    assert succeeded(name, await scene.caller.command(name, example)), "the server goes on"
    await server.in_order()


@EVERY
def test_every_value_has_a_limit_and_every_pattern_its_words(name: str) -> None:
    unlimited = []
    for place in places_of(COMMANDS[name]):
        for form in place.choices:
            bounds = LIMITS.get(form.get("type", ""), ())
            if len(place.choices) > 1 and form.get("type") in ("integer", "number"):
                continue  # A label of many kinds: a number is what a body can hold, finite and of 64 bits.
            if not {"enum", "const"} & set(form) and not any(set(bound) <= set(form) for bound in bounds):
                unlimited.append(place.name)
            if "pattern" in form and not form.get("description"):
                unlimited.append(f"{place.name} in words")
    assert not unlimited


async def refused(scene: Scene, name: str, fields: object) -> list[str]:
    """What is wrong with the refusal of a command; nothing may be written for it."""
    before = scene.server.head
    told = await scene.caller.send(json_text({"type": name, "command": fields}))
    flaws = flaws_of(told)
    written = await scene.server.types_after(before)
    return [*flaws, *(f"it wrote {kind}" for kind in written)]
