"""What must hold of a fleet's run beside what holds of any log: order in real time, leases, fairness of the queue."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from infrastructure.log.port import LogRow
from tests.faults.fleet_history import FleetHistory, Span
from tests.support.queue_model import NOBODY, HeldLocks, QueueModel, Request, Who, collide

CLOCKS_APART_MICROSECONDS = 50_000
"""The server counts from a clock that it read at its start, the agents read theirs anew."""


def fleet_violations(rows: Sequence[LogRow], history: FleetHistory, ttl_seconds: int) -> list[str]:
    """Everything that is wrong, in words."""
    wrong = out_of_order(rows, history.spans)
    wrong += early_losses(rows, history, ttl_seconds)
    wrong += unfair_grants(rows)
    return wrong


def out_of_order(rows: Sequence[LogRow], spans: Iterable[Span]) -> list[str]:
    """I1: who was answered before another began comes before it in the log."""
    wrote = {str(row.command_id) for row in rows}
    placed = sorted(
        (span for span in spans if span.answered is not None and span.position and span.command_id in wrote),
        key=lambda span: span.position,
    )
    wrong: list[str] = []
    earliest: Span | None = None
    for span in reversed(placed):
        if earliest is not None and _answered(earliest) < span.sent:
            wrong.append(
                f"{earliest.command_id}@{earliest.position} was answered before {span.command_id}@{span.position} began"
            )
        if earliest is None or _answered(span) < _answered(earliest):
            earliest = span
    return wrong


def _answered(span: Span) -> int:
    assert span.answered is not None
    return span.answered


def early_losses(rows: Sequence[LogRow], history: FleetHistory, ttl_seconds: int) -> list[str]:
    """I11: no life is lost before a TTL since the last renewal that was answered."""
    renewed: dict[tuple[str, int], list[int]] = defaultdict(list)
    for renewal in history.renewals:
        renewed[renewal.session, renewal.incarnation].append(renewal.began)
    wrong: list[str] = []
    for row in rows:
        if row.type != "session.lost.v1":
            continue
        event = json.loads(row.state)
        before = [began for began in renewed[row.stream, event["incarnation"]] if began < event["at"]]
        left = max(before, default=0) + ttl_seconds * 1_000_000 - event["at"]
        if left > CLOCKS_APART_MICROSECONDS:
            wrong.append(f"@{row.position} {row.stream}/{event['incarnation']} is lost {left} us too early")
    return wrong


def unfair_grants(rows: Sequence[LogRow]) -> list[str]:
    """I12: a grant overtakes only requests that wait, directly or through others, for its own owner."""
    models: dict[str, QueueModel] = defaultdict(QueueModel)
    wrong: list[str] = []
    for row in rows:
        if row.type.startswith("lock."):
            wrong += _take(models[str(row.project)], row, json.loads(row.state))
    wrong += [f"{project} keeps {len(model.waiting)} waiting" for project, model in models.items() if model.waiting]
    return wrong


def _take(model: QueueModel, row: LogRow, event: dict[str, Any]) -> list[str]:
    wrong: list[str] = []
    match row.type:
        case "lock.requested.v1":
            key = (event["at"] - event["boost_seconds"] * 1_000_000, event["request"])
            model.waiting.append(Request(event["request"], _who(event), _claims(event), key))
        case "lock.request_withdrawn.v1":
            model.waiting = [one for one in model.waiting if one.number != event["request"]]
        case "lock.granted.v1":
            replaced = [one for one in model.held if one.token == event["replaces"]]
            model.held = [one for one in model.held if one.token != event["replaces"]]
            wrong = [] if _takes_over(replaced, event) else _overtaken(model, row, event)
            model.waiting = [one for one in model.waiting if one.number != event["request"]]
            if event["claims"]:
                model.held.append(HeldLocks(event["token"], _who(event), _claims(event)))
        case "lock.released.v1":
            model.held = [one for one in model.held if one.token != event["token"]]
        case "lock.lingered.v1":
            for one in model.held:
                one.orphan = one.orphan or one.token == event["token"]
        case _:
            pass
    return wrong


def _takes_over(replaced: Sequence[HeldLocks], event: dict[str, Any]) -> bool:
    """Whether an attempt takes just what its task had reserved: nobody gets past anybody by that."""
    return any(one.who == (NOBODY, event["task"]) and one.claims == _claims(event) for one in replaced)


def _overtaken(model: QueueModel, row: LogRow, event: dict[str, Any]) -> list[str]:
    mine = next((one for one in model.waiting if one.number == event["request"]), None)
    who, claims = _who(event), _claims(event)
    before = [one for one in model.waiting if one is not mine and (mine is None or one.key < mine.key)]
    rivals = [one for one in before if collide(one.who, one.claims, who, claims, False)]
    if not rivals:
        return []
    edges = model.edges()
    return [
        f"@{row.position} the grant {event['token']} to {who} overtakes request {one.number} of {one.who}"
        for one in rivals
        if not model.reaches(edges, one.who, who)
    ]


def _who(event: dict[str, Any]) -> Who:
    return f"{event['session']}/{event['incarnation']}", event["task"]


def _claims(event: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((claim["claim"].partition("//")[2], claim["mode"]) for claim in event["claims"])
