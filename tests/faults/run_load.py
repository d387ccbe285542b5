"""People and workers of pipelines, who bear that the server dies: what they ask is asked until it is answered."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from signalbox.client.errors import ServerFaultError, ServerUnavailable
from signalbox.client.transport import HttpRequest, Transport
from tests.faults.load import Caller, History
from tests.faults.run_cases import Case, definition_of
from tests.faults.server_process import ServerProcess
from tests.support.command_line import CommandLine
from tests.support.waiting import until
from tests.support.warm_processes import Command

PROJECT: Final = "shop"
REACHED_SECONDS_MAX: Final = 300.0
"""Between two kills lie a start of the server and the return of the workers, which wait longer each time in vain."""
TTL_SECONDS: Final = "900"
"""Of the workers: no absence of the server ends their work, so each piece of it is done just once."""


class Runs:
    """Starts runs, answers their gates, and tells when all of them have settled."""

    def __init__(self, server: ServerProcess, seed: int) -> None:
        self.history = History()
        self.started: dict[str, Case] = {}
        """By id of the run."""
        self.settled: set[str] = set()
        self._server = server
        self._caller = Caller(self.history, lambda: [server.url], server.key, seed)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._position = 0

    def prepare(self, cases: Sequence[Case]) -> None:
        self._caller.command("create_project", {"name": PROJECT, "lock_delay_seconds": 0})
        for pipeline in dict.fromkeys(case.pipeline for case in cases):
            published = {"project": PROJECT, "definition": definition_of(pipeline)}
            assert self._caller.command("publish_definition", published, twice=True) is not None, pipeline

    def begin(self, cases: Sequence[Case]) -> None:
        """Start them beside whatever else happens."""
        self._thread = threading.Thread(target=self._guarded, args=(cases,))
        self._thread.start()

    def wait(self) -> None:
        """Until every run has settled."""
        assert self._thread is not None
        until(lambda: not (self._thread and self._thread.is_alive()), seconds=REACHED_SECONDS_MAX)
        assert not self.history.faults, self.history.faults

    def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._caller.close()

    def _guarded(self, cases: Sequence[Case]) -> None:
        try:
            self._walk(cases)
        except Exception as error:  # told by wait: a thread has nobody to raise to
            self.history.faults.append(repr(error))

    def _walk(self, cases: Sequence[Case]) -> None:
        for case in cases:
            wish = {"project": PROJECT, "pipeline": case.pipeline, "inputs": json.dumps(case.inputs)}
            key = f"run-{len(self.started)}"
            begun = self._caller.command("start_run", {**wish, "idempotency_key": key}, twice=True)
            assert begun is not None, case
            self.started[begun["run"]] = case
        while self.settled != self.started.keys() and not self._stopping.is_set():
            for event in self._news():
                if event["type"] == "run.settled.v1":
                    self.settled.add(event["stream"])
                elif event["type"] == "run.gate_opened.v1":
                    self._approve(event)

    def _approve(self, event: dict[str, Any]) -> None:
        vote = {"project": PROJECT, "run": event["stream"], "phase": event["event"]["place"], "verdict": "approve"}
        assert self._caller.command("cast_vote", vote, twice=True) is not None

    def _news(self) -> list[dict[str, Any]]:
        """What happened behind what was looked at; nothing where nobody answers."""
        wire = Transport(self._server.url, {"Authorization": f"Bearer {self._server.key}"})
        try:
            asked = f"/v1/events?project={PROJECT}&after={self._position}&limit=1000"
            page = json.loads(wire.send(HttpRequest("GET", asked, None, 20.0)).body)
            events: list[dict[str, Any]] = page["events"]
        except (ServerUnavailable, ServerFaultError, ValueError, KeyError):
            events, page = [], {}
        finally:
            wire.close()
        if not events:
            time.sleep(0.1)
        self._position = page.get("position", self._position)
        return events


class Workers:
    """Real worker processes of the project; what their work does to the world is in one file."""

    def __init__(self, folder: Path, data: Path, count: int) -> None:
        self.effects = folder / "effects"
        self.effects.touch()
        line = CommandLine(folder, {"SIGNALBOX_DATA": str(data), "EFFECTS": str(self.effects)})
        asked = ("worker", "-p", PROJECT, "--ttl", TTL_SECONDS, "--capacity", "4")
        self._logs = [folder / f"worker-{number}.log" for number in range(count)]
        self._processes: list[Command] = [line.start(*asked, log=log) for log in self._logs]

    def done(self) -> int:
        """Pieces of work that have left their mark."""
        return self.effects.read_bytes().count(b"\n")

    def reach(self, count: int, runs: Runs) -> None:
        """Wait until so many were begun."""

        def is_reached() -> bool:
            assert not runs.history.faults, runs.history.faults
            assert all(one.poll() is None for one in self._processes), self.told()
            return self.done() >= count

        until(is_reached, seconds=REACHED_SECONDS_MAX)

    def told(self) -> str:
        """The end of what they said."""
        return "\n".join(log.read_text(errors="replace")[-2_000:] for log in self._logs)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(90.0)
