"""A changed copy is what the standard library makes of it, and the value that it was made of stays as it was."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from domain.kernel.change import changer_of, replace
from domain.kernel.ids import Instant, Token
from domain.kernel.values import ScopeClaim
from domain.lock.entries import Grant, Owner
from domain.lock.state import LockSpace
from domain.task.state import Ready

OWNER = Owner("sess_1", 1, "task_1")
GRANT = Grant(Token(5), OWNER, (ScopeClaim(claim="name:x"),), "work", Instant(7))
SPACE = LockSpace().with_grant(GRANT)
owners = st.fixed_dictionaries(
    {}, optional={"session": st.text(max_size=3), "incarnation": st.integers(1, 9), "task": st.none() | st.text()}
)
grants = st.fixed_dictionaries(
    {}, optional={"purpose": st.text(), "lingers_until": st.none() | st.integers(), "preemptible": st.booleans()}
)


@given(owners)
def test_what_follows_from_the_fields_follows_from_the_changed_ones(changes: dict[str, Any]) -> None:
    changed, expected = replace(OWNER, **changes), dataclasses.replace(OWNER, **changes)
    assert changed == expected
    assert type(changed) is Owner
    assert (changed.name, changed.around) == (expected.name, expected.around)


@given(grants)
def test_fields_that_are_not_named_stay(changes: dict[str, Any]) -> None:
    before = dataclasses.astuple(GRANT)
    assert replace(GRANT, **changes) == dataclasses.replace(GRANT, **changes)
    assert dataclasses.astuple(GRANT) == before


def test_a_copy_is_as_frozen_as_its_like() -> None:
    changed: Any = replace(Ready(Instant(1)), since=Instant(2))
    assert hash(changed) == hash(Ready(Instant(2)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.since = Instant(3)
    with pytest.raises(AttributeError):
        changer_of(Ready)(changed, {"unknown": 1})


def test_a_derived_part_is_computed_unless_it_is_known() -> None:
    assert replace(SPACE, grants=Map()).coverage == LockSpace().coverage
    assert replace(SPACE, last_request=3, known_coverage=SPACE.coverage).coverage is SPACE.coverage
