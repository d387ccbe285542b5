"""Whoever waits for work is woken by every commit that may end the wait, not only by a task that becomes ready."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from api.ports import Answered
from domain.kernel.ids import CommandId
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.commands import (
    AcquireLocks,
    AwaitLocks,
    BreakLocks,
    DowngradeLocks,
    QuarantineMember,
    ReleaseLocks,
    ReturnMember,
    SetPool,
    WithdrawLockRequest,
)
from domain.project.commands import FreezeProject, UnfreezeProject, UpdateProject
from domain.session.commands import EndSession
from domain.task.commands import ApplyPlan, ClaimTask, ClaimWork, CompleteTask, PlannedTask, ReassignTask
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Member, MemberResult
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.waiting import WaitingRoom
from tests.support.running_node import Fleet, answer, running_fleet
from tests.support.waiting import soon

Free = Callable[[], Awaitable[Any]]
Attempt = Callable[[], Awaitable[Outcome]]
WAITING: Final = CommandId("cmd_that_waits")


class Scene:
    """A session that holds something and another one that waits for a task beside it."""

    def __init__(self, fleet: Fleet, holder: str, worker: str) -> None:
        self.fleet = fleet
        self.holder = holder
        self.worker = worker

    def who(self, session: str) -> dict[str, Any]:
        return {"project": self.fleet.project, "session": session, "incarnation": 1}

    async def hold(self, claim: str, mode: LockMode = "exclusive", **fields: Any) -> dict[str, Any]:
        claims = (ScopeClaim(claim=claim, mode=mode),)
        return answer(await self.fleet.ask(AcquireLocks(**self.who(self.holder), claims=claims, **fields)))

    async def plan(self, *scope: ScopeClaim) -> None:
        await self.fleet.plan(1, scope=scope)

    async def waiting_claim(self) -> asyncio.Task[Answered]:
        """The worker's claim, which found nothing and waits."""
        command = ClaimWork(session=self.worker, incarnation=1)
        stamp = self.fleet.stamp(WAITING)
        assert b'"code":"nothing_ready"' in (await self.fleet.ask(command)).text
        looked = asyncio.Event()
        in_the_room = WaitingRoom.claim

        def told(room: WaitingRoom, projects: Sequence[str], attempt: Attempt, **fields: Any) -> Awaitable[Outcome]:
            async def attempted() -> Outcome:
                outcome = await attempt()
                looked.set()
                return outcome

            return in_the_room(room, projects, attempted, **fields)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WaitingRoom, "claim", told)
            claimed = asyncio.create_task(self.fleet.services.commands.claim(command, stamp, wait_seconds=60.0))
            await soon(looked.wait())
        # What it found is told; whoever is not served by that waits by now, without another turn of the loop.
        assert not claimed.done()
        return claimed


async def _released(scene: Scene) -> Free:
    token = (await scene.hold("path:r//hot"))["token"]
    await scene.plan(ScopeClaim(claim="path:r//hot"))
    return lambda: scene.fleet.ask(ReleaseLocks(**scene.who(scene.holder), token=token))


async def _completed(scene: Scene) -> Free:
    await scene.fleet.plan(2, scope=(ScopeClaim(claim="path:r//hot"),))
    claimed = answer(await scene.fleet.ask(ClaimTask(**scene.who(scene.holder))))
    return lambda: scene.fleet.ask(
        CompleteTask(project=scene.fleet.project, task=claimed["task"], token=claimed["token"])
    )


async def _holder_gone(scene: Scene) -> Free:
    # What is no path or worktree is free at once, without a delay.
    await scene.hold("name:hot")
    await scene.plan(ScopeClaim(claim="name:hot"))
    return lambda: scene.fleet.ask(EndSession(session=scene.holder, incarnation=1))


async def _broken(scene: Scene) -> Free:
    token = (await scene.hold("path:r//hot"))["token"]
    await scene.plan(ScopeClaim(claim="path:r//hot"))
    return lambda: scene.fleet.ask(BreakLocks(project=scene.fleet.project, token=token, reason="in the way"))


async def _downgraded(scene: Scene) -> Free:
    token = (await scene.hold("path:r//hot"))["token"]
    await scene.plan(ScopeClaim(claim="path:r//hot", mode="shared"))
    return lambda: scene.fleet.ask(DowngradeLocks(**scene.who(scene.holder), token=token))


async def _withdrawn(scene: Scene) -> Free:
    await scene.hold("path:r//hot", "shared")
    other = await scene.fleet.session()
    claims = (ScopeClaim(claim="path:r//hot"),)
    waiting = answer(await scene.fleet.ask(AcquireLocks(**scene.who(other), claims=claims, wait="queue")))
    await scene.plan(ScopeClaim(claim="path:r//hot", mode="shared"))
    return lambda: scene.fleet.ask(WithdrawLockRequest(**scene.who(other), request=waiting["request"]))


async def _pool_grown(scene: Scene) -> Free:
    await scene.fleet.ask(SetPool(project=scene.fleet.project, pool="gpu", count=0))
    await scene.plan(ScopeClaim(claim="pool:gpu"))
    return lambda: scene.fleet.ask(SetPool(project=scene.fleet.project, pool="gpu", count=1))


