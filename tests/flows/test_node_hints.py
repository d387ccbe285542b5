"""What a node remembers beside the log stays true when the store breaks or projects hand out the same numbers."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.composition.commands import HeartbeatDesk
from api.ports import Heard, ProjectToken, ServiceFault
from domain.kernel.ids import PrincipalId, StreamId
from domain.principal.allow import Principal
from domain.session.commands import OpenSession
from domain.session.events import SessionAttemptEnded
from domain.task.commands import CancelTask, ClaimTask, CompleteTask
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import StoreUnavailable
from infrastructure.log.postgres import PostgresLog
from infrastructure.runtime import log_thread
from infrastructure.runtime.heartbeat import LeaseDesk
from infrastructure.runtime.session_waiting import SessionRoom
from tests.support.running_node import Fleet, answer, running_fleet
from tests.support.waiting import SECONDS_MAX, soon


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


async def test_a_beat_asks_a_shared_store_once_before_and_once_behind_its_renewal_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    asked: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        work = getattr(PostgresLog, name)

        def count(*given: Any, **named: Any) -> Any:
            if threading.current_thread().name.startswith("leases"):
                asked.append(name)
            return work(*given, **named)

        return count

    async with running_fleet(tmp_path, postgres_url) as fleet:
        await fleet.plan(1)
        session = await fleet.session()
        claimed = answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)))
        who = Principal(PrincipalId("key_fleet"), "worker", None, human=False)
        named = (ProjectToken("shop", str(claimed["token"])),)
        for name in ("renew", "events_of_many", "base_states", "keys", "lease"):
            monkeypatch.setattr(PostgresLog, name, counted(name))
        beat = fleet.services.heartbeats.beat
        await beat(who, session, 1, named)
        assert asked == ["renew", *["events_of_many"] * 2], "behind the renewal, and once more behind the first report"
        asked.clear()
        heard = await beat(who, session, 1, named)
        assert isinstance(heard, Heard)
        assert [one.token for one in heard.held] == [claimed["token"]]
        assert asked == ["renew", "events_of_many"], "whose it is was known"
        asked.clear()
        await beat(who, session, 1, named, counts_mail=True)
        assert asked == ["renew", *["events_of_many"] * 2], "and its inbox"
    async with running_fleet(tmp_path, postgres_url) as fleet:
        asked.clear()
        await fleet.services.heartbeats.beat(who, session, 1, named)
        assert asked == ["events_of_many", "renew", "events_of_many"], "a node that has never seen it"


async def test_news_that_come_while_it_is_read_how_the_session_stands_wake_the_beat() -> None:
    room = SessionRoom()
    news = SessionAttemptEnded(project="proj_1", token=1, outcome="cancelled")
    with room.entered("sess_1") as woken, room.entered("sess_2") as other:
        room.committed([(StreamId("sess_1"), 2, news, "fleet")], 7)
        await soon(room.wait(woken, seconds=2 * SECONDS_MAX))
        assert not other.is_set()
    assert len(room) == 0


async def test_news_that_come_behind_the_first_reading_of_a_session_wake_its_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[bool] = []
    wait, resolved = SessionRoom.wait, HeartbeatDesk._resolved

    async def waited(room: SessionRoom, event: asyncio.Event, *, seconds: float) -> None:
        woken.append(event.is_set())
        await wait(room, event, seconds=seconds)

    async with running_fleet(tmp_path) as fleet:
        await fleet.plan(1)
        session = await fleet.session()

        async def claims_meanwhile(desk: HeartbeatDesk, tokens: Any) -> Any:
            await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1))
            return await resolved(desk, tokens)

        monkeypatch.setattr(SessionRoom, "wait", waited)
        monkeypatch.setattr(HeartbeatDesk, "_resolved", claims_meanwhile)
        monkeypatch.setattr(HeartbeatDesk, "_remembered", lambda *_: None)
        who = Principal(PrincipalId("key_fleet"), "worker", None, human=False)
        heard = await fleet.services.heartbeats.beat(who, session, 1, (), wait_seconds=1.0)
        assert isinstance(heard, Heard)
        assert len(heard.pushed) == 1
    assert woken == [True]
