"""What must hold of a fleet's run beside what holds of any log: order in real time, leases, fairness of the queue."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from infrastructure.log.port import LogRow
from tests.faults.checker import PLACING
from tests.faults.fleet_history import FleetHistory, Span, ToldDeadlock
from tests.support.queue_model import NOBODY, HeldLocks, QueueModel, Request, Who

CLOCKS_APART_MICROSECONDS = 50_000
"""The server counts from a clock that it read at its start, the agents read theirs anew."""
ORPHAN_SECONDS_MAX = 90
"""A life that nobody renews is over by then, however slow the machine is."""


def fleet_violations(rows: Sequence[LogRow], history: FleetHistory, ttl_seconds: int) -> list[str]:
    """Everything that is wrong, in words."""
    wrong = out_of_order(rows, history.spans)
    wrong += early_losses(rows, history, ttl_seconds)
    wrong += unfair_grants(rows)
    wrong += circles(rows)
    wrong += invented_deadlocks(rows, history.deadlocks)
    wrong += orphans(rows, history)
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


def orphans(rows: Sequence[LogRow], history: FleetHistory) -> list[str]:
    """I14: no life goes on for which nobody speaks any more."""
    heard = {(one.session, one.incarnation): one.began for one in history.renewals}
    lives: dict[tuple[str, int], int] = {}
    for row in rows:
        if row.type == "session.opened.v1":
            life = (row.stream, json.loads(row.state)["incarnation"])
            lives = {one: at for one, at in lives.items() if one[0] != row.stream} | {life: row.recorded_at}
        elif row.type in ("session.lost.v1", "session.ended.v1"):
            lives.pop((row.stream, json.loads(row.state)["incarnation"]), None)
    ends_at = rows[-1].recorded_at if rows else 0
    return [
        f"{session}/{incarnation} is still there, and was not heard for {silent // 1_000_000} s"
        for (session, incarnation), opened_at in lives.items()
        if (silent := ends_at - max(opened_at, heard.get((session, incarnation), 0))) > ORPHAN_SECONDS_MAX * 1_000_000
    ]


def circles(rows: Sequence[LogRow]) -> list[str]:
    """I13: after each request that waits, the queue still empties once all who do not wait give back what they hold."""
    spaces = Spaces()
    wrong: list[str] = []
    for row in rows:
        spaces.take(row)
        if row.type == "lock.requested.v1" and not spaces[str(row.project)].drains():
            wrong.append(f"@{row.position} the request waits for itself")
    return wrong


def invented_deadlocks(rows: Sequence[LogRow], told: Sequence[ToldDeadlock]) -> list[str]:
    """I13: while a request was asked that was refused as a deadlock, there was a moment when it would have been one."""
    names = {json.loads(row.state)["name"]: row.stream for row in rows if row.type == "project.created.v1"}
    open_: dict[str, list[ToldDeadlock]] = defaultdict(list)
    for one in told:
        open_[names.get(one.project, "")].append(one)
    spaces = Spaces()
    since: dict[str, int] = defaultdict(int)
    for row in rows:
        # A move in the hierarchy changes every lock space.
        for project in [str(row.project)] if row.type.startswith("lock.") else open_ if row.type in PLACING else ():
            open_[project] = _unproven(spaces[project], open_[project], since[project], row.recorded_at)
            since[project] = row.recorded_at
        spaces.take(row)
    left = [one for project in open_ for one in _unproven(spaces[project], open_[project], since[project], 1 << 62)]
    return [f"{one.command_id} of {one.who} was refused as a deadlock and was none" for one in left]


def _unproven(model: QueueModel, told: list[ToldDeadlock], since: int, until: int) -> list[ToldDeadlock]:
    """Those that the state between two instants does not prove right."""
    apart = CLOCKS_APART_MICROSECONDS
    return [
        one
        for one in told
        if one.sent - apart > until
        or one.answered + apart < since
        or not model.deadlocked(Request(1 << 62, one.who, one.claims, (one.answered, 1 << 62)))
    ]


def unfair_grants(rows: Sequence[LogRow]) -> list[str]:
    """I12: a grant overtakes only requests that wait, directly or through others, for its own owner."""
    spaces = Spaces()
    wrong = [words for row in rows for words in spaces.take(row)]
    wrong += [f"{project} keeps {len(model.waiting)} waiting" for project, model in spaces.items() if model.waiting]
    return wrong


class Spaces(defaultdict[str, QueueModel]):
    """The queue of each project, all of them under one hierarchy of lives, as the rows so far tell of them."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._incarnations: dict[str, int] = {}
        super().__init__(lambda: QueueModel(parents=self._parents))

    def take(self, row: LogRow) -> list[str]:
        """What is wrong with the row that comes next."""
        event = json.loads(row.state)
        if row.type in PLACING:
            self._place(row.stream, event)
        return _take(self[str(row.project)], row, event) if row.type.startswith("lock.") else []

    def _place(self, session: str, event: dict[str, Any]) -> None:
        if "incarnation" in event:
            self._incarnations[session] = event["incarnation"]
        parent = event.get("parent")
        if parent is None:
            self._parents.pop(self._life(session), None)
        else:
            self._parents[self._life(session)] = self._life(parent)

    def _life(self, session: str) -> str:
        return f"{session}/{self._incarnations[session]}"


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
    rivals = [one for one in before if model.collide(one.who, one.claims, who, claims, False)]
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
