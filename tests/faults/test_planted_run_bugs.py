"""The checker of runs finds what it is there for: bugs planted in a good log and in the marks of its work."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.log.port import LogRow
from tests.faults.run_cases import Case, definition_of
from tests.faults.run_checker import run_violations

RUN, DEPLOY, WATCH, UNDO = "run_1", "task_1", "task_2", "task_3"
CASE = Case("small", {}, outcome="failed", otherwise={"watch": "failed"}, undone=("deploy",), works=3)
Line = tuple[str, str, dict[str, Any]]


def place(key: str, **said: Any) -> dict[str, Any]:
    return {"place": key, "generation": 1, **said}


def planned(key: str, purpose: str = "work") -> dict[str, Any]:
    return {"origin": {"run": RUN, **place(key, purpose=purpose)}}


def good() -> tuple[list[Line], list[str]]:
    """Deployed, found to be ill, and taken back."""
    log: list[Line] = [
        (RUN, "run.queued.v1", {"parent": None}),
        (RUN, "run.join_fired.v1", place("deploy")),
        (RUN, "run.phase_offered.v1", place("deploy", task=DEPLOY)),
        (DEPLOY, "task.planned.v1", planned("deploy")),
        (DEPLOY, "task.claimed.v1", {"token": 1}),
        (DEPLOY, "task.completed.v1", {"token": 1}),
        (RUN, "run.phase_settled.v1", place("deploy", outcome="succeeded")),
        (WATCH, "task.planned.v1", planned("watch")),
        (WATCH, "task.claimed.v1", {"token": 2}),
        (WATCH, "task.attempt_ended.v1", {"token": 2, "kind": "agent"}),
        (RUN, "run.phase_settled.v1", place("watch", outcome="failed")),
        (UNDO, "task.planned.v1", planned("deploy", "undo")),
        (UNDO, "task.claimed.v1", {"token": 3}),
        (UNDO, "task.completed.v1", {"token": 3}),
        (RUN, "run.undo_succeeded.v1", place("deploy")),
        (RUN, "run.settled.v1", {"outcome": "failed"}),
    ]
    return log, [f"{RUN} deploy 1 work 1", f"{RUN} watch 1 work 2", f"{RUN} deploy 1 undo 3"]


def judged(log: list[Line], marks: list[str]) -> list[str]:
    rows = [
        LogRow(position, stream, 0, kind, 1, json.dumps(event).encode(), 0, "proj_1", "key", "c", "c", None, None)
        for position, (stream, kind, event) in enumerate(log, 1)
    ]
    return run_violations(rows, {RUN: CASE}, "\n".join(marks))


def test_nothing_is_wrong_with_a_good_run() -> None:
    assert judged(*good()) == []


def ends_well(log: list[Line], marks: list[str]) -> None:
    log[-1] = (RUN, "run.settled.v1", {"outcome": "succeeded"})


def ends_twice(log: list[Line], marks: list[str]) -> None:
    log.append(log[-1])


def never_ends(log: list[Line], marks: list[str]) -> None:
    log.pop()


def settles_twice(log: list[Line], marks: list[str]) -> None:
    log.insert(7, log[6])


def offered_twice(log: list[Line], marks: list[str]) -> None:
    log.insert(3, log[2])


def undone_twice(log: list[Line], marks: list[str]) -> None:
    log.insert(15, log[14])


def never_undone(log: list[Line], marks: list[str]) -> None:
    log.pop(14)


def done_twice(log: list[Line], marks: list[str]) -> None:
    log.insert(5, (DEPLOY, "task.claimed.v1", {"token": 9}))
    marks.append(f"{RUN} deploy 1 work 9")


def done_twice_under_one_token(log: list[Line], marks: list[str]) -> None:
    marks.append(marks[2])


def done_unasked(log: list[Line], marks: list[str]) -> None:
    marks[0] = f"{RUN} deploy 1 work 7"


def never_done(log: list[Line], marks: list[str]) -> None:
    marks.pop(0)


def completed_twice(log: list[Line], marks: list[str]) -> None:
    log.insert(6, log[5])


def another_run(log: list[Line], marks: list[str]) -> None:
    log.append(("run_2", "run.queued.v1", {"parent": None}))


@pytest.mark.parametrize(
    "bug",
    [
        ends_well,
        ends_twice,
        never_ends,
        settles_twice,
        offered_twice,
        undone_twice,
        never_undone,
        done_twice,
        done_twice_under_one_token,
        done_unasked,
        never_done,
        completed_twice,
        another_run,
    ],
)
def test_a_planted_bug_is_found(bug: Callable[[list[Line], list[str]], None]) -> None:
    log, marks = good()
    bug(log, marks)
    assert judged(log, marks)


def test_whoever_was_lost_may_be_followed_by_another_attempt() -> None:
    log, marks = good()
    lost: Line = (DEPLOY, "task.attempt_ended.v1", {"token": 1, "kind": "session_lost"})
    log[5:6] = [lost, (DEPLOY, "task.claimed.v1", {"token": 9}), (DEPLOY, "task.completed.v1", {"token": 9})]
    assert judged(log, [*marks, f"{RUN} deploy 1 work 9"]) == []


def test_each_piece_of_work_of_an_example_leaves_its_mark() -> None:
    phases = {phase["key"]: phase for phase in definition_of("ship-and-watch")["phases"]}
    deploy = phases["deploy"]["work"]
    assert deploy["task"]["run"].splitlines()[1:] == ["echo deployed"]
    assert "$EFFECTS" in deploy["undo"]["task"]["run"]
