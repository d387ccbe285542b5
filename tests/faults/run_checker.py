"""What must hold of runs, told from the stored rows and from the marks of their work: no fold of the server is used."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infrastructure.log.port import LogRow
from tests.faults.run_cases import Case

Piece = tuple[str, str, int, str]
"""Run, place, generation, and ``work`` or ``undo``."""
ONCE_A_GENERATION = frozenset({"run.join_fired.v1", "run.phase_offered.v1", "run.effect_registered.v1"})
AFTERWARDS = frozenset({"run.awaited.v1"})
"""What may happen to a run that has ended: it says who counts on how that was."""
CLOSING = {"run.phase_skipped.v1": "skipped", "run.phase_blocked.v1": "blocked"}


@dataclass(slots=True)
class Walked:
    """One run as the log tells it."""

    statuses: dict[str, str] = field(default_factory=dict[str, str])
    outcomes: list[str] = field(default_factory=list[str])
    undone: list[str] = field(default_factory=list[str])
    inside: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Runs that it began, by place."""


@dataclass(slots=True)
class Told:
    """What the log tells of all runs and of their work."""

    runs: dict[str, Walked] = field(default_factory=lambda: defaultdict(Walked))
    pieces: dict[str, Piece] = field(default_factory=dict[str, Piece])
    """By task."""
    claimed: dict[Piece, set[int]] = field(default_factory=lambda: defaultdict(set))
    completed: dict[Piece, int] = field(default_factory=dict[Piece, int])
    lost: Counter[Piece] = field(default_factory=Counter[Piece])
    """Attempts that ended without a word of who made them."""
    wrong: list[str] = field(default_factory=list[str])


def told_by(rows: Sequence[LogRow]) -> Told:
    """Read the log once, in its order."""
    told = Told()
    seen: set[tuple[str, str, str, int]] = set()
    for row in rows:
        event: dict[str, Any] = json.loads(row.state)
        if row.type.startswith("run."):
            _of_run(told, row, event, seen)
        elif row.type.startswith("task."):
            _of_task(told, row, event)
    return told


def _of_run(told: Told, row: LogRow, event: Mapping[str, Any], seen: set[tuple[str, str, str, int]]) -> None:
    run = told.runs[row.stream]
    if run.outcomes and row.type not in AFTERWARDS:
        told.wrong.append(f"@{row.position} {row.type} behind the end of {row.stream}")
    if row.type == "run.queued.v1" and event["parent"] is not None:
        told.runs[event["parent"]["run"]].inside[event["parent"]["place"]].append(row.stream)
    elif row.type == "run.settled.v1":
        run.outcomes.append(event["outcome"])
    elif row.type == "run.phase_settled.v1" or row.type in CLOSING:
        if event["place"] in run.statuses:
            told.wrong.append(f"@{row.position} {event['place']} settles twice")
        run.statuses[event["place"]] = CLOSING.get(row.type) or event["outcome"]
    elif row.type == "run.undo_succeeded.v1":
        run.undone.append(event["place"])
    if row.type in ONCE_A_GENERATION:
        mark = (row.type, row.stream, event["place"], event["generation"])
        if mark in seen:
            told.wrong.append(f"@{row.position} {mark} once more")
        seen.add(mark)


def _of_task(told: Told, row: LogRow, event: Mapping[str, Any]) -> None:
    if row.type == "task.planned.v1" and event["origin"] is not None:
        origin = event["origin"]
        told.pieces[row.stream] = (origin["run"], origin["place"], origin["generation"], origin["purpose"])
    piece = told.pieces.get(row.stream)
    if piece is None:
        return
    if row.type == "task.claimed.v1":
        told.claimed[piece].add(event["token"])
    elif row.type == "task.completed.v1":
        if piece in told.completed:
            told.wrong.append(f"@{row.position} {piece} is completed twice")
        told.completed[piece] = event["token"]
    elif row.type == "task.attempt_ended.v1" and event["kind"] in ("session_lost", "lost_delivery", "timeout"):
        told.lost[piece] += 1


def marks_of(text: str) -> dict[Piece, list[int]]:
    """Tokens under which each piece of work was really begun."""
    found: dict[Piece, list[int]] = defaultdict(list)
    for line in text.splitlines():
        run, place, generation, purpose, token = line.split()
        found[run, place, int(generation), purpose].append(int(token))
    return found


def run_violations(rows: Sequence[LogRow], started: Mapping[str, Case], effects: str) -> list[str]:
    """Everything that is wrong with the runs, in words; empty where each ended as it has to."""
    told, marks = told_by(rows), marks_of(effects)
    wrong = [*told.wrong, *_work(told, marks)]
    expected = dict(started)
    for name, case in started.items():
        inside = told.runs[name].inside
        if {place: len(runs) for place, runs in inside.items()} != dict.fromkeys(case.inside, 1):
            wrong.append(f"{case.pipeline} {name} began the runs {dict(inside)}")
        expected |= {run: case.inside[place] for place, runs in inside.items() if place in case.inside for run in runs}
    if told.runs.keys() != expected.keys():
        wrong.append(f"runs {sorted(told.runs.keys() ^ expected.keys())} are not those that were acknowledged")
    for name, case in expected.items():
        run = told.runs[name]
        said = {place: status for place, status in run.statuses.items() if status != "succeeded"}
        if run.outcomes != [case.outcome] or said != case.otherwise:
            wrong.append(f"{case.pipeline} {name} ended as {run.outcomes} with {said}")
        if tuple(run.undone) != case.undone:
            wrong.append(f"{case.pipeline} {name} took back {run.undone}, not {case.undone}")
        done = sum(piece[0] == name for piece, tokens in marks.items() if tokens)
        if done != case.works:
            wrong.append(f"{case.pipeline} {name} did {done} pieces of work, not {case.works}")
    return wrong


def _work(told: Told, marks: Mapping[Piece, Sequence[int]]) -> list[str]:
    wrong: list[str] = []
    for piece, tokens in marks.items():
        if len(set(tokens)) != len(tokens) or not set(tokens) <= told.claimed[piece]:
            wrong.append(f"{piece} was begun under {tokens}, claimed under {sorted(told.claimed[piece])}")
        if len(tokens) > 1 + told.lost[piece]:
            wrong.append(f"{piece} was done {len(tokens)} times")
    for piece, token in told.completed.items():
        if token not in marks.get(piece, ()):
            wrong.append(f"{piece} was completed under {token} by nobody who did it")
    return wrong
