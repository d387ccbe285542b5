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
from tests.faults.run_cases import GRANTS, Case, definition_of, every_case
from tests.faults.server_process import ServerProcess
from tests.support.command_line import CommandLine
from tests.support.waiting import until
from tests.support.warm_processes import Command

REACHED_SECONDS_MAX: Final = 300.0
"""Between two kills lie a start of the server and the return of the workers, which wait longer each time in vain."""
TTL_SECONDS: Final = "900"
"""Of the workers: no absence of the server ends their work, so each piece of it is done just once."""


class Runs:
    """Starts runs, answers their gates, and tells when all of them have settled."""

    def __init__(self, servers: Sequence[ServerProcess], seed: int) -> None:
        self.history = History()
        self.started: dict[str, Case] = {}
        """By id of the run."""
        self.settled: set[str] = set()
        self._servers = servers
        self._asked = 0
        self._caller = Caller(self.history, lambda: [one.url for one in servers], servers[0].key, seed)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._names: dict[str, str] = {}
        """Of pipelines, by file."""
        self._positions: dict[str, int] = {}
        """How far the events of each project are known."""

    def prepare(self, cases: Sequence[Case]) -> None:
        wanted = {case.pipeline: case.project for case in every_case(cases)}
        for project in dict.fromkeys(wanted.values()):
            self._positions[project] = 0
            assert self._caller.command("create_project", {"name": project, "lock_delay_seconds": 0}) is not None
        for owner, other in GRANTS:
            assert self._caller.command("grant_needs", {"project": owner, "to": other}) is not None
        for pipeline, project in wanted.items():
            definition = definition_of(pipeline)
            self._names[pipeline] = definition["name"]
            published = {"project": project, "definition": definition}
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
            wish = {"project": case.project, "pipeline": self._names[case.pipeline], "inputs": json.dumps(case.inputs)}
            keys = {"idempotency_key": f"run-{len(self.started)}", "correlation_key": case.inputs.get("release", "")}
            begun = self._caller.command("start_run", {**wish, **keys}, twice=True)
            assert begun is not None, case
            self.started[begun["run"]] = case
        while not self.started.keys() <= self.settled and not self._stopping.is_set():
            news = [(project, event) for project in self._positions for event in self._news(project)]
            for project, event in news:
                if event["type"] == "run.settled.v1":
                    self.settled.add(event["stream"])
                elif event["type"] == "run.gate_opened.v1":
                    self._approve(project, event)
            if not news:
                time.sleep(0.1)

    def _approve(self, project: str, event: dict[str, Any]) -> None:
        gate = {"project": project, "run": event["stream"], "phase": event["event"]["place"]}
        if event["event"]["gate_class"] != "strategic":
            assert self._caller.command("cast_vote", {**gate, "verdict": "approve"}, twice=True) is not None
        else:  # that takes two people, neither of whom has begun the run
            decision = {"decision": "approved", "reason": "whoever else may vote has said so"}
            assert self._caller.command("override_gate", {**gate, **decision}, twice=True) is not None

    def _news(self, project: str) -> list[dict[str, Any]]:
        """What happened behind what was looked at, told by one node after the other; nothing where nobody answers."""
        self._asked += 1
        server = self._servers[self._asked % len(self._servers)]
        wire = Transport(server.url, {"Authorization": f"Bearer {self._servers[0].key}"})
        try:
            asked = f"/v1/events?project={project}&after={self._positions[project]}&limit=1000"
            page = json.loads(wire.send(HttpRequest("GET", asked, None, 20.0)).body)
            events: list[dict[str, Any]] = page["events"]
        except (ServerUnavailable, ServerFaultError, ValueError, KeyError):
            events, page = [], {}
        finally:
            wire.close()
        self._positions[project] = page.get("position", self._positions[project])
        return events


class Workers:
    """Real worker processes, one for each project that is named; what their work does to the world is in one file."""

    def __init__(self, folder: Path, servers: Sequence[ServerProcess], projects: Sequence[str]) -> None:
        """Each has one server to go to, in turn."""
        self.effects = folder / "effects"
        self.effects.touch()
        self._line = CommandLine(folder, {"SIGNALBOX_KEY": servers[0].key, "EFFECTS": str(self.effects)})
        self._urls = [servers[number % len(servers)].url for number in range(len(projects))]
        self._projects = projects
        self._logs = [folder / f"worker-{number}.log" for number in range(len(projects))]
        self._processes: list[Command] = []

    def start(self) -> None:
        """Begin, once the projects are there: a worker whose project is not ends at once."""
        asked = ("worker", "--ttl", TTL_SECONDS, "--capacity", "4", "-p")
        for project, log, url in zip(self._projects, self._logs, self._urls, strict=True):
            self._processes.append(self._line.start(*asked, project, log=log, SIGNALBOX_URL=url))

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
