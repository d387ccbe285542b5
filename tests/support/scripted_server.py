"""A server of a few lines that speaks the wire contract and misbehaves on request: for tests of clients."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fields = dict[str, Any]
NOTHING_READY = {"code": "nothing_ready", "message": "Nothing can be claimed now.", "next": "Ask again.", "data": {}}


@dataclass
class Sent:
    """One request as it arrived."""

    at: float
    type: str
    id: str
    fields: Fields
    wait_seconds: float


@dataclass
class ScriptedServer:
    """Hands out ``tasks`` in order, accepts reports of live tokens, and remembers everything that it was asked."""

    tasks: list[Fields] = field(default_factory=list)
    ttl_seconds: int = 60
    beat_seconds: float | None = None
    """What clients are told; a quarter of the TTL where nothing is said."""
    wait_seconds_max: float = 0.2
    sent: list[Sent] = field(default_factory=list)
    beats: list[Fields] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    status: dict[int, str] = field(default_factory=dict)
    """Status that heartbeats of an incarnation are told; ``live`` otherwise."""
    refuse: Callable[[str, Fields], tuple[int, Fields] | None] = lambda _name, _fields: None
    lose_answers: list[str] = field(default_factory=list)
    """Names of commands whose next answer gets lost on the way."""
    away: bool = False
    asked: int = 0
    """Requests that arrived, also while it was away."""
    answered: int = 0
    told: Fields = field(default_factory=dict)
    """What heartbeats are told of everything that is held, beside its name."""

    def __post_init__(self) -> None:
        self._answers: dict[str, tuple[int, Fields]] = {}
        self._lock = threading.RLock()
        self._turns: dict[str, threading.Lock] = {}
        self.incarnation = 0
        self.claimed = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(server.answer(self.path, body))

            def do_GET(self) -> None:
                self._answer(server.answer(self.path, {}))

            def _answer(self, answered: tuple[int, Fields] | None) -> None:
                if answered is None:
                    self.close_connection = True
                    return
                server.answered += 1
                text = json.dumps(answered[1]).encode()
                self.send_response(answered[0])
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that broke off is part of the script."""

        self._http = Http(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, path: str, body: Fields) -> tuple[int, Fields] | None:
        self.asked += 1
        if self.away:
            return None
        if path == "/v1/heartbeat":
            return self._beat(body)
        if path == "/v1/commands":
            return self._command(body)
        if path.startswith("/v1/status"):
            return 200, {"ready": True, "head": 1, "projected": 1, "node": "n", "store": "memory", "warnings": []}
        return 404, {"ok": False, "error": {"code": "unknown_path", "message": path, "next": "", "data": {}}}

    def of(self, name: str) -> list[Sent]:
        with self._lock:
            return [one for one in self.sent if one.type == name]

    @property
    def reports(self) -> list[str]:
        """Names of the final reports, in order, each id once."""
        ends = ("complete_task", "fail_task", "release_task")
        with self._lock:
            return [name for name in {one.id: one.type for one in self.sent}.values() if name in ends]

    def _beat(self, body: Fields) -> tuple[int, Fields] | None:
        with self._lock:
            self.beats.append(body)
            status = self.status.get(body["incarnation"], "live")
            revoked = [token for token in body["tokens"] if token["token"] in self.revoked]
        if self.away:
            return None
        told = {"locks_seconds": None, "revoked_seconds": None, "reason": "", **self.told}
        held = [{**one, "task": _task_of(one["token"]), **told} for one in body["tokens"] if one not in revoked]
        times = {"ttl_seconds": self.ttl_seconds, "lease_seconds": float(self.ttl_seconds), "renewed_at": 0}
        return 200, {"status": status, **times, "held": held, "revoked": revoked}

    def _command(self, body: Fields) -> tuple[int, Fields] | None:
        name, fields, identifier = body["type"], body["command"], body["id"]
        with self._lock:
            self.sent.append(Sent(time.monotonic(), name, identifier, fields, body.get("wait_seconds", 0.0)))
            turn = self._turns.setdefault(identifier, threading.Lock())
        with turn:  # who asks again under the same id waits for what becomes of the first
            known = self._answers.get(identifier)
            if known is None:
                known = self._decide(name, fields, body.get("wait_seconds", 0.0))
                if known[0] == 200:
                    self._answers[identifier] = (200, known[1] | {"repeated": True})
        if name in self.lose_answers:
            self.lose_answers.remove(name)
            return None
        return None if self.away else known

    def _decide(self, name: str, fields: Fields, wait_seconds: float) -> tuple[int, Fields]:
        refused = self.refuse(name, fields)
        if refused is not None:
            return refused[0], {"ok": False, "error": refused[1], "position": 1, "repeated": False}
        match name:
            case "open_session":
                self.incarnation += 1
                life = {"session": "sess_a", "incarnation": self.incarnation}
                return _ok(
                    {**life, "ttl_seconds": self.ttl_seconds, "beat_seconds": self.beat_seconds or self.ttl_seconds / 4}
                )
            case "claim_task":
                return self._claim(wait_seconds)
            case "claim_tasks":
                return self._claim_many(wait_seconds, fields["most"])
            case _:
                return _ok({})

    def _claim_many(self, wait_seconds: float, most: int) -> tuple[int, Fields]:
        status, told = self._claim(wait_seconds)
        if status != 200:
            return status, told
        several = [told["answer"]]
        with self._lock:
            while self.tasks and len(several) < most:
                self.claimed += 1
                several.append(_assignment(self.claimed, self.tasks.pop(0)))
        return _ok({"tasks": several})

    def _claim(self, wait_seconds: float) -> tuple[int, Fields]:
        until = time.monotonic() + min(wait_seconds, self.wait_seconds_max)
        while True:
            with self._lock:
                if self.tasks:
                    self.claimed += 1
                    return _ok(_assignment(self.claimed, self.tasks.pop(0)))
            if time.monotonic() >= until or self.away:
                return 409, {"ok": False, "error": NOTHING_READY, "position": 1, "repeated": False}
            time.sleep(0.01)


def _ok(answer: Fields) -> tuple[int, Fields]:
    return 200, {"ok": True, "answer": answer, "position": 1, "repeated": False}


def _assignment(number: int, fields: Fields) -> Fields:
    plain: Fields = {
        "task": f"task_{number}", "key": f"t{number}", "title": f"Task {number}", "body": "", "kind": "code",
        "run": None, "timeout_seconds": None, "scope": [], "token": str(1000 + number), "attempt": 1,
        "checkpoint": None, "handover": "", "failure": "", "tried_by": [],
    }  # fmt: skip
    return plain | fields


def _task_of(token: str) -> str:
    """Tokens are given out from 1001 on, one with each task."""
    return f"task_{max(1, int(token) - 1_000)}"
