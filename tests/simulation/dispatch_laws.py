"""What must hold of how work was given out, read from the log by code that shares nothing with the nodes."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from infrastructure.log.port import LogRow

DELIVERY_MICROSECONDS: Final = 30_000_000
HEARD_MICROSECONDS: Final = 7_000_000
"""Until no node stands still any more, once nothing goes wrong, and each has caught up: they stand still for 6 s."""
TOLD_MICROSECONDS: Final = 1_000_000
"""Until every node has heard of what another one appended, once each has caught up."""
ANOTHER: Final = "it got another task"
PUSHED_BY: Final = "policy:push_assignment"
REVOKED_BY: Final = "policy:grace_over"
Life = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Manner:
    """How the project of a run gives out work."""

    strategy: str
    window_milliseconds: int


@dataclass(slots=True)
class _Attempt:
    life: Life
    task: str
    claimed_at: int
    started: bool = False
    revoked_at: int | None = None


@dataclass(slots=True)
class _Sweep:
    manner: Manner
    wrong: list[str] = field(default_factory=list[str])
    opened: dict[Life, dict[str, Any]] = field(default_factory=dict[Life, dict[str, Any]])
    attempts: dict[int, _Attempt] = field(default_factory=dict[int, _Attempt])
    """Live ones by token."""
    room: dict[Life, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Tokens of the attempts that a life has, as its own stream tells."""
    offers: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """Bids for a task by a session, since it was given out last."""
    reserved: set[str] = field(default_factory=set[str])
    """Tasks that had their locks reserved once."""


def dispatch_violations(rows: Sequence[LogRow], manner: Manner) -> list[str]:
    """Everything that is wrong, in words. The log is one of a run at whose end nobody works any more."""
    sweep = _Sweep(manner)
    for row in rows:
        _take(sweep, row, json.loads(row.state))
    sweep.wrong += [f"the attempt {token} at {one.task} has no end" for token, one in sweep.attempts.items()]
    return sweep.wrong


def _take(sweep: _Sweep, row: LogRow, event: dict[str, Any]) -> None:
    where = f"@{row.position} {row.type} {row.stream}"
    match row.type:
        case "session.opened.v1":
            sweep.opened[row.stream, event["incarnation"]] = event
        case "session.attempt_started.v1":
            _begin(sweep, row.stream, event["token"], where)
        case "session.attempt_ended.v1":
            for tokens in sweep.room.values():
                tokens.discard(event["token"])
        case "task.bid.v1":
            sweep.offers[row.stream, event["session"]].append(event["bid"])
        case "lock.granted.v1" if not event["session"]:
            sweep.reserved.add(event["task"])
        case "task.claimed.v1":
            _claim(sweep, row, event, where)
        case "task.started.v1":
            sweep.attempts[event["token"]].started = True
        case "task.attempt_ended.v1":
            _end(sweep, row, event, where)
        case "task.completed.v1":
            sweep.attempts.pop(event["token"], None)
        case "task.cancelled.v1" if event.get("revoked_at") is not None:
            for one in sweep.attempts.values():
                one.revoked_at = event["revoked_at"] if one.task == row.stream else one.revoked_at
        case _:
            pass


def _begin(sweep: _Sweep, session: str, token: int, where: str) -> None:
    """A session has as many attempts as it has room for."""
    life = max(one for one in sweep.opened if one[0] == session)
    sweep.room[life].add(token)
    capacity = sweep.opened[life]["capacity"]
    if len(sweep.room[life]) > capacity:
        sweep.wrong.append(f"{where}: {len(sweep.room[life])} attempts where there is room for {capacity}")


def _claim(sweep: _Sweep, row: LogRow, event: dict[str, Any], where: str) -> None:
    life = (event["session"], event["incarnation"])
    sweep.attempts[event["token"]] = _Attempt(life, row.stream, event["at"])
    choice, named = event.get("choice"), event["strategy"]
    if row.actor == PUSHED_BY and not sweep.opened[life].get("takes_pushed"):
        sweep.wrong.append(f"{where}: pushed to {life}, which takes nothing unasked")
    if choice is not None:
        _check_choice(sweep, row, event, where)
    elif named in ("optimal", "auction"):
        sweep.wrong.append(f"{where}: {named} does not say why")
    for offer in [one for one in sweep.offers if one[0] == row.stream]:
        del sweep.offers[offer]


