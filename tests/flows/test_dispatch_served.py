"""Windows, pushes and reservations on a running node: who waits is served, and each task has one owner."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from api.ports import Heard, ProjectToken
from domain.kernel.ids import FLEET, SECOND, CommandId, PrincipalId
from domain.kernel.message import Command, Stamp
from domain.kernel.values import ScopeClaim
from domain.principal.allow import Principal
from domain.project.commands import UpdateProject
from domain.session.commands import OpenSession
from domain.task.commands import (
    ApplyPlan,
    AssignTask,
    BidForTask,
    CancelTask,
    ClaimTask,
    ClaimTasks,
    ClaimWork,
    CompleteTask,
    PlannedTask,
    ReportProgress,
)
from domain.task.events import TaskClaimed
from infrastructure.log.memory import MemoryLog
from infrastructure.runtime.outcome import Outcome
from tests.support.running_node import Fleet, answer, running_fleet
from tests.support.waiting import soon

WAIT_SECONDS = 30.0
WHO = Principal(PrincipalId("key_fleet"), "worker", None, human=False)
_NUMBERS = itertools.count()


async def waiting(fleet: Fleet, command: Command) -> Outcome:
    """A claim that waits for work."""
    identifier = CommandId(f"cmd_waiting_{next(_NUMBERS)}")
    stamp = Stamp(
        command_id=identifier,
        project=fleet.project_id if command.NAME != "claim_work" else FLEET,
        principal=PrincipalId("key_fleet"),
        time=fleet.services.clock.now(),
        correlation_id=identifier,
    )
    outcome = await fleet.services.commands.claim(command, stamp, wait_seconds=WAIT_SECONDS)
    assert isinstance(outcome, Outcome)
    return outcome


async def set_strategy(fleet: Fleet, strategy: Any, milliseconds: int = 50) -> None:
    changed = UpdateProject(project="shop", strategy=strategy, window_milliseconds=milliseconds)
    assert (await fleet.ask(changed)).ok


async def claims_of(fleet: Fleet) -> list[TaskClaimed]:
    page = await fleet.services.events.page(after=0, limit=2_000)
    return [one.event for one in page if isinstance(one.event, TaskClaimed)]


def a_claim(session: str) -> ClaimTask:
    return ClaimTask(project="shop", session=session, incarnation=1)


@pytest.mark.parametrize("strategy", ["optimal", "auction"])
async def test_whoever_waits_is_served_by_the_window_and_no_task_twice(tmp_path: Path, strategy: str) -> None:
    async with running_fleet(tmp_path) as fleet:
        await set_strategy(fleet, strategy)
        sessions = [await fleet.session() for _ in range(5)]
        forms: list[Command] = [
            *(a_claim(session) for session in sessions[:3]),
            ClaimTasks(project="shop", session=sessions[3], incarnation=1),
            ClaimWork(session=sessions[4], incarnation=1),
        ]
        asked = [asyncio.create_task(waiting(fleet, form)) for form in forms]
        await fleet.plan(5)
        told = [answer(await one) for one in asked]
        assert len(told) == 5
        claims = await claims_of(fleet)
        assert {claim.session for claim in claims} == set(sessions)
        assert {claim.strategy for claim in claims} == {strategy}


async def test_a_claim_that_does_not_wait_is_weighed_by_its_window_all_the_same(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        await set_strategy(fleet, "optimal", 500)
        session = await fleet.session()
        await fleet.plan(1)
        assert answer(await fleet.ask(a_claim(session)))["key"] == "t0"
        assert [claim.strategy for claim in await claims_of(fleet)] == ["optimal"]


async def test_the_best_bid_gets_the_task_of_a_running_auction(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        # Long enough for the bids to be there, however slow the machine is.
        await set_strategy(fleet, "auction", 5_000)
        dear, cheap = await fleet.session(), await fleet.session()
        asked = [asyncio.create_task(waiting(fleet, a_claim(one))) for one in (dear, cheap)]
        await fleet.plan(1)
        for session, cost in ((dear, 900_000), (cheap, 10)):
            bid = BidForTask(
                project="shop",
                session=session,
                incarnation=1,
                task="t0",
                cost_microdollars=cost,
                confidence_percent=90,
            )
            assert (await fleet.ask(bid)).ok
        assert answer(await asked[1])["key"] == "t0"
        asked[0].cancel()
        (claim,) = await claims_of(fleet)
        assert claim.choice is not None
        assert [loser.session for loser in claim.choice.losers] == [dear]


async def listening(fleet: Fleet) -> str:
    opened = await fleet.ask(OpenSession(projects=("shop",), takes_pushed=True))
    return str(answer(opened)["session"])


async def beat(fleet: Fleet, session: str, *tokens: str) -> Heard:
    named = tuple(ProjectToken("shop", token) for token in tokens)
    heard = await fleet.services.heartbeats.beat(WHO, session, 1, named, wait_seconds=WAIT_SECONDS)
    assert isinstance(heard, Heard)
    return heard


async def test_work_is_given_to_a_session_that_listens_as_soon_as_it_is_there(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        session = await listening(fleet)
        hearing = asyncio.create_task(beat(fleet, session))
        await fleet.plan(2)
        (pushed,) = (await hearing).pushed
        told = answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1, task=pushed.task)))
        assert told["token"] == pushed.token
        assert (await claims_of(fleet))[0].strategy == "priority"
        following = asyncio.create_task(beat(fleet, session, pushed.token))
        done = CompleteTask(project="shop", task=pushed.task, token=pushed.token)
        assert (await fleet.ask(done)).ok
        heard = await following
        while not heard.pushed:
            heard = await beat(fleet, session)
        assert heard.pushed[0].task != pushed.task


async def test_a_person_gives_a_task_to_a_session(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        await fleet.plan(1)
        deaf = await fleet.session()
        refusal = await fleet.ask(AssignTask(project="shop", task="t0", session=deaf))
        assert b"pushed_work_declined" in refusal.text
        session = await listening(fleet)
        outcome = await fleet.ask(AssignTask(project="shop", task="t0", session=session))
        # The dispatcher may have been before; either way it is the session's, and asked again it is told the same.
        assert answer(outcome)["session"] == session
        assert [one.token for one in (await beat(fleet, session)).pushed] == [answer(outcome)["token"]]


async def test_a_task_that_starves_queues_for_its_locks_and_goes_to_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_fleet(tmp_path) as fleet:
        one, two = [
            str(answer(await fleet.ask(OpenSession(projects=("shop",), ttl_seconds=3_600)))["session"])
            for _ in range(2)
        ]
        scopes = {"light": "path:shop//src/a", "heavy": "path:shop//src/**"}
        tasks = tuple(
            PlannedTask(key=key, title=key, scope=(ScopeClaim(claim=claim),), priority=9 if key == "light" else 0)
            for key, claim in scopes.items()
        )
        assert (await fleet.ask(ApplyPlan(project="shop", tasks=tasks))).ok
        light = answer(await fleet.ask(a_claim(one)))
        begun = ReportProgress(project="shop", task="light", token=light["token"], note="begun")
        assert (await fleet.ask(begun)).ok
        now = MemoryLog.now
        monkeypatch.setattr(MemoryLog, "now", lambda log: now(log) + 40 * SECOND)
        for _ in range(600):
            if "locks_queued" in await reasons(fleet, "heavy"):
                break
            await asyncio.sleep(0.1)
        asked = asyncio.create_task(waiting(fleet, a_claim(two)))
        assert (await fleet.ask(CompleteTask(project="shop", task="light", token=light["token"]))).ok
        assert answer(await asked)["key"] == "heavy"
        assert (await claims_of(fleet))[-1].strategy == "reservation"


async def reasons(fleet: Fleet, task: str) -> set[str]:
    told: Any = await fleet.services.explains.task(fleet.project_id, task)
    return {reason.code for reason in told.reasons}


async def test_a_heartbeat_that_waits_is_told_of_a_cancel_while_its_grace_runs(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        session = await fleet.session()
        await fleet.plan(1)
        token = answer(await fleet.ask(a_claim(session)))["token"]
        hearing = asyncio.create_task(beat(fleet, session, token))
        for _ in range(600):
            if "worked_on" in await reasons(fleet, "t0"):
                break
            await asyncio.sleep(0.1)
        cancelled = CancelTask(project="shop", task="t0", reason="not wanted", grace_seconds=3_600)
        assert (await fleet.ask(cancelled)).ok
        (told,) = (await soon(hearing, seconds=20)).held
        assert told.revoked_seconds
        # Whoever lost that answer is told again soon, whatever it is ready to wait.
        (again,) = (await soon(beat(fleet, session, token), seconds=20)).held
        assert (again.revoked_seconds is not None, again.reason) == (True, "not wanted")
