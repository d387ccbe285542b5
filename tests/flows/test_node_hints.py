"""What a node remembers beside the log stays true when the store breaks or projects hand out the same numbers."""

from pathlib import Path
from typing import Any

import pytest

from api.ports import Heard, ProjectToken, ServiceFault
from domain.kernel.ids import PrincipalId
from domain.principal.allow import Principal
from domain.session.commands import OpenSession
from domain.task.commands import CancelTask, ClaimTask, CompleteTask
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import StoreUnavailable
from infrastructure.runtime import log_thread
from infrastructure.runtime.heartbeat import LeaseDesk
from tests.support.running_node import Fleet, answer, running_fleet


async def test_a_plan_that_never_came_into_the_log_hides_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_fleet(tmp_path) as fleet:
        session = await fleet.session()
        monkeypatch.setattr(log_thread, "UNAVAILABLE_SECONDS_MAX", 0.0)
        with monkeypatch.context() as broken:
            broken.setattr(MemoryLog, "append", _away)
            with pytest.raises(ServiceFault):
                await fleet.plan(300)
        await fleet.plan(1, prefix="real")
        claimed = await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1))
        assert answer(claimed)["key"] == "real0"


def _away(*_: Any, **__: Any) -> None:
    raise StoreUnavailable("the disk is full")


async def test_a_beat_acknowledges_the_same_number_in_every_project(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        other = Fleet(fleet.services, "mill")
        await other.begin()
        await fleet.plan(1)
        await other.plan(1)
        opened = answer(await fleet.ask(OpenSession(projects=("shop", "mill"), capacity=2)))
        session = str(opened["session"])
        who = Principal(PrincipalId("key_fleet"), "worker", None, human=False)
        first = answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)))
        await fleet.services.heartbeats.beat(who, session, 1, (ProjectToken("shop", first["token"]),))
        second = answer(await other.ask(ClaimTask(project="mill", session=session, incarnation=1)))
        assert first["token"] == second["token"]
        heard = await fleet.services.heartbeats.beat(who, session, 1, (ProjectToken("mill", second["token"]),))
        assert isinstance(heard, Heard)
        both = sorted((fleet.project_id, other.project_id))
        assert [(one.project, one.token) for one in heard.held] == [(one, first["token"]) for one in both]
        page = await fleet.services.events.page(after=0, limit=1_000)
        started = [one.project for one in page if one.event.TYPE == "task.started.v1"]
        assert started == [fleet.project_id, other.project_id]


async def test_a_revoked_token_does_not_hide_behind_the_same_number_of_another_project(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        other = Fleet(fleet.services, "mill")
        await other.begin()
        await fleet.plan(1)
        await other.plan(1)
        session = str(answer(await fleet.ask(OpenSession(projects=("shop", "mill"), capacity=2)))["session"])
        who = Principal(PrincipalId("key_fleet"), "worker", None, human=False)
        first = answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)))
        second = answer(await other.ask(ClaimTask(project="mill", session=session, incarnation=1)))
        token = str(first["token"])
        assert token == second["token"]
        await fleet.ask(CompleteTask(project="shop", task=first["task"], token=token))
        named = (ProjectToken("shop", token), ProjectToken(other.project_id, token), ProjectToken("nowhere", token))
        heard = await fleet.services.heartbeats.beat(who, session, 1, named)
        assert isinstance(heard, Heard)
        assert [(one.project, one.token) for one in heard.held] == [(other.project_id, token)]
        assert heard.revoked == (named[0], named[2])


@pytest.mark.parametrize("beats_before", [0, 1])
async def test_a_beat_does_not_confirm_what_is_taken_back_while_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beats_before: int
) -> None:
    renew = LeaseDesk.renew
    async with running_fleet(tmp_path) as fleet:
        await fleet.plan(1)
        session = await fleet.session()
        claimed = answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)))

        async def meanwhile(desk: LeaseDesk, session: str, incarnation: int) -> int | None:
            found = await renew(desk, session, incarnation)
            await fleet.ask(CancelTask(project="shop", task=claimed["task"], grace_seconds=0))
            return found

        who = Principal(PrincipalId("key_fleet"), "worker", None, human=False)
        named = (ProjectToken("shop", str(claimed["token"])),)
        for _ in range(beats_before):
            await fleet.services.heartbeats.beat(who, session, 1, named)
        monkeypatch.setattr(LeaseDesk, "renew", meanwhile)
        heard = await fleet.services.heartbeats.beat(who, session, 1, named)
        assert isinstance(heard, Heard)
        assert (heard.held, heard.revoked) == ((), named)
