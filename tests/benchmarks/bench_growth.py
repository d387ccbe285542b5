"""What a long history costs: commits, claims, start and memory beside 10^3 to 10^5 events (10^6 by ``--long``)."""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from shutil import rmtree
from typing import Any

import uvloop

from api.ports import Services
from domain.kernel.ids import FLEET, Instant, ProjectId, StreamId, derived_id, with_prefix
from domain.kernel.message import Event
from domain.kernel.values import ScopeClaim
from domain.kernel.work import RetryRule
from domain.lock.events import LocksGranted, LocksReleased
from domain.session.events import SessionAttemptEnded, SessionAttemptStarted, SessionEnded, SessionOpened
from domain.task.commands import ClaimTask, CompleteTask, ReportProgress
from domain.task.events import TaskClaimed, TaskCompleted, TaskPlanned, TaskReadied, TaskStarted
from infrastructure.log.mapper import new_event
from infrastructure.log.port import Appended, Log, Member, NewEvent, StoredSnapshot
from infrastructure.log.sqlite import SqliteLog
from infrastructure.runtime.interpreter import tune
from infrastructure.runtime.reactor import CHECKPOINT_KIND, CHECKPOINT_STREAM
from tests.benchmarks.stores import fresh_folder
from tests.support.running_node import Fleet, answer, running_fleet

SIZES = (110, 1_100, 11_000)
LONG = 111_000
"""Settled tasks of nine events each: a million events in all."""
CLAIMS = 400
REPORTS = 400
FLAT = 1.2
"""A claim or commit may take so many times what it takes beside the shortest history."""
MEBIBYTES_MAX = 300
GROUP = 500
PROJECT = ProjectId("proj_" + "0" * 26)
LOCKS = with_prefix("locks", PROJECT)
SESSION = StreamId("sess_" + "0" * 26)
AT = Instant(1_700_000_000_000_000)
TASK_MICROSECONDS = 2_000_000
"""Between two tasks: 16,000 events an hour."""
EVENTS_A_TASK = 9


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    options.add_argument("--tasks", default=",".join(map(str, SIZES)))
    options.add_argument("--long", action="store_true", help="the million events, too: some minutes")
    options.add_argument("--one", type=Path)
    chosen = options.parse_args(argv)
    if chosen.one:
        print(json.dumps(uvloop.run(measured(chosen.one))))
        return 0
    results: dict[str, Any] = {}
    sizes = [*map(int, chosen.tasks.split(",")), *([LONG] if chosen.long else [])]
    print(f"sqlite: durable (fsync on); limits: {FLAT}x the first line, {MEBIBYTES_MAX} MiB", flush=True)
    for tasks in sizes:
        folder = fresh_folder()
        with closing(SqliteLog(folder / "signalbox.db")) as log:
            seconds = write_history(log, tasks)
        # A process of its own, so that its memory and its start are those of a server.
        told = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.bench_growth", "--one", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
        found = json.loads(told.stdout.strip().splitlines()[-1])
        files = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
        results[str(tasks)] = {"written_seconds": seconds, "file_mebibytes": files, **found}
        show(tasks, results[str(tasks)], results[str(sizes[0])])
        rmtree(folder)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))
    return 0


def show(tasks: int, found: dict[str, float], shortest: dict[str, float]) -> None:
    """One length of history, beside the shortest one."""

    def beside(name: str, unit: str) -> str:
        return f"{found[name]:.2f} {unit} ({found[name] / shortest[name]:.2f}x)"

    print(
        f"  {tasks * EVENTS_A_TASK:>9,} events, {tasks:,} tasks, {found['file_mebibytes']:,.0f} MiB of files, ", end=""
    )
    print(f"written in {found['written_seconds']:.1f} s")
    for what in ("claim", "commit"):
        print(f"    {what} p50 {beside(f'{what}_p50_ms', 'ms')}, CPU {beside(f'{what}_cpu_ms', 'ms')}")
    print(f"    first start {found['first_start_seconds']:.1f} s (reads the log), ", end="")
    print(f"read models level {found['level_seconds']:.1f} s later, start again {found['start_seconds']:.1f} s")
    print(f"    memory {found['mebibytes']:.0f} MiB, at most {found['mebibytes_at_most']:.0f} MiB", flush=True)


