"""What must hold of any log, read from its stored rows by code that shares nothing with the server's folds."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from infrastructure.log.port import LogRow
from tests.faults.clashes import Held, clash, torn

PLACING = frozenset({"session.opened.v1", "session.reparented.v1"})
"""What says whom a session stands below."""
OF_REFUSALS = frozenset({"command.refused.v1", "task.late_report_discarded.v1"})
"""What a refused command may leave behind."""


@dataclass(frozen=True, slots=True)
class Op:
    """One sent command as the harness saw it end: ``info`` is an unknown outcome."""

    command_id: str
    kind: str
    outcome: Literal["ok", "fail", "info"]
    position: int = 0
    answer: str = ""
    """Canonical JSON of the answer, without position."""
    must_write: bool = True


@dataclass(slots=True)
class _Task:
    needs: dict[str, tuple[str, ...]]
    outcomes: dict[str, str] = field(default_factory=dict)
    holder: int | None = None
    settled: str | None = None
    ready: bool = False


@dataclass(slots=True)
class _Sweep:
    """The state of the sweep over the log, and what it found wrong."""

    wrong: list[str] = field(default_factory=list)
    tasks: dict[str, _Task] = field(default_factory=dict)
    dependants: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    settled_needs: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    settlements: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    grants: dict[str, dict[int, Held]] = field(default_factory=lambda: defaultdict(dict))
    last_token: dict[str, int] = field(default_factory=dict)
    granted_by: dict[tuple[str, int], str] = field(default_factory=dict)
    incarnation: dict[str, int] = field(default_factory=dict)
    over: set[tuple[str, int]] = field(default_factory=set)
    parents: dict[str, str | None] = field(default_factory=dict)


def violations(rows: Sequence[LogRow], history: Iterable[Op] = ()) -> list[str]:
    """Everything that is wrong with a log, in words; empty where all invariants hold."""
    sweep = _Sweep()
    _check_order(rows, sweep.wrong)
    for _, group in groupby(rows, key=lambda row: row.command_id):
        _take_group(sweep, [(row, json.loads(row.state)) for row in group])
    _check_needs_at_rest(sweep)
    _check_history(rows, history, sweep.wrong)
    return sweep.wrong


def unsettled(rows: Sequence[LogRow]) -> set[str]:
    """Tasks that are planned and neither completed, failed nor cancelled."""
    planned = {row.stream for row in rows if row.type == "task.planned.v1"}
    return planned - {row.stream for row in rows if row.type in SETTLING}


SETTLING = {"task.completed.v1": "completed", "task.failed.v1": "failed", "task.cancelled.v1": "cancelled"}


def _check_order(rows: Sequence[LogRow], wrong: list[str]) -> None:
    versions: dict[str, int] = defaultdict(int)
    last_at = 0
    for number, row in enumerate(rows, start=1):
        if row.position != number:
            wrong.append(f"position {row.position} where {number} was due")
        versions[row.stream] += 1
        if row.version != versions[row.stream]:
            wrong.append(f"@{row.position} {row.stream} has version {row.version}, not {versions[row.stream]}")
        if row.recorded_at < last_at:
            wrong.append(f"@{row.position} recorded_at falls")
        last_at = row.recorded_at


def _take_group(sweep: _Sweep, group: Sequence[tuple[LogRow, dict[str, Any]]]) -> None:
    """The rows of one command, there at once: the hierarchy that they leave behind counts for all of them."""
    parents = {row.stream: event.get("parent") for row, event in group if row.type in PLACING}
    moved = any(parent != sweep.parents.get(session) for session, parent in parents.items())
    sweep.parents.update(parents)
    for row, event in group:
        _take(sweep, row, event)
    if moved:
        where = f"@{group[-1][0].position} a move in the hierarchy"
        for live in sweep.grants.values():
            sweep.wrong += [f"{where}: {words}" for words in torn(live, sweep.parents)]


def _take(sweep: _Sweep, row: LogRow, event: dict[str, Any]) -> None:
    area = row.type.partition(".")[0]
    if area == "task":
        _take_task(sweep, row, event)
    elif area == "lock":
        _take_lock(sweep, row, event)
    elif area == "session":
        _take_session(sweep, row, event)


def _take_task(sweep: _Sweep, row: LogRow, event: dict[str, Any]) -> None:
    where = f"@{row.position} {row.type} {row.stream}"
    if row.type == "task.planned.v1":
        if row.stream in sweep.tasks:
            sweep.wrong.append(f"{where}: planned twice")
        sweep.tasks[row.stream] = _Task({need["task"]: tuple(need["accept"]) for need in event["needs"]})
        return
    task = sweep.tasks.get(row.stream)
    if task is None:
        sweep.wrong.append(f"{where}: before it was planned")
        return
    if row.type in SETTLING:
        _settle(sweep, task, row, event, where)
    elif row.type == "task.dependant_added.v1":
        sweep.dependants[row.stream].append(event["dependant"])
    elif row.type == "task.need_settled.v1":
        sweep.settled_needs[row.stream, event["need"]] += 1
        task.outcomes[event["need"]] = event["outcome"]
    elif row.type == "task.readied.v1":
        if task.ready or task.holder is not None or task.settled:
            sweep.wrong.append(f"{where}: readied while ready, held or settled")
        task.ready = True
    elif row.type == "task.claimed.v1":
        _claim(sweep, task, row, event, where)
    elif row.type in ("task.started.v1", "task.progressed.v1", "task.attempt_ended.v1"):
        if task.holder != event["token"]:
            sweep.wrong.append(f"{where}: token {event['token']} while {task.holder} is current")
        if row.type == "task.attempt_ended.v1":
            task.holder = None
    elif row.type == "task.retried.v1":
        task.settled = None


def _settle(sweep: _Sweep, task: _Task, row: LogRow, event: dict[str, Any], where: str) -> None:
    if task.settled is not None:
        sweep.wrong.append(f"{where}: settled twice")
    if row.type == "task.completed.v1" and task.holder != event["token"]:
        sweep.wrong.append(f"{where}: token {event['token']} while {task.holder} is current")
    task.settled, task.ready = SETTLING[row.type], False
    if event.get("revoked_at") is None:
        task.holder = None  # else it may report until then, and still ends its attempt
    sweep.settlements[row.stream] += 1


def _claim(sweep: _Sweep, task: _Task, row: LogRow, event: dict[str, Any], where: str) -> None:
    if task.holder is not None:
        sweep.wrong.append(f"{where}: claimed while {task.holder} holds it")
    if task.settled is not None or not task.ready:
        sweep.wrong.append(f"{where}: claimed though not ready")
    unmet = [need for need, accept in task.needs.items() if task.outcomes.get(need) not in accept]
    if unmet:
        sweep.wrong.append(f"{where}: claimed before its needs {unmet}")
    if any(sweep.tasks[need].settled not in accept for need, accept in task.needs.items()):
        sweep.wrong.append(f"{where}: claimed while a need is not settled as accepted")
    _require_alive(sweep, event["session"], event["incarnation"], where)
    project = str(row.project)
    granted = sweep.granted_by.get((project, event["token"]))
    if granted is not None and granted != row.command_id:
        sweep.wrong.append(f"{where}: token {event['token']} was minted by another command")
    if granted is None and event["token"] <= sweep.last_token.get(project, 0):
        sweep.wrong.append(f"{where}: token {event['token']} is not new")
    task.holder, task.ready = event["token"], False


def _take_lock(sweep: _Sweep, row: LogRow, event: dict[str, Any]) -> None:
    where, project = f"@{row.position} {row.type}", str(row.project)
    if "token" not in event:
        return  # a request that waits holds nothing
    live, token = sweep.grants[project], event["token"]
    if row.type == "lock.granted.v1":
        if token <= sweep.last_token.get(project, 0):
            sweep.wrong.append(f"{where}: token {token} after {sweep.last_token[project]}")
        sweep.last_token[project] = token
        sweep.granted_by[project, token] = str(row.command_id)
        if event["session"]:
            _require_alive(sweep, event["session"], event["incarnation"], where)
        live.pop(event.get("replaces") or 0, None)
        claims = tuple((claim["claim"], claim["mode"]) for claim in event["claims"])
        grant = Held(event["session"], event["incarnation"], event["task"], claims)
        sweep.wrong += [
            f"{where}: {token} clashes with {other}" for other in live if clash(live[other], grant, sweep.parents)
        ]
        if claims:
            live[token] = grant
    elif row.type == "lock.released.v1":
        live.pop(token, None)
    elif row.type == "lock.lingered.v1" and token in live:
        live[token].lingers = True


def _take_session(sweep: _Sweep, row: LogRow, event: dict[str, Any]) -> None:
    if row.type == "session.opened.v1":
        former = sweep.incarnation.get(row.stream, 0)
        if event["incarnation"] != former + 1:
            sweep.wrong.append(f"@{row.position} incarnation {event['incarnation']} after {former}")
        sweep.over.add((row.stream, former))
        sweep.incarnation[row.stream] = event["incarnation"]
    elif row.type in ("session.lost.v1", "session.ended.v1"):
        sweep.over.add((row.stream, event["incarnation"]))


def _require_alive(sweep: _Sweep, session: str, incarnation: int, where: str) -> None:
    if sweep.incarnation.get(session) != incarnation or (session, incarnation) in sweep.over:
        sweep.wrong.append(f"{where}: for {session}/{incarnation}, which is not alive")


def _check_needs_at_rest(sweep: _Sweep) -> None:
    """Each settlement reaches each dependant exactly once. Call it of a log whose server has nothing under way."""
    for need, dependants in sweep.dependants.items():
        for dependant in dependants:
            told, due = sweep.settled_needs[dependant, need], sweep.settlements[need]
            task = sweep.tasks.get(dependant)
            # Who was cancelled in the meantime need not hear of it any more.
            if told > due or (told < due and (task is None or task.settled != "cancelled")):
                sweep.wrong.append(f"{dependant} was told {told} times that {need} settled {due} times")
    for name, planned in sweep.tasks.items():
        unmet = [need for need, accept in planned.needs.items() if sweep.tasks[need].settled not in accept]
        if unmet and planned.ready:
            sweep.wrong.append(f"{name} is ready before its needs {unmet}")


def _check_history(rows: Sequence[LogRow], history: Iterable[Op], wrong: list[str]) -> None:
    groups: dict[str, list[LogRow]] = defaultdict(list)
    for row in rows:
        groups[str(row.command_id)].append(row)
    for command_id, group in groups.items():
        if group[-1].position - group[0].position != len(group) - 1:
            wrong.append(f"{command_id} lies at {[row.position for row in group]}: not one group")
    answers: dict[str, tuple[int, str]] = {}
    for op in history:
        group = groups.get(op.command_id, [])
        if op.outcome == "fail":
            wrong += [f"{op.command_id} failed and wrote {row.type}" for row in group if row.type not in OF_REFUSALS]
        if op.outcome != "ok":
            continue
        if answers.setdefault(op.command_id, (op.position, op.answer)) != (op.position, op.answer):
            wrong.append(f"{op.command_id} was answered in two ways")
        if op.must_write and not group:
            wrong.append(f"{op.command_id} {op.kind} was acknowledged and is not in the log")
        if group and group[-1].position != op.position:
            wrong.append(f"{op.command_id} {op.kind} was answered {op.position}, its group ends {group[-1].position}")
        if op.position > len(rows):
            wrong.append(f"{op.command_id} was answered {op.position}, beyond the log")
