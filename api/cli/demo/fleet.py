"""The fleet at work: workers are started, some are killed at a step that matters, and the log is read meanwhile."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from api.cli.demo.figures import Chronicle
from api.cli.demo.processes import ProcessFailedError, Server, Worker, end, record_of, tail_of
from api.cli.demo.repository import make_clone
from api.cli.exits import Exit
from signalbox.client.asks import events
from signalbox.client.fields import Fields
from signalbox.client.synchronous import Client

CRASH_STEPS: Final = ("committed", "pushed", "edited")
"""Where a crash hurts: work committed and not pushed, pushed and not reported, edited and not committed."""
CRASH_WAIT_SECONDS_MAX: Final = 20.0
CRASH_SHARE: Final = 0.7
"""The crashes are spread over so much of the work, so that what they leave is taken up while others still work."""
POLL_SECONDS: Final = 0.2
TOLD_SECONDS: Final = 5.0
AGAIN: Final = "-again"
"""Ends the name of a worker that replaces a killed one."""


def read_log(client: Client, chronicle: Chronicle, after: int) -> int:
    """Absorb everything behind a position; returns the one that was reached."""
    while True:
        page = client.ask(events(after=after))
        for recorded in page.events:
            chronicle.absorb(recorded)
        if not page.events:
            return after
        after = max(after, page.position)


@dataclass(frozen=True, slots=True)
class Crash:
    """One worker that was killed."""

    worker: str
    step: str
    """Task and step that it had noted last."""
    completed: int
    """Tasks completed by then."""
    replaced: bool
    lost: tuple[str, ...] = ()
    """Tasks that the server took back with its session; empty until that was read, or if it held nothing."""


@dataclass(slots=True)
class Fleet:
    """Workers of one project on clones of one repository."""

    server: Server
    client: Client
    project: str
    bare: Path
    tasks: int
    kills: int
    tell: Callable[[str], None]
    workers: list[Worker] = field(default_factory=list[Worker])
    crashes: list[Crash] = field(default_factory=list[Crash])
    chronicle: Chronicle = field(default_factory=Chronicle)
    _position: int = 0

    def start(self, workers: int) -> None:
        """Clone once for each, then start all at once."""
        names = [f"worker-{number}" for number in range(1, workers + 1)]
        for name in names:
            make_clone(self.bare, self._folder / name)
        for name in names:
            self._hire(name, clone=name)

    def work(self, seconds_max: float) -> None:
        """Until every worker has ended by itself. Raises ProcessFailedError when time is up or the server is gone."""
        began_at = told_at = time.monotonic()
        while any(worker.process.poll() is None for worker in self.workers):
            self.read_log()
            self._crash_when_due()
            now = time.monotonic()
            if now - began_at > seconds_max:
                raise ProcessFailedError(f"the work was not done within {seconds_max:g} s: {self._where()}")
            if self.server.process.poll() is not None:
                raise ProcessFailedError(f"the server ended: {tail_of(self.server.log)}")
            if now - told_at >= TOLD_SECONDS:
                told_at = now
                self.tell(f"{now - began_at:5.0f} s  {self._where()}")
            time.sleep(POLL_SECONDS)
        self.read_log()
        self.crashes = [replace(crash, lost=self.chronicle.lost_with(crash.worker)) for crash in self.crashes]

    def read_log(self) -> None:
        """Take in what the log has got since."""
        self._position = read_log(self.client, self.chronicle, self._position)

    def failures(self) -> list[str]:
        """Workers that ended otherwise than they should, the killed ones aside."""
        killed = {crash.worker for crash in self.crashes}
        return [
            f"{worker.name} ended with code {worker.process.returncode}: {tail_of(worker.log).splitlines()[-1]}"
            for worker in self.workers
            # That a task failed in the end is judged with the tasks.
            if worker.name not in killed and worker.process.returncode not in (Exit.OK, Exit.IN_VAIN)
        ]

    def steps(self, phase: str) -> list[Fields]:
        """Everything of that kind which the attempts of all workers noted."""
        return [step for worker in self.workers for step in worker.steps() if step.get("phase") == phase]

    def stop(self) -> None:
        """Nothing that was started here stays behind."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.terminate()
        for worker in self.workers:
            end(worker.process)

    @property
    def _folder(self) -> Path:
        return self.bare.parent

    def _hire(self, name: str, *, clone: str) -> None:
        agent, record = Path(__file__).with_name("agent.py"), record_of(self._folder, name)
        command = [sys.executable, "-I", "-S", str(agent), str(self._folder / clone), str(record)]
        self.workers.append(Worker.start(name, command, self._folder, self.server.endpoint, self.project))

    def _where(self) -> str:
        chronicle = self.chronicle
        done, attempts = len(chronicle.completions), len(chronicle.spans)
        running = sum(span.ended is None for span in chronicle.spans.values())
        return f"{done} of {self.tasks} tasks completed, {running} at work, {attempts} attempts"

    def _crash_when_due(self) -> None:
        number = len(self.crashes)
        done = len(self.chronicle.completions)
        if number >= self.kills or done < CRASH_SHARE * self.tasks * (number + 1) / (self.kills + 1):
            return
        victim = self._caught_at(CRASH_STEPS[number % len(CRASH_STEPS)])
        if victim is None:
            return
        step = victim.crash()
        # Every other one is replaced, in the same clone, which is as the crash left it.
        replaced = number % 2 == 0
        self.crashes.append(Crash(victim.name, step, done, replaced))
        self.tell(f"killed {victim.name} with its command, last seen at {step}{'; it is replaced' if replaced else ''}")
        if replaced:
            self._hire(f"{victim.name}{AGAIN}", clone=victim.name)

    def _caught_at(self, phase: str) -> Worker | None:
        """A worker, not yet a replacement, whose task has just come to that step."""
        ends_at = time.monotonic() + CRASH_WAIT_SECONDS_MAX
        candidates = [one for one in self.workers if one.process.poll() is None and not one.name.endswith(AGAIN)]
        while candidates and time.monotonic() < ends_at:
            for worker in candidates:
                step = worker.last_step()
                if step is not None and step.get("phase") == phase:
                    return worker
            time.sleep(0.002)
            candidates = [one for one in candidates if one.process.poll() is None]
        return None