def write_history(log: Log, tasks: int) -> float:
    """Settled tasks written straight to the log, each with everything that a claim and a completion leave behind."""
    began = time.perf_counter()
    history = History()
    log.append([history.opening()], now=AT)
    for start in range(0, tasks, GROUP):
        members = [history.life_of(number) for number in range(start, min(start + GROUP, tasks))]
        results = log.append(members, now=Instant(AT + start * TASK_MICROSECONDS))
        if not all(isinstance(result, Appended) for result in results):
            raise RuntimeError("the history was not taken as it is")
    # A server that lived through it would have looked behind its policies as it went.
    log.keep_snapshots([StoredSnapshot(CHECKPOINT_STREAM, log.head(), CHECKPOINT_KIND, b"{}")])
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
    """First start (reads the log), second start (from the checkpoint), claims and commits one after another, memory."""
    tune()
    began = time.perf_counter()
    async with running_fleet(folder, "sqlite") as fleet:
        found = {"first_start_seconds": time.perf_counter() - began}
        began = time.perf_counter()
        await until_level(fleet.services)
        found["level_seconds"] = time.perf_counter() - began
    began = time.perf_counter()
    async with running_fleet(folder, "sqlite") as fleet:
        found["start_seconds"] = time.perf_counter() - began
        await fleet.plan(CLAIMS, prefix="fresh")
        await until_level(fleet.services)
        found.update(await work(fleet))
        await until_level(fleet.services)
        found.update(memory())
    return found


async def work(fleet: Fleet) -> dict[str, float]:
    """Claims one after another, each completed but the last, and progress reports of that one."""
    session = await fleet.session()
    task = token = ""

    async def complete() -> None:
        if task:
            await fleet.ask(CompleteTask(project="shop", task=task, token=token))

    async def claim() -> None:
        nonlocal task, token
        told = answer(await fleet.ask(ClaimTask(project="shop", session=session, incarnation=1)))
        task, token = told["task"], told["token"]

    async def report() -> None:
        outcome = await fleet.ask(ReportProgress(project="shop", task=task, token=token, percent=50.0))
        assert outcome.ok, outcome.text

    return {**await timed("claim", CLAIMS, claim, before=complete), **await timed("commit", REPORTS, report)}


async def nothing() -> None:
    """No preparation."""


async def timed(
    name: str, times: int, step: Callable[[], Awaitable[None]], *, before: Callable[[], Awaitable[None]] = nothing
) -> dict[str, float]:
    """Median time of what is done again and again, and the processor time of this process for each."""
    taken: list[float] = []
    spent = 0.0
    for _ in range(times):
        await before()
        began, processor = time.perf_counter(), time.process_time()
        await step()
        taken.append(time.perf_counter() - began)
        spent += time.process_time() - processor
    return {f"{name}_p50_ms": statistics.median(taken) * 1_000, f"{name}_cpu_ms": spent / times * 1_000}


async def until_level(services: Services) -> None:
    """The projector has folded what lies in the log, so that only claims are measured."""
    for _ in range(12_000):
        if min(services.reads.positions().values()) >= services.events.head():
            return
        await asyncio.sleep(0.1)


def memory() -> dict[str, float]:
    """Resident memory of this process now, and the most that it ever was."""
    status = Path("/proc/self/status").read_text()
    names = {"mebibytes": "VmRSS:", "mebibytes_at_most": "VmHWM:"}
    return {name: int(status.partition(label)[2].split()[0]) / 1024 for name, label in names.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
