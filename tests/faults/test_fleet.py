"""A whole fleet over many projects, its agents killed, stopped and returning, its server killed: all promises hold."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infrastructure.log.port import LogRow
from signalbox.client.transport import HttpRequest, Transport
from tests.faults.aftermath import check_aftermath
from tests.faults.checker import SETTLING, unsettled
from tests.faults.fleet_checker import fleet_violations
from tests.faults.fleet_history import READ_ONLY, read_histories
from tests.faults.load import Caller, History, planned_task
from tests.faults.server_process import ServerProcess
from tests.support.waiting import SECONDS_MAX

ROOT = Path(__file__).parents[2]
TTL_SECONDS = 10
PROJECTS_EACH = 4


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else "sqlite"
    return url


@pytest.fixture
def fleet(store: str, tmp_path: Path) -> "Iterator[Fleet]":
    (tmp_path / "roster").mkdir()
    made = Fleet(tmp_path, ServerProcess(tmp_path / "data", store))
    yield made
    made.close()


@dataclass
class Fleet:
    """Agents in processes of their own, and what is done to them."""

    folder: Path
    server: ServerProcess
    agents: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    stopped: dict[int, float] = field(default_factory=dict)
    """Place of an agent that stands still -> when it goes on."""
    lives: int = 0
    done: dict[str, int] = field(default_factory=lambda: {"kills": 0, "stops": 0, "server kills": 0})

    def start_agent(self, projects: list[str]) -> "subprocess.Popen[bytes]":
        """An agent that serves a few of the projects, in turn."""
        self.lives += 1
        mine = [projects[(self.lives + step * 7) % len(projects)] for step in range(PROJECTS_EACH)]
        place = {
            "data": str(self.folder / "data"),
            "key": self.server.key,
            "projects": sorted(set(mine)),
            "seed": self.lives,
            "ttl_seconds": TTL_SECONDS,
            "history": str(self.folder / f"agent-{self.lives}.jsonl"),
        }
        told = (self.folder / f"agent-{self.lives}.log").open("wb")
        command = [sys.executable, "-m", "tests.faults.fleet_worker", json.dumps(place)]
        with told:
            return subprocess.Popen(command, cwd=ROOT, stdout=told, stderr=told)

    def disturb(self, chance: random.Random, projects: list[str], *, server_too: bool) -> None:
        """One fault: an agent killed and replaced, one stopped for longer than its lease, or the server killed."""
        place = chance.randrange(len(self.agents))
        kind = chance.random()
        if server_too and kind < 0.06:
            self.server.kill()
            self.server.start()
            self.done["server kills"] += 1
        elif place in self.stopped:
            return
        elif kind < 0.5:
            self.agents[place].kill()
            self.agents[place].wait()
            self.agents[place] = self.start_agent(projects)
            self.done["kills"] += 1
        else:
            os.kill(self.agents[place].pid, signal.SIGSTOP)
            self.stopped[place] = time.monotonic() + chance.uniform(0.2, 1.8) * TTL_SECONDS
            self.done["stops"] += 1

    def wake(self, *, everybody: bool = False) -> None:
        """Let those go on whose time has come."""
        for place, until in list(self.stopped.items()):
            if everybody or time.monotonic() >= until:
                os.kill(self.agents[place].pid, signal.SIGCONT)
                del self.stopped[place]

    def dismiss(self) -> None:
        """Everybody says goodbye."""
        self.wake(everybody=True)
        for agent in self.agents:
            agent.terminate()
        for agent in self.agents:
            assert agent.wait(SECONDS_MAX) == 0, self.told()

    def told(self) -> str:
        """What agents said that is no history."""
        return "\n".join(file.read_text()[-2_000:] for file in self.folder.glob("agent-*.log") if file.stat().st_size)

    def close(self) -> None:
        for agent in self.agents:
            with suppress(ProcessLookupError):
                agent.kill()
                agent.wait()
        self.server.close()


def run(fleet: Fleet, store: str, *, sessions: int, projects: int, seconds: float, seed: int, server_too: bool) -> None:
    chance = random.Random(seed)
    fleet.server.start()
    history = History()
    person = Caller(history, lambda: [fleet.server.url], fleet.server.key, seed)
    names = [f"p{number}" for number in range(projects)]
    for name in names:
        person.command("create_project", {"name": name, "lock_delay_seconds": 1})
    fleet.agents += [fleet.start_agent(names) for _ in range(sessions)]
    began, plan = time.monotonic(), 0
    while time.monotonic() < began + seconds or not worth_the_name(fleet):
        assert time.monotonic() < began + seconds + SECONDS_MAX, fleet.done
        plan += 1
        tasks = [planned_task(person.random, f"t{plan}-{part}", plan, part, reach=0) for part in range(4)]
        person.command("apply_plan", {"project": chance.choice(names), "tasks": tasks})
        if chance.random() < 0.25:
            fleet.disturb(chance, names, server_too=server_too)
        fleet.wake()
        time.sleep(max(0.05, 2.0 / sessions))
    fleet.wake(everybody=True)
    settle(fleet)
    fleet.dismiss()
    person.close()
    fleet.server.stop()
    judge(fleet, store, history)


def worth_the_name(fleet: Fleet) -> bool:
    """Whether enough was done, and done to it, for the judgement to say something."""
    if not fleet.done["kills"] or not fleet.done["stops"]:
        return False
    told = read_histories(sorted(fleet.folder.glob("agent-*.jsonl")))
    return sum(op.outcome == "ok" for op in told.ops if op.kind not in READ_ONLY) >= 200


def settle(fleet: Fleet) -> None:
    """I14: once nothing goes wrong any more, all that was planned comes to its end; how fast, the machine says."""
    wire = Transport(fleet.server.url, {"Authorization": f"Bearer {fleet.server.key}"})
    left: dict[str, str] = {}
    """What was planned and is not settled, with the last that happened to it."""
    position, until = 0, time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        page = json.loads(wire.send(HttpRequest("GET", f"/v1/events?after={position}&limit=1000")).body)
        for event in page["events"]:
            if event["stream"] in left or event["type"] == "task.planned.v1":
                left[event["stream"]] = event["type"]
            if event["type"] in SETTLING and left.pop(event["stream"], ""):
                until = time.monotonic() + SECONDS_MAX
        if page["position"] == position and not left:
            wire.close()
            return
        time.sleep(0.0 if page["position"] > position else 0.3)
        position = page["position"]
    raise AssertionError(f"{len(left)} tasks are left, and none was settled for {SECONDS_MAX} s: {left}")


def judge(fleet: Fleet, store: str, people: History) -> None:
    agents = read_histories(sorted(fleet.folder.glob("agent-*.jsonl")))
    told = [op for op in agents.ops if op.kind not in READ_ONLY]
    stored = check_aftermath(fleet.folder / "data", store, History([*people.ops, *told]))
    assert not unsettled(stored)
    wrong = fleet_violations(stored, agents, TTL_SECONDS)
    assert not wrong, wrong[:20]
    opened = {row.stream for row in stored if row.type == "session.opened.v1"}
    below, inside = families(stored)
    refused = f"{len(agents.deadlocks)} deadlocks refused"
    sys.stdout.write(f"{len(stored)} events, {len(agents.spans)} commands, {len(opened)} sessions, {refused}, ")
    sys.stdout.write(f"{below} lives below others, {inside} grants inside of families, ")
    sys.stdout.write(f"{fleet.done}\n")


def families(stored: Sequence[LogRow]) -> tuple[int, int]:
    """Lives that began below another session, and grants to such as stood below one."""
    told = [(row.type, json.loads(row.state)) for row in stored if row.type in ("session.opened.v1", "lock.granted.v1")]
    below = sum(kind == "session.opened.v1" and event.get("parent") is not None for kind, event in told)
    inside = sum(kind == "lock.granted.v1" and bool(event["ancestors"]) for kind, event in told)
    return below, inside


def test_a_small_fleet_survives_its_faults(fleet: Fleet, store: str) -> None:
    run(fleet, store, sessions=5, projects=4, seconds=20, seed=3, server_too=True)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_thirty_sessions_on_twenty_projects_survive_five_minutes(fleet: Fleet, store: str) -> None:
    run(fleet, store, sessions=30, projects=20, seconds=300, seed=7, server_too=True)