def _check_choice(sweep: _Sweep, row: LogRow, event: dict[str, Any], where: str) -> None:
    strategy, choice, manner = event["strategy"], event["choice"], sweep.manner
    usual = strategy == "reservation" and manner.strategy == "priority"
    if strategy != manner.strategy and not usual:
        sweep.wrong.append(f"{where}: given out by {strategy} where {manner.strategy} is the rule")
    losers = [one["session"] for one in choice["losers"]]
    if event["session"] in losers or len(losers) != len(set(losers)) or len(losers) >= choice["sessions"]:
        sweep.wrong.append(f"{where}: losers {losers} of {choice['sessions']} sessions beside {event['session']}")
    if strategy == "auction":
        _check_auction(sweep, row, event, where)
    elif strategy == "priority":
        better = [one for one in choice["losers"] if one["score"] > choice["score"] and one["reason"] != ANOTHER]
        sweep.wrong += [f"{where}: {one['session']} suits it better and got nothing" for one in better]


def _check_auction(sweep: _Sweep, row: LogRow, event: dict[str, Any], where: str) -> None:
    """The best bid wins, of those that somebody made; and there was a whole window to bid in."""
    # A claim bears the time at which it was asked, perhaps before the task was ready; it was recorded afterwards.
    choice, waited = event["choice"], row.recorded_at - event["ready_at"]
    if waited < sweep.manner.window_milliseconds * 1_000 and row.stream not in sweep.reserved:
        sweep.wrong.append(f"{where}: given out {waited} us after it was ready, before the window ends")
    mine = {
        worth(bid) for bid in sweep.offers[row.stream, event["session"]] if bid["incarnation"] == event["incarnation"]
    }
    if choice["score"] and choice["score"] not in mine:
        sweep.wrong.append(f"{where}: won with {choice['score']}, which {event['session']} did not bid: {mine}")
    for one in choice["losers"]:
        if one["score"] > choice["score"] and one["reason"] != ANOTHER:
            sweep.wrong.append(f"{where}: {one['session']} bid {one['score']}, more than {choice['score']}")


def worth(bid: dict[str, Any]) -> int:
    """Confidence for the money, a cent added to each price, in millionths of a percent."""
    cent = 10_000
    return int(bid["confidence_percent"] * 1_000_000 * cent // (cent + bid["cost_microdollars"]))


def untold_graces(
    rows: Sequence[LogRow], told: Collection[str], confirmed: Mapping[str, Sequence[int]], quiet_since: int
) -> list[str]:
    """Whose heartbeat is told that the work is its own still is told as well that nobody wants it, once all is well."""
    ends: dict[int, int] = {}
    holder: dict[str, int] = {}
    cancelled: dict[int, tuple[int, int]] = {}
    for row in rows:
        event = json.loads(row.state)
        if row.type == "task.started.v1":
            holder[row.stream] = event["token"]
        elif row.type == "task.attempt_ended.v1":
            ends[event["token"]] = row.recorded_at
            holder.pop(row.stream, None)
        elif row.type == "task.cancelled.v1" and row.stream in holder and row.recorded_at > quiet_since:
            cancelled[holder[row.stream]] = (row.recorded_at, row.position)
    wrong: list[str] = []
    for token, (at, position) in cancelled.items():
        known_by = max(quiet_since + HEARD_MICROSECONDS, at + TOLD_MICROSECONDS)
        late = [one for one in confirmed.get(str(token), ()) if known_by < one < ends.get(token, 0)]
        if late and str(token) not in told:
            wrong.append(f"@{position} whoever holds {token} heard at {late[0]} to have it, and not of the cancel")
    return wrong


def _end(sweep: _Sweep, row: LogRow, event: dict[str, Any], where: str) -> None:
    attempt = sweep.attempts.pop(event["token"], None)
    if attempt is None:
        return  # the general checker has it
    if event["kind"] == "lost_delivery":
        if attempt.started:
            sweep.wrong.append(f"{where}: {event['token']} was acknowledged and ends as a lost delivery")
        if event["at"] - attempt.claimed_at < DELIVERY_MICROSECONDS:
            sweep.wrong.append(
                f"{where}: {event['token']} had {event['at'] - attempt.claimed_at} us to be acknowledged"
            )
    if row.actor == REVOKED_BY and (attempt.revoked_at is None or event["at"] < attempt.revoked_at):
        sweep.wrong.append(
            f"{where}: {event['token']} is revoked at {event['at']}, its grace ends {attempt.revoked_at}"
        )
