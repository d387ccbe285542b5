"""The checker finds what it is there for: bugs planted in a good log, one by one."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infrastructure.log.port import LogRow
from tests.faults.checker import Op, violations

PROJECT, TASK, NEED, SESSION, OTHER = "proj_1", "task_1", "task_0", "sess_1", "sess_2"
CLAIM = {"claim": "path:r//a*/b", "mode": "exclusive"}


def good() -> list[LogRow]:
    """Two tasks, one after the other, two sessions; each row is one command's but the claims."""
    steps: list[tuple[str, str, dict[str, Any]]] = [
        (SESSION, "session.opened.v1", {"incarnation": 1}),
        (OTHER, "session.opened.v1", {"incarnation": 1}),
        (NEED, "task.planned.v1", {"needs": []}),
        (NEED, "task.dependant_added.v1", {"dependant": TASK}),
        (TASK, "task.planned.v1", {"needs": [{"task": NEED, "accept": ["completed"]}]}),
        (NEED, "task.readied.v1", {}),
        ("locks_1", "lock.granted.v1", _granted(1, SESSION, NEED)),
        (NEED, "task.claimed.v1", {"session": SESSION, "incarnation": 1, "token": 1}),
        (NEED, "task.progressed.v1", {"token": 1}),
        (NEED, "task.completed.v1", {"token": 1}),
        ("locks_1", "lock.released.v1", {"token": 1}),
        (TASK, "task.need_settled.v1", {"need": NEED, "outcome": "completed"}),
        (TASK, "task.readied.v1", {}),
        ("locks_1", "lock.granted.v1", _granted(2, OTHER, TASK)),
        (TASK, "task.claimed.v1", {"session": OTHER, "incarnation": 1, "token": 2}),
    ]
    commands = ["o1", "o2", "p", "p", "p", "p", "c1", "c1", "r1", "f1", "f1", "n1", "n1", "c2", "c2"]
    return _numbered([_row(*step, command) for step, command in zip(steps, commands, strict=True)])


def _granted(token: int, session: str, task: str | None) -> dict[str, Any]:
    return {"token": token, "session": session, "incarnation": 1, "task": task, "claims": [CLAIM]}


def _row(stream: str, kind: str, event: dict[str, Any], command: str) -> LogRow:
    text = json.dumps(event).encode()
    return LogRow(0, stream, 0, kind, 1, text, 0, PROJECT, "key", command, command, None, None)


def _numbered(rows: list[LogRow]) -> list[LogRow]:
    versions: dict[str, int] = {}
    found: list[LogRow] = []
    for position, row in enumerate(rows, start=1):
        versions[row.stream] = versions.get(row.stream, 0) + 1
        found.append(_but(row, position=position, version=versions[row.stream], recorded_at=position))
    return found


def _but(row: LogRow, **fields: Any) -> LogRow:
    return LogRow(**{name: fields.get(name, getattr(row, name)) for name in LogRow.__annotations__})


def _changed(rows: list[LogRow], position: int, **fields: Any) -> list[LogRow]:
    row = rows[position - 1]
    state = json.dumps({**json.loads(row.state), **fields}).encode()
    return [*rows[: position - 1], _but(row, state=state), *rows[position:]]


def _with(rows: list[LogRow], position: int, *row: Any) -> list[LogRow]:
    """One more row behind a position."""
    return _numbered([*rows[:position], _row(*row), *rows[position:]])


def _without(rows: list[LogRow], *positions: int) -> list[LogRow]:
    return _numbered([row for row in rows if row.position not in positions])


