"""A load of real clients over HTTP that repeats what it does not know, and keeps the history of what it was told."""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from signalbox.client.errors import ServerFaultError, ServerUnavailable
from signalbox.client.ids import fresh_command_id
from signalbox.client.transport import HttpRequest, Transport
from tests.faults.checker import Op
from tests.support.waiting import SECONDS_MAX

UNKNOWN: Final = frozenset({"unknown_outcome", "store_unavailable", "overloaded", "stopping"})
PATTERNS: Final = ("a", "b/*", "a*/b", "**/c", "c", "ab", "?/a", "a/**")
PATIENCE_SECONDS: Final = 90.0


class LoadFault(Exception):
    """The server answered what it never may: a fault of its own, a trace, or nothing for as long as one can wait."""


@dataclass(slots=True)
class History:
    """What was sent and how it ended, from any thread."""

    ops: list[Op] = field(default_factory=list[Op])
    faults: list[str] = field(default_factory=list[str])

    def count(self, outcome: str) -> int:
        return sum(op.outcome == outcome for op in self.ops)


class Caller:
    """Sends commands of one client until their outcome is known. ``urls`` are looked up anew for every send."""

    def __init__(self, history: History, urls: Callable[[], Sequence[str]], key: str, seed: int) -> None:
        self.random = random.Random(seed)
        self._history = history
        self._urls = urls
        self._headers = {"Authorization": f"Bearer {key}"}
        self._transports: dict[str, Transport] = {}

    def command(
        self,
        kind: str,
        fields: dict[str, Any],
        *,
        must_write: bool = True,
        twice: bool = False,
        wait_seconds: float = 0,
    ) -> dict[str, Any] | None:
        """The answer of an accepted command, None of a refused one. With ``twice`` a known answer is asked again."""
        command_id = fresh_command_id()
        asked: dict[str, Any] = {"type": kind, "id": command_id, "command": fields}
        if wait_seconds:
            asked["wait_seconds"] = wait_seconds
        body = json.dumps(asked).encode()
        until = time.monotonic() + PATIENCE_SECONDS
        again = twice
        while True:
            content = self._send("/v1/commands", body)
            outcome = _outcome_of(content)
            if outcome == "info" or content is None:
                self._history.ops.append(Op(command_id, kind, "info"))
                if time.monotonic() > until:
                    raise LoadFault(f"{kind} {command_id} has no outcome")
                time.sleep(self.random.uniform(0.005, 0.05))
                continue
            answer = content.get("answer")
            position = content["position"] if outcome == "ok" else 0
            told = json.dumps(answer, sort_keys=True)
            self._history.ops.append(Op(command_id, kind, outcome, position, told, must_write))
            if outcome == "ok" and again:
                again = False
                continue
            return answer if outcome == "ok" else None

    def heartbeat(self, session: dict[str, Any], tokens: Sequence[str]) -> dict[str, Any] | None:
        """One beat; None where nobody answered."""
        life = {"session": session["session"], "incarnation": session["incarnation"]}
        fields = {**life, "tokens": [{"project": "shop", "token": one} for one in tokens]}
        return self._send("/v1/heartbeat", json.dumps(fields).encode())

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()

    def _send(self, path: str, body: bytes) -> dict[str, Any] | None:
        url = self.random.choice(list(self._urls()))
        if url not in self._transports:
            self._transports[url] = Transport(url, self._headers)
        try:
            answer = self._transports[url].send(HttpRequest("POST", path, body, 20.0))
        except (ServerUnavailable, ServerFaultError):
            return None
        if answer.status >= 500 and answer.status != 503:
            self._history.faults.append(f"{path} answered {answer.status}: {answer.body[:500]!r}")
            raise LoadFault(self._history.faults[-1])
        try:
            content: dict[str, Any] = json.loads(answer.body)
        except ValueError:
            return None  # the server died between head and body
        return content


def _outcome_of(content: dict[str, Any] | None) -> Any:
    if content is None or (not content["ok"] and content["error"]["code"] in UNKNOWN):
        return "info"
    return "ok" if content["ok"] else "fail"


