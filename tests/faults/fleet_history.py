"""What the agents of a fleet wrote down, read back: commands with their times, and renewals that were answered."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.checker import Op
from tests.support.queue_model import Claim, Who

READ_ONLY = frozenset({"await_locks"})
MAY_WRITE_NOTHING = READ_ONLY | {"acquire_locks", "end_session", "report_progress"}
"""Accepted commands that may find everything as it should be already."""


@dataclass(frozen=True, slots=True)
class Span:
    """One command from its first sending to its first known answer, on one clock for all processes."""

    command_id: str
    kind: str
    sent: int
    """Nanoseconds."""
    answered: int | None = None
    """None where no answer came while the agent lived."""
    position: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A beat that was answered: the lease cannot run out before ``began`` + TTL, in microseconds of the day's clock."""

    session: str
    incarnation: int
    began: int


@dataclass(frozen=True, slots=True)
class ToldDeadlock:
    """A request for locks that was refused since it would wait for ever, with microseconds of the day's clock."""

    command_id: str
    project: str
    """Its name."""
    who: Who
    claims: tuple[Claim, ...]
    sent: int
    answered: int


@dataclass(frozen=True, slots=True)
class FleetHistory:
    """Everything of one run."""

    ops: tuple[Op, ...]
    spans: tuple[Span, ...]
    renewals: tuple[Renewal, ...]
    deadlocks: tuple[ToldDeadlock, ...] = ()


def read_histories(files: Iterable[Path]) -> FleetHistory:
    """The histories of all agents; a last line that a kill cut off is left out."""
    ops: list[Op] = []
    spans: dict[str, Span] = {}
    renewals: list[Renewal] = []
    deadlocks: list[ToldDeadlock] = []
    questions: dict[str, dict[str, Any]] = {}
    for file in files:
        for line in file.read_bytes().split(b"\n")[:-1]:
            said = json.loads(line)
            if "beat" in said:
                if said["status"] in ("live", "suspect") or said["status"] not in ("lost", "ended", "fenced"):
                    life = said["beat"]
                    renewals.append(Renewal(life["session"], life["incarnation"], said["began"] // 1_000))
                continue
            _take(said, ops, spans)
            if "asked" in said:
                questions[said["op"]] = said
            if said.get("code") == "deadlock":
                deadlocks.append(_deadlock(questions[said["op"]], said))
    return FleetHistory(tuple(ops), tuple(spans.values()), tuple(renewals), tuple(deadlocks))


def _deadlock(question: dict[str, Any], answer: dict[str, Any]) -> ToldDeadlock:
    asked = question["asked"]
    return ToldDeadlock(
        command_id=question["op"],
        project=asked["project"],
        who=(f"{asked['session']}/{asked['incarnation']}", question["task"]),
        claims=tuple((claim["claim"].partition("//")[2], claim["mode"]) for claim in asked["claims"]),
        sent=question["clock"] // 1_000,
        answered=answer["clock"] // 1_000,
    )


def _take(said: dict[str, Any], ops: list[Op], spans: dict[str, Span]) -> None:
    identifier, kind = said["op"], said["kind"]
    if said["step"] == "sent":
        spans[identifier] = Span(identifier, kind, said["at"])
        ops.append(Op(identifier, kind, "info"))
        return
    must_write = kind not in MAY_WRITE_NOTHING
    ops.append(Op(identifier, kind, said["step"], said.get("position", 0), said.get("answer", ""), must_write))
    span = spans[identifier]
    if said["step"] != "info" and span.answered is None:
        spans[identifier] = Span(identifier, kind, span.sent, said["at"], said.get("position", 0), said.get("code", ""))