PLANTED: dict[str, Callable[[list[LogRow]], list[LogRow]]] = {
    "a hole": lambda rows: [*rows[:4], *rows[5:]],
    "a version twice": lambda rows: [_but(rows[0], version=2), *rows[1:]],
    "time falls": lambda rows: [*rows[:5], _but(rows[5], recorded_at=1), *rows[6:]],
    "a claim before its need": lambda rows: _without(rows, 12),
    "a need that was never done": lambda rows: _without(rows, 10),
    "a need told twice": lambda rows: _with(rows, 12, *_told(), "n2"),
    "a need never told": lambda rows: _without(rows, 12, 13, 14, 15),
    "claimed by two": lambda rows: _with(rows, 8, *_claimed(OTHER, 9), "c9"),
    "claimed after it was done": lambda rows: _with(rows, 11, *_claimed(OTHER, 9), "c9"),
    "a stale token reports": lambda rows: _changed(rows, 9, token=7),
    "a stale token completes": lambda rows: _changed(rows, 10, token=7),
    "a token again": lambda rows: _changed(_changed(rows, 14, token=1), 15, token=1),
    "locks that clash": lambda rows: _without(rows, 11),
    "a lost session claims": lambda rows: _with(rows, 13, OTHER, "session.lost.v1", {"incarnation": 1}, "l"),
    "an ended session claims": lambda rows: _with(rows, 6, SESSION, "session.ended.v1", {"incarnation": 1}, "l"),
    "a fenced life claims": lambda rows: _with(rows, 13, OTHER, "session.opened.v1", {"incarnation": 2}, "l"),
    "a claim doubled": lambda rows: _numbered([*rows, *rows[13:]]),
    "a command torn apart": lambda rows: [*rows[:14], _but(rows[14], command_id="c3")],
}


def _told() -> tuple[str, str, dict[str, Any]]:
    return TASK, "task.need_settled.v1", {"need": NEED, "outcome": "completed"}


def _claimed(session: str, token: int) -> tuple[str, str, dict[str, Any]]:
    return NEED, "task.claimed.v1", {"session": session, "incarnation": 1, "token": token}


ACKNOWLEDGED = Op("c1", "claim_task", "ok", 8, "{}")


def test_a_good_log_is_good() -> None:
    assert violations(good(), [ACKNOWLEDGED, Op("x", "claim_task", "fail"), Op("p", "apply_plan", "info")]) == []


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str) -> None:
    assert violations(PLANTED[bug](good()))


def family(*moves: tuple[str, str | None], parent: str | None = SESSION) -> list[LogRow]:
    """One session writes below what another one writes, and is moved."""
    steps: list[tuple[str, str, dict[str, Any]]] = [
        (SESSION, "session.opened.v1", {"incarnation": 1}),
        (OTHER, "session.opened.v1", {"incarnation": 1, "parent": parent}),
        ("sess_3", "session.opened.v1", {"incarnation": 1, "parent": SESSION}),
        ("locks_1", "lock.granted.v1", _granted(1, SESSION, None)),
        ("locks_1", "lock.granted.v1", _granted(2, OTHER, None)),
        *((session, "session.reparented.v1", {"parent": above}) for session, above in moves),
    ]
    return _numbered([_row(*step, f"c{number}") for number, step in enumerate(steps)])


def test_a_family_holds_what_only_one_may_until_it_is_torn() -> None:
    assert violations(family()) == []
    assert violations(family((OTHER, "sess_3"))) == []
    assert violations(family((OTHER, None)))
    assert violations(family(("sess_3", None), (OTHER, "sess_3"))), "whoever is above has left before"
    assert violations(family(parent=None))
    released = _with(family(), 5, "locks_1", "lock.released.v1", {"token": 1}, "r")
    assert violations(_with(released, 6, OTHER, "session.reparented.v1", {"parent": None}, "m")) == []


@pytest.mark.parametrize(
    "op",
    [
        Op("gone", "claim_task", "ok", 8),
        Op("c1", "claim_task", "ok", 7),
        Op("c1", "claim_task", "fail"),
        Op("noop", "acquire_locks", "ok", 99, must_write=False),
    ],
)
def test_a_broken_promise_is_found(op: Op) -> None:
    assert violations(good(), [op])


def test_two_answers_to_one_command_are_found() -> None:
    assert violations(good(), [ACKNOWLEDGED, replace(ACKNOWLEDGED, answer='{"task": 1}')])
