"""Given, when, then: which refusals are recorded, and which are counted only."""

import pytest

from domain.catalogue import AGGREGATES, rules
from domain.dispatch.ready import ReadyIndex
from domain.kernel.ids import FLEET
from domain.refusal.commands import RecordRefusal
from domain.refusal.decider import KEPT_PER_MINUTE_MAX, PRINCIPALS_MAX, REFUSALS, evolve, refusals_stream
from domain.refusal.errors import RefusalCounted
from domain.refusal.events import CommandRefused
from domain.refusal.state import Refusals
from infrastructure.runtime.state_codec import freeze, thaw
from tests.support.world import World


def a_world() -> World:
    return World(AGGREGATES, rules(ReadyIndex()))


def a_refusal(message: str = "no", principal: str = "key_a", code: str = "fenced") -> RecordRefusal:
    return RecordRefusal(command="complete_task", code=code, message=message, principal=principal)


def kept(world: World) -> int:
    state = world.states.get(refusals_stream(FLEET), Refusals())
    return int(state.count)


def test_the_like_within_a_minute_is_counted_and_recorded_anew_after_it() -> None:
    world = a_world()
    for _ in range(5):
        world.when(a_refusal())
        world.advance(10)
    assert kept(world) == 1
    assert isinstance(world.when(a_refusal()).rejection, RefusalCounted)
    world.advance(10)
    assert world.when(a_refusal()).rejection is None
    assert kept(world) == 2


@pytest.mark.parametrize("other", [a_refusal("another thing"), a_refusal(code="not_owner"), a_refusal(principal="b")])
def test_what_differs_in_thing_code_or_principal_is_recorded(other: RecordRefusal) -> None:
    world = a_world()
    world.when(a_refusal())
    assert world.when(other).rejection is None
    assert kept(world) == 2


def test_a_principal_gets_so_many_records_a_minute_and_takes_none_from_another() -> None:
    world = a_world()
    for number in range(KEPT_PER_MINUTE_MAX * 3):
        world.when(a_refusal(f"token {number}"))
    assert kept(world) == KEPT_PER_MINUTE_MAX
    world.when(a_refusal("token 0", principal="key_b"))
    assert kept(world) == KEPT_PER_MINUTE_MAX + 1
    world.advance(60)
    world.when(a_refusal("token 0"))
    assert kept(world) == KEPT_PER_MINUTE_MAX + 2


def test_a_clock_that_fell_back_silences_nobody() -> None:
    world = a_world()
    world.when(a_refusal())
    world.advance(-3_600)
    assert world.when(a_refusal()).rejection is None


def test_the_minutes_of_many_principals_stay_bounded_and_survive_a_snapshot() -> None:
    world = a_world()
    state = Refusals()
    for number in range(PRINCIPALS_MAX + 50):
        event = CommandRefused(command="c", code="c", message="m", principal=f"key_{number}", at=world.now)
        state = evolve(state, event)
        assert len(state.minutes) <= PRINCIPALS_MAX
    assert state.count == PRINCIPALS_MAX + 50
    assert thaw(REFUSALS, freeze(state)) == state
