"""What was asked of a former program, which knew fewer fields, is the same command when it comes again."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from domain.session.commands import OpenSession
from domain.task.commands import ClaimTask
from infrastructure.runtime.outcome import body_of, is_the_same
from tests.support.running_node import running_fleet

FIELD = "takes_pushed"


def without(body: bytes, field: str) -> bytes:
    """The body as it was before the field came."""
    asked: dict[str, Any] = json.loads(body)
    del asked["command"][field]
    return json.dumps(asked).encode()


async def test_a_command_that_a_former_program_answered_gets_that_answer(tmp_path: Path) -> None:
    opened = OpenSession(projects=("shop",))
    async with running_fleet(tmp_path, store="sqlite") as fleet:
        first = await fleet.ask(opened, "cmd_open")
    with sqlite3.connect(tmp_path / "signalbox.db") as file:
        (body,) = file.execute("SELECT body FROM commands WHERE command_id = 'cmd_open'").fetchone()
        former = (b"a former digest!", without(body, FIELD))
        file.execute("UPDATE commands SET digest = ?, body = ? WHERE command_id = 'cmd_open'", former)
    file.close()
    async with running_fleet(tmp_path, store="sqlite") as fleet:
        again = await fleet.ask(opened, "cmd_open")
        assert (again.text, again.position, again.repeated) == (first.text, first.position, True)
        other = await fleet.ask(opened.model_copy(update={FIELD: True}), "cmd_open")
        assert b"command_id_reused" in other.text


@pytest.mark.parametrize(
    ("kept", "same"),
    [
        (body_of(OpenSession(projects=("shop",))), True),
        (without(body_of(OpenSession(projects=("shop",))), FIELD), True),
        (without(body_of(OpenSession(projects=("shop",), takes_pushed=True)), "name"), False),
        (without(body_of(OpenSession(projects=("shop",))), "projects"), False),
        (body_of(ClaimTask(project="shop", session="s", incarnation=1)), False),
        (b"", False),
    ],
)
def test_only_fields_that_came_since_may_be_missing(kept: bytes, same: bool) -> None:
    assert is_the_same(kept, OpenSession(projects=("shop",))) is same
