"""A node that starts again knows what it knew: ready work, what is due, keys, sessions, wherever it left off."""

import asyncio
from pathlib import Path

import pytest

from domain.task.commands import ApplyPlan, ClaimTask, CompleteTask, PlannedTask
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
        other = "y" if secret.endswith("x") else "x"
        assert fleet.services.principals.authenticate(secret[:-1] + other) is None


async def test_a_small_plan_is_taken_for_new_and_yet_changes_nothing_where_it_is_known(tmp_path: Path) -> None:
    async with running_fleet(tmp_path, "sqlite") as fleet:
        await fleet.plan(1)
    async with running_fleet(tmp_path, "sqlite") as fleet:
        known = ApplyPlan(project="shop", tasks=(PlannedTask(key="t0", title="work"),))
        more = ApplyPlan(project="shop", tasks=(*known.tasks, PlannedTask(key="t1", title="more")))
        session = await fleet.session(capacity=9)
        told = await asyncio.gather(fleet.ask(known), fleet.ask(more), fleet.ask(known))
        assert [(one["created"], one["unchanged"]) for one in map(answer, told)] == [(0, 1), (1, 1), (0, 1)]
        # Nothing of the tasks that were announced in vain is left to be offered.
        claims = [await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)) for _ in range(3)]
        assert {answer(one)["key"] for one in claims[:2]} == {"t0", "t1"}
        assert b'"code":"nothing_ready"' in claims[2].text
        assert b'"ready":0' in claims[2].text