async def _member_returned(scene: Scene) -> Free:
    pool: dict[str, Any] = {"project": scene.fleet.project, "pool": "gpu"}
    await scene.fleet.ask(SetPool(**pool, count=1))
    assert (await scene.fleet.ask(QuarantineMember(**pool, member="1", reason="broken"))).ok
    await scene.plan(ScopeClaim(claim="pool:gpu"))
    return lambda: scene.fleet.ask(ReturnMember(**pool, member="1"))


async def _bound_raised(scene: Scene) -> Free:
    await scene.fleet.ask(UpdateProject(project=scene.fleet.project, running_max=1))
    await scene.fleet.plan(2)
    assert (await scene.fleet.ask(ClaimTask(**scene.who(scene.holder)))).ok
    return lambda: scene.fleet.ask(UpdateProject(project=scene.fleet.project, running_max=2))


async def _given_to_anybody(scene: Scene) -> Free:
    await scene.plan()
    assert (await scene.fleet.ask(ReassignTask(project=scene.fleet.project, task="t0", to=scene.holder))).ok
    return lambda: scene.fleet.ask(ReassignTask(project=scene.fleet.project, task="t0"))


async def _unfrozen(scene: Scene) -> Free:
    await scene.plan()
    assert (await scene.fleet.ask(FreezeProject(project=scene.fleet.project))).ok
    return lambda: scene.fleet.ask(UnfreezeProject(project=scene.fleet.project))


CASES = (
    _released,
    _completed,
    _holder_gone,
    _broken,
    _downgraded,
    _withdrawn,
    _pool_grown,
    _member_returned,
    _bound_raised,
    _given_to_anybody,
    _unfrozen,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.strip("_"))
async def test_a_waiting_claim_is_served_by_the_commit_that_frees_its_task(
    case: Callable[[Scene], Awaitable[Free]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only a wake counts here, not that waiters look again by themselves.
    monkeypatch.setattr(WaitingRoom.__init__, "__kwdefaults__", {"look_again_seconds": 3_600.0})
    async with running_fleet(tmp_path) as fleet:
        scene = Scene(fleet, await fleet.session(), await fleet.session())
        free = await case(scene)
        claimed = await scene.waiting_claim()
        await free()
        assert (await asyncio.wait_for(claimed, 50)).ok


async def test_a_waiter_claims_in_the_very_append_of_what_it_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appends: list[list[str]] = []
    append = MemoryLog.append

    def told(log: MemoryLog, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        appends.append([member.command_id for member in members])
        return append(log, members, now=now)

    monkeypatch.setattr(MemoryLog, "append", told)
    async with running_fleet(tmp_path) as fleet:
        scene = Scene(fleet, "", await fleet.session())
        claimed = await scene.waiting_claim()
        planned = await fleet.ask(ApplyPlan(project=fleet.project, tasks=(PlannedTask(key="one", title="work"),)))
        assert planned.ok
        assert (await asyncio.wait_for(claimed, 50)).ok
    group = [group for group in appends if WAITING in group][-1]
    assert len(group) > 1


async def test_whoever_waits_for_a_lock_is_answered_by_the_very_append_that_grants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appends: list[list[str]] = []
    append = MemoryLog.append

    def told(log: MemoryLog, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        appends.append([member.command_id for member in members])
        return append(log, members, now=now)

    async with running_fleet(tmp_path) as fleet:
        scene = Scene(fleet, await fleet.session(), await fleet.session())
        token = (await scene.hold("path:r//hot"))["token"]
        claims = (ScopeClaim(claim="path:r//hot"),)
        queued = answer(await fleet.ask(AcquireLocks(**scene.who(scene.worker), claims=claims, wait="queue")))
        stamp = fleet.stamp(WAITING)
        command = AwaitLocks(**scene.who(scene.worker), request=queued["request"])
        waits = asyncio.create_task(fleet.services.commands.claim(command, stamp, wait_seconds=60.0))
        await asyncio.sleep(0)  # it has asked its node, and is in the room
        monkeypatch.setattr(MemoryLog, "append", told)
        await fleet.ask(ReleaseLocks(**scene.who(scene.holder), token=token), "cmd_released")
        outcome = await soon(waits)
        assert isinstance(outcome, Outcome)
        assert answer(outcome)["outcome"] == "granted"
    assert [group[:2] for group in appends if WAITING in group] == [["cmd_released", WAITING]]


async def test_who_waits_is_not_served_with_what_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[int] = []
    append = MemoryLog.append

    def breaks(log: MemoryLog, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        if any(member.command_id == "cmd_that_falls" for member in members) and not broken:
            broken.append(len(members))
            raise RuntimeError("the log is broken")
        return append(log, members, now=now)

    monkeypatch.setattr(MemoryLog, "append", breaks)
    async with running_fleet(tmp_path) as fleet:
        scene = Scene(fleet, "", await fleet.session())
        claimed = await scene.waiting_claim()
        plan = ApplyPlan(project=fleet.project, tasks=(PlannedTask(key="one", title="work"),))
        with pytest.raises(RuntimeError):
            await fleet.ask(plan, "cmd_that_falls")
        # Its claim was in the group: nothing of that is in the log, so it is asked again and served once.
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(claimed, 50)
        assert b'"code":"nothing_ready"' in (await fleet.ask(ClaimWork(session=scene.worker, incarnation=1))).text
        assert (await fleet.ask(plan, "cmd_that_falls")).ok
        assert (await fleet.ask(ClaimWork(session=scene.worker, incarnation=1), WAITING)).ok
    assert broken == [2]
