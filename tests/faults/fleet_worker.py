"""One agent of the fleet as a process that may be killed or stopped at any moment; it writes down what it does.

Each line of its history is one JSON object: what was asked, before it is sent, and how it ended, once that is known.
"""

import json
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from signalbox.client.errors import ServerFaultError, ServerUnavailable
from signalbox.client.ids import fresh_command_id
from signalbox.client.transport import HttpRequest, Transport
from tests.faults.load import PATTERNS, UNKNOWN

SEND_SECONDS: Final = 10.0
NEAR: Final = 40
"""Of the sessions so far those that came last: most of them are there."""
OVER: Final = frozenset({"lost", "ended", "fenced"})
LIFE_OVER: Final = frozenset({"session_fenced", "session_was_lost", "session_has_ended", "session_not_live"})


class Journal:
    """The history file; a line is whole or missing, whenever the process dies."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, **line: Any) -> None:
        self._file.write(json.dumps({**line, "at": time.monotonic_ns(), "clock": time.time_ns()}).encode() + b"\n")


class Wire:
    """Requests to wherever the server is now."""

    def __init__(self, data: Path, key: str) -> None:
        self._data = data
        self._headers = {"Authorization": f"Bearer {key}"}
        self._transport: Transport | None = None
        self._url = ""

    def send(self, path: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None where nobody gave one."""
        try:
            url = json.loads((self._data / "server.json").read_text())["url"]
            if self._transport is None or url != self._url:
                self._transport, self._url = Transport(url, self._headers), url
            answer = self._transport.send(HttpRequest("POST", path, json.dumps(fields).encode(), SEND_SECONDS))
            content: dict[str, Any] = json.loads(answer.body)
        except (OSError, ValueError, ServerUnavailable, ServerFaultError):
            return None
        return content


