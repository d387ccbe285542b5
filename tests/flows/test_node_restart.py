"""A node that starts again knows what it knew: ready work, what is due, keys, sessions, wherever it left off."""

from pathlib import Path

import pytest

from domain.task.commands import ClaimTask, CompleteTask
from infrastructure.runtime import hints_checkpoint
from tests.support.running_node import Fleet, answer, running_fleet


async def claimed(fleet: Fleet, session: str) -> dict[str, str]:
    return answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)))


async def test_ready_work_is_offered_after_a_restart(tmp_path: Path) -> None:
    async with running_fleet(tmp_path, "sqlite") as fleet:
        await fleet.plan(3)
        session = await fleet.session(capacity=3)
        first = await claimed(fleet, session)
        await fleet.ask(CompleteTask(project="shop", task=first["task"], token=first["token"]))
    async with running_fleet(tmp_path, "sqlite") as fleet:
        others = [await claimed(fleet, session) for _ in range(2)]
        assert {first["key"], *(one["key"] for one in others)} == {"t0", "t1", "t2"}
        assert not (await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1))).ok


async def test_an_unreadable_checkpoint_costs_a_read_of_the_log_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_fleet(tmp_path, "sqlite") as fleet:
        await fleet.plan(2)
        session = await fleet.session(capacity=2)
    monkeypatch.setattr(hints_checkpoint, "KIND", "hints.of_tomorrow")
    async with running_fleet(tmp_path, "sqlite") as fleet:
        assert (await claimed(fleet, session))["key"] in {"t0", "t1"}


async def test_the_owner_is_known_after_a_restart(tmp_path: Path) -> None:
    async with running_fleet(tmp_path, "sqlite"):
        pass
    secret = (tmp_path / "local.key").read_text().strip()
    async with running_fleet(tmp_path, "sqlite") as fleet:
        known = fleet.services.principals.authenticate(secret)
        assert known is not None
        assert known.role == "owner"
        assert fleet.services.principals.authenticate(secret[:-1] + "x") is None
