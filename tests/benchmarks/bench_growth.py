"""What a long history costs: claims, start and memory beside 1,000 to 100,000 settled tasks (more on demand)."""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from api.ports import Services
from domain.kernel.ids import FLEET, Instant, ProjectId, StreamId, derived_id, with_prefix
from domain.kernel.message import Event
from domain.kernel.values import ScopeClaim
from domain.kernel.work import RetryRule
from domain.lock.events import LocksGranted, LocksReleased
from domain.session.events import SessionAttemptEnded, SessionAttemptStarted, SessionEnded, SessionOpened
from domain.task.commands import ClaimTask, CompleteTask
from domain.task.events import TaskClaimed, TaskCompleted, TaskPlanned, TaskReadied, TaskStarted
from infrastructure.log.mapper import new_event
from infrastructure.log.port import Appended, Member, NewEvent
from infrastructure.log.sqlite import SqliteLog
from infrastructure.runtime.interpreter import tune
from tests.benchmarks.stores import fresh_folder
from tests.support.running_node import answer, running_fleet

SIZES = (1_000, 10_000, 100_000)
CLAIMS = 400
GROUP = 500
PROJECT = ProjectId("proj_" + "0" * 26)
LOCKS = with_prefix("locks", PROJECT)
SESSION = StreamId("sess_" + "0" * 26)
AT = Instant(1_700_000_000_000_000)
EVENTS_A_TASK = 9


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    options.add_argument("--tasks", default=",".join(map(str, SIZES)))
    options.add_argument("--one", type=Path)
    chosen = options.parse_args(argv)
    if chosen.one:
        print(json.dumps(uvloop.run(measured(chosen.one))))
        return 0
    results: dict[str, Any] = {}
    for tasks in map(int, chosen.tasks.split(",")):
        folder = fresh_folder()
        seconds = write_history(folder, tasks)
        # A process of its own, so that its memory and its start are those of a server.
        told = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.bench_growth", "--one", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
        found = json.loads(told.stdout.strip().splitlines()[-1])
        results[str(tasks)] = {"written_seconds": seconds, **found}
        print(
            f"  {tasks:>9,} tasks, {tasks * EVENTS_A_TASK:,} events in history: "
            f"claim p50 {found['claim_p50_ms']:.2f} ms, first start {found['first_start_seconds']:.1f} s, "
            f"start again {found['start_seconds']:.1f} s, memory {found['mebibytes']:.0f} MiB (300 at 10^6 events)"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))
    return 0


def write_history(folder: Path, tasks: int) -> float:
    """Settled tasks written straight to the log, each with everything that a claim and a completion leave behind."""
    began = time.perf_counter()
    log = SqliteLog(folder / "signalbox.db")
    history = History()
    try:
        log.append([history.opening()], now=log.now())
        for start in range(0, tasks, GROUP):
            members = [history.life_of(number) for number in range(start, min(start + GROUP, tasks))]
            results = log.append(members, now=log.now())
            if not all(isinstance(result, Appended) for result in results):
                raise RuntimeError("the history was not taken as it is")
    finally:
        log.close()
    return time.perf_counter() - began


class History:
    """What one session did for years, as the events of its streams."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}

    def opening(self) -> Member:
        """The session that did it all; it has ended since."""
        opened = SessionOpened(
            incarnation=1, projects=(PROJECT,), name="", tool="shell", model="", host="", capabilities={},
            capacity=1, ttl_seconds=60, owner="key_bench", at=AT,
        )  # fmt: skip
        return self._member("opening", ((SESSION, opened), (SESSION, SessionEnded(incarnation=1, at=AT))))

    def life_of(self, number: int) -> Member:
        """A task from its plan to its completion."""
        task = derived_id("task", Instant(1_700_000_000_000_000 + number), ("history", str(number)))
        token = (1 << 40) + number + 1
        scope = (ScopeClaim(claim=f"path:repo//src/file_{number}.py"),)
        planned = TaskPlanned(
            project=PROJECT, key=f"h{number}", title="history", body="", kind="code", priority=0, needs=(),
            scope=scope, requires=(), retry=RetryRule(), timeout_seconds=None, run=None, path_length=1, at=AT,
        )  # fmt: skip
        granted = LocksGranted(token=token, session=SESSION, incarnation=1, task=task, claims=scope, purpose="", at=AT)
        started = SessionAttemptStarted(project=PROJECT, task=task, token=token)
        ended = SessionAttemptEnded(project=PROJECT, token=token, outcome="completed")
        events: tuple[tuple[StreamId, Event], ...] = (
            (task, planned),
            (task, TaskReadied(reason="planned", at=AT)),
            (LOCKS, granted),
            (task, TaskClaimed(session=SESSION, incarnation=1, token=token, attempt=1, strategy="priority", at=AT)),
            (SESSION, started),
            (task, TaskStarted(token=token, at=AT)),
            (task, TaskCompleted(token=token, summary="", artifacts=(), usage=None, at=AT)),
            (SESSION, ended),
            (LOCKS, LocksReleased(token=token, reason="completed", at=AT)),
        )
        return self._member(str(number), events)

    def _member(self, name: str, events: tuple[tuple[StreamId, Event], ...]) -> Member:
        reads = {stream: self._versions.get(stream, 0) for stream, _ in events}
        rows: list[NewEvent] = []
        for stream, event in events:
            version = self._versions[stream] = self._versions.get(stream, 0) + 1
            rows.append(new_event(stream, version, event, FLEET if stream == SESSION else PROJECT))
        for stream in reads:
            if stream not in (SESSION, LOCKS):
                del self._versions[stream]  # nobody comes back to a task
        return Member(
            command_id=f"cmd_history_{name}",
            project=PROJECT,
            principal="bench",
            time=1,
            correlation_id="bench",
            causation_id=None,
            traceparent=None,
            digest=b"",
            body=b"",
            outcome=b"{}",
            reads=tuple(reads.items()),
            events=tuple(rows),
        )


async def measured(folder: Path) -> dict[str, float]:
    """First start (reads the log), second start (from the checkpoint), claims one after another, memory."""
    tune()
    began = time.perf_counter()
    async with running_fleet(folder, "sqlite"):
        first = time.perf_counter() - began
    began = time.perf_counter()
    async with running_fleet(folder, "sqlite") as fleet:
        started = time.perf_counter() - began
        await until_level(fleet.services)
        await fleet.plan(CLAIMS, prefix="fresh")
        session = await fleet.session()
        taken: list[float] = []
        for _ in range(CLAIMS):
            before = time.perf_counter()
            task = answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)))
            taken.append(time.perf_counter() - before)
            await fleet.ask(CompleteTask(project="shop", task=task["task"], token=task["token"]))
        taken.sort()
        return {
            "claim_p50_ms": taken[len(taken) // 2] * 1_000,
            "first_start_seconds": first,
            "start_seconds": started,
            "mebibytes": resident_mebibytes(),
        }


async def until_level(services: Services) -> None:
    """The projector has folded what lies in the log, so that only claims are measured."""
    for _ in range(6_000):
        if min(services.reads.positions().values()) >= services.events.head():
            return
        await asyncio.sleep(0.1)


def resident_mebibytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