class Load:
    """Workers that claim, report and lock, and a planner, until ``drain`` has seen every planned task settled."""

    def __init__(self, urls: Callable[[], Sequence[str]], key: str, *, workers: int, seed: int = 1) -> None:
        self.history = History()
        self._urls = urls
        self._key = key
        self._seed = seed
        self._planning = threading.Event()
        self._stopping = threading.Event()
        self._settled: set[str] = set()
        self._planned: set[str] = set()
        self._threads = [threading.Thread(target=self._guarded, args=(self._work, one)) for one in range(workers)]
        self._threads.append(threading.Thread(target=self._guarded, args=(self._plan, workers)))

    def start(self) -> None:
        self._planning.set()
        caller = self._caller(999)
        caller.command("create_project", {"name": "shop", "lock_delay_seconds": 1})
        caller.close()
        for thread in self._threads:
            thread.start()

    def reach(self, acknowledged: int, *, seconds: float = SECONDS_MAX) -> None:
        """Go on until so many commands were acknowledged: how fast a machine is decides how long, not how much."""
        until = time.monotonic() + seconds
        while self.history.count("ok") < acknowledged and not self.history.faults:
            assert time.monotonic() < until, f"{self.history.count('ok')} of {acknowledged} acknowledged in {seconds} s"
            time.sleep(0.05)

    def drain(self, *, seconds: float = SECONDS_MAX) -> None:
        """No new plans; wait until all is done, then end."""
        self._planning.clear()
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.history.faults and self._planned - self._settled:
            time.sleep(0.05)
        self.end()
        assert not self.history.faults, self.history.faults
        assert not self._planned - self._settled, f"{len(self._planned - self._settled)} tasks were never settled"

    def end(self) -> None:
        self._planning.clear()
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _guarded(self, work: Callable[[Caller], None], number: int) -> None:
        caller = self._caller(number)
        try:
            work(caller)
        except Exception as error:  # told by drain: a thread has nobody to raise to
            self.history.faults.append(repr(error))
        finally:
            caller.close()

    def _caller(self, number: int) -> Caller:
        return Caller(self.history, self._urls, self._key, self._seed * 1_000 + number)

    def _plan(self, caller: Caller) -> None:
        number = 0
        while self._planning.is_set():
            number += 1
            tasks = [planned_task(caller.random, f"t{number}-{part}", number, part) for part in range(5)]
            answer = caller.command("apply_plan", {"project": "shop", "tasks": tasks}, twice=number % 3 == 0)
            assert answer is not None
            self._planned.update(task["key"] for task in tasks)
            time.sleep(caller.random.uniform(0.02, 0.08))

    def _work(self, caller: Caller) -> None:
        session = self._session(caller)
        while not self._stopping.is_set():
            claimed = caller.command("claim_task", _of(session), twice=caller.random.random() < 0.3, wait_seconds=0.3)
            if claimed is not None:
                self._attempt(caller, session, claimed)
            elif caller.random.random() < 0.3:
                self._lock(caller, session)
            self._beat(caller, session, [])

    def _attempt(self, caller: Caller, session: dict[str, Any], claimed: dict[str, Any]) -> None:
        report = {"project": "shop", "task": claimed["task"], "token": claimed["token"]}
        chance = caller.random.random()
        if chance < 0.3:
            self._beat(caller, session, [claimed["token"]])
        if chance < 0.5:
            caller.command("report_progress", {**report, "percent": 50.0})
        if chance < 0.1:
            caller.command("fail_task", {**report, "reason": "by chance"})
        elif chance < 0.2:
            caller.command("release_task", {**report, "note": "by chance"})
        elif caller.command("complete_task", report, twice=chance > 0.8) is not None:
            self._settled.add(claimed["key"])

    def _lock(self, caller: Caller, session: dict[str, Any]) -> None:
        claims = [{"claim": f"path:r//{caller.random.choice(PATTERNS)}", "mode": "shared"}]
        held = caller.command("acquire_locks", {**_of(session), "claims": claims}, must_write=False)
        if held is not None:
            caller.command("release_locks", {**_of(session), "token": held["token"]})

    def _beat(self, caller: Caller, session: dict[str, Any], tokens: Sequence[str]) -> None:
        heard = caller.heartbeat(session, tokens)
        if heard is not None and heard.get("status") not in (None, "live", "suspect"):
            raise LoadFault(f"a session that beats is {heard}")

    def _session(self, caller: Caller) -> dict[str, Any]:
        opened = caller.command("open_session", {"projects": ["shop"], "capacity": 2, "ttl_seconds": 120})
        assert opened is not None
        return opened


def _of(session: dict[str, Any]) -> dict[str, Any]:
    return {"project": "shop", "session": session["session"], "incarnation": session["incarnation"]}


def planned_task(chance: random.Random, key: str, plan: int, part: int, *, reach: int = 3) -> dict[str, Any]:
    """A task that may need earlier parts of its plan, and parts of the ``reach`` plans before it."""
    needs = [f"t{plan}-{one}" for one in range(part) if chance.random() < 0.5]
    if plan > reach > 0 and chance.random() < 0.3:
        needs.append(f"t{plan - chance.randint(1, reach)}-{chance.randrange(5)}")
    scope = [
        {"claim": f"path:r//{pattern}", "mode": chance.choice(("shared", "exclusive"))}
        for pattern in chance.sample(PATTERNS, chance.randint(0, 2))
    ]
    return {
        "key": key,
        "title": key,
        "needs": [{"task": need} for need in dict.fromkeys(needs)],
        "scope": scope,
        "retry": {"max_attempts": 100, "backoff_seconds_first": 0.0},
    }