class Agent:
    """Claims, works, reports, locks, and comes back when it was lost."""

    def __init__(self, place: dict[str, Any]) -> None:
        self.chance = random.Random(place["seed"])
        self.projects: list[str] = place["projects"]
        self.ttl_seconds: int = place["ttl_seconds"]
        self.journal = Journal(Path(place["history"]))
        self.roster = Path(place["history"]).parent / "roster"
        """Files whose names are sessions: whom an agent may stand below."""
        self.wires = [Wire(Path(place["data"]), place["key"]) for _ in range(2)]
        self.session: dict[str, Any] = {}
        self.held: dict[tuple[str, str], bool] = {}
        self.stopping = threading.Event()
        self.over = threading.Event()

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())
        self.open()
        beats = threading.Thread(target=self.beat, daemon=True)
        beats.start()
        while not self.stopping.is_set():
            if self.over.is_set():
                self.open()
            elif self.chance.random() < 0.7:
                self.work(self.chance.choice(self.projects))
            else:
                self.lock(self.chance.choice(self.projects))
        self.ask("end_session", dict(self.life()))

    def open(self) -> None:
        fields = {"projects": self.projects, "capacity": 2, "ttl_seconds": self.ttl_seconds}
        former = self.session.get("session")
        if former:
            fields["resume"] = former
        # The one above may be gone, or stand below this one, or the locks of those below bar the move.
        above = self.somebody(but=former)
        opened = None if above is None else self.ask("open_session", {**fields, "parent": above})
        if opened is None:
            opened = self.ask("open_session", fields)
        assert opened is not None, "a session that was ours could not be taken up"
        (self.roster / opened["session"]).touch()
        self.held.clear()
        self.session = opened
        self.over.clear()

    def somebody(self, *, but: str | None) -> str | None:
        """Somebody else to stand below, three times of five, if there is anybody."""
        found = sorted(file.name for file in self.roster.iterdir() if file.name != but)
        return self.chance.choice(found[-NEAR:]) if found and self.chance.random() < 0.6 else None

    def life(self) -> dict[str, Any]:
        return {"session": self.session["session"], "incarnation": self.session["incarnation"]}

    def ask(
        self, kind: str, fields: dict[str, Any], *, wait_seconds: float = 0.0, **beside: Any
    ) -> dict[str, Any] | None:
        """The answer of an accepted command, None of a refused one; asked again until one of them is known.

        What stands ``beside`` is written down with the question, for whoever judges the answer.
        """
        identifier = fresh_command_id()
        asked: dict[str, Any] = {"type": kind, "id": identifier, "command": fields}
        if wait_seconds:
            asked["wait_seconds"] = wait_seconds
        self.journal.write(op=identifier, kind=kind, step="sent", **beside)
        again = self.chance.random() < 0.1
        while True:
            content = self.wires[0].send("/v1/commands", asked)
            if content is None or (not content["ok"] and content["error"]["code"] in UNKNOWN):
                self.journal.write(op=identifier, kind=kind, step="info")
                time.sleep(self.chance.uniform(0.01, 0.1))
                continue
            if not content["ok"]:
                error = content["error"]
                self.journal.write(op=identifier, kind=kind, step="fail", code=error["code"], status=error["status"])
                if error["code"] in LIFE_OVER:
                    self.over.set()
                return None
            answer = content.get("answer")
            told = json.dumps(answer, sort_keys=True)
            self.journal.write(op=identifier, kind=kind, step="ok", position=content["position"], answer=told)
            if not again:
                return answer if isinstance(answer, dict) else {}
            again = False

    def work(self, project: str) -> None:
        claimed = self.ask("claim_task", {"project": project, **self.life()}, wait_seconds=0.3)
        if claimed is None:
            self.pause(0.05)
            return
        self.held[project, claimed["token"]] = True
        report = {"project": project, "task": claimed["task"], "token": claimed["token"]}
        if self.chance.random() < 0.3:
            self.ask("report_progress", {**report, "percent": 50.0})
        if self.chance.random() < 0.2:
            # Whoever holds something and waits for more may close a circle.
            self.lock(project, task=claimed["task"])
        self.pause(0.2)
        chance = self.chance.random()
        if chance < 0.08:
            self.ask("fail_task", {**report, "reason": "by chance"})
        elif chance < 0.16:
            self.ask("release_task", {**report, "note": "by chance"})
        else:
            self.ask("complete_task", report)
        self.held.pop((project, claimed["token"]), None)

    def lock(self, project: str, *, task: str | None = None) -> None:
        """Locks for a moment; beside what the attempt at a task holds, where one is under way."""
        patterns = self.chance.sample(PATTERNS, self.chance.randint(1, 2))
        mode = self.chance.choice(("shared", "exclusive"))
        claims = [{"claim": f"path:r//{pattern}", "mode": mode} for pattern in patterns]
        wait = {"wait": "queue", "wait_timeout_seconds": 5.0} if self.chance.random() < 0.7 else {}
        asked = {"project": project, **self.life(), "claims": claims}
        found = self.ask("acquire_locks", {**asked, **wait}, asked=asked, task=task)
        while found is not None and found["outcome"] == "waiting" and not self.stopping.is_set():
            self.pause(0.2)
            found = self.ask("await_locks", {"project": project, **self.life(), "request": found["request"]})
        if found is None or found.get("token") is None:
            return
        self.held[project, found["token"]] = True
        self.pause(0.2)
        self.ask("release_locks", {"project": project, **self.life(), "token": found["token"]})
        self.held.pop((project, found["token"]), None)

    def pause(self, seconds_max: float) -> None:
        time.sleep(self.chance.uniform(0.0, seconds_max))

    def beat(self) -> None:
        while not self.stopping.wait(self.ttl_seconds / 4):
            if self.over.is_set():
                continue
            life = self.life()
            tokens = [{"project": project, "token": token} for project, token in list(self.held)]
            began = time.time_ns()
            heard = self.wires[1].send("/v1/heartbeat", {**life, "tokens": tokens})
            if heard is not None and "status" in heard:
                self.journal.write(beat=life, status=heard["status"], began=began)
                if heard["status"] in OVER and life == self.life():
                    self.over.set()


if __name__ == "__main__":
    Agent(json.loads(sys.argv[1])).run()
