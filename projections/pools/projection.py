"""How the events of a lock space become rows, one for each pool."""

from collections.abc import Iterable
from typing import Any, Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.lock.events import (
    LockRequestWithdrawn,
    LocksBroken,
    LocksGranted,
    LocksReleased,
    LocksRequested,
    LocksTransferred,
    LockTransferReverted,
    PoolMemberQuarantined,
    PoolMemberReturned,
    PoolSet,
    units_asked,
)
from projections.kernel.projection import Projection
from projections.kernel.rows import entries, json_text
from projections.pools.rows import PoolRow

_Definition = PoolSet | PoolMemberQuarantined | PoolMemberReturned
_Gone = LocksReleased | LocksBroken
_Passed = LocksTransferred | LockTransferReverted
PoolEvent = _Definition | LocksGranted | _Gone | _Passed | LocksRequested | LockRequestWithdrawn
Members = dict[str, dict[str, Any]]
_DRAINED: Final[dict[str, Any]] = {"draining": True, "quarantined": False, "labels": []}


def keys(recorded: Recorded) -> tuple[str, ...]:
    """Every pool whose units the event concerns."""
    return tuple(f"{recorded.stream}/{name}" for name in _names(cast(PoolEvent, recorded.event)))


def evolve(row: PoolRow | None, recorded: Recorded, key: str) -> PoolRow | None:
    """The row after the event; what is told of a pool before it was set is nobody's."""
    event = cast(PoolEvent, recorded.event)
    name = key.partition("/")[2]
    if row is None:
        return _set(_begun(recorded, key, name), event) if isinstance(event, PoolSet) else None
    match event:
        case PoolSet():
            return _set(row, event)
        case PoolMemberQuarantined() | PoolMemberReturned():
            marked = _members(row)
            if event.member in marked:
                marked[event.member]["quarantined"] = isinstance(event, PoolMemberQuarantined)
            return _counted(row, marked, event.at)
        case LocksGranted():
            return _granted(row, event, name)
        case LocksReleased() | LocksBroken():
            return _counted(row, _held(_members(row), event.token, None), event.at)
        case LocksTransferred() | LockTransferReverted():
            return _counted(row, _held(_members(row), event.token, event), event.at)
        case LocksRequested():
            asked = [
                *entries(row.requests),
                {"request": event.request, "units": units_asked(event.claims).get(name, 0)},
            ]
            return _queued(row, asked, event.at)
        case LockRequestWithdrawn():
            return _queued(row, _without(row, event.request), event.at)
        case _:
            assert_never(event)


def _names(event: PoolEvent) -> Iterable[str]:
    match event:
        case PoolSet() | PoolMemberQuarantined() | PoolMemberReturned():
            return (event.pool,)
        case LocksGranted():
            # A grant of before members were told, or an answer to a request, is found by its claims.
            return dict.fromkeys((*(one.pool for one in event.members), *units_asked(event.claims)))
        case LocksRequested():
            return units_asked(event.claims)
        case _:
            return event.pools


def _begun(recorded: Recorded, key: str, name: str) -> PoolRow:
    return PoolRow(
        key=key,
        project=recorded.project,
        name=name,
        quota=None,
        quantity=0,
        free=0,
        taken=0,
        quarantined=0,
        draining=0,
        waiting=0,
        waiting_units=0,
        members="[]",
        requests="[]",
        changed_at=0,
    )


def _set(row: PoolRow, event: PoolSet) -> PoolRow:
    """What left the pool stays on the list for as long as it is held; quarantine outlives a new definition."""
    former = _members(row)
    now: Members = {name: one | _DRAINED for name, one in former.items() if one["token"] is not None}
    for member in event.members:
        known = former.get(member.name, {"token": None, "session": None, "task": None, "quarantined": False})
        now[member.name] = {**known, "name": member.name, "labels": sorted(member.labels), "draining": False}
    return _counted(row._replace(quota=event.quota), now, event.at)


def _granted(row: PoolRow, event: LocksGranted, name: str) -> PoolRow:
    members = _members(row)
    if event.replaces is not None:
        members = _held(members, event.replaces, None)
    holder = {"token": str(event.token), "session": event.session or None, "task": event.task}
    for taken in event.members:
        if taken.pool == name:
            members |= {one: members[one] | holder for one in taken.members if one in members}
    counted = _counted(row, members, event.at)
    return counted if event.request is None else _queued(counted, _without(counted, event.request), event.at)


def _held(members: Members, token: int, passed: _Passed | None) -> Members:
    """What was held under the token is free, or another's; a unit that was only drained goes."""
    holder: dict[str, object] = {"token": None, "session": None, "task": None}
    if passed is not None:
        task = passed.task if isinstance(passed, LockTransferReverted) else None
        holder = {"token": str(passed.successor), "session": passed.session or None, "task": task}
    after = {name: one | holder if one["token"] == str(token) else one for name, one in members.items()}
    return {name: one for name, one in after.items() if one["token"] is not None or not one["draining"]}


def _members(row: PoolRow) -> Members:
    return {one["name"]: one for one in entries(row.members)}


def _counted(row: PoolRow, members: Members, at: int) -> PoolRow:
    own = [one for one in members.values() if not one["draining"]]
    return row._replace(
        quantity=len(own),
        free=sum(one["token"] is None and not one["quarantined"] for one in own),
        taken=sum(one["token"] is not None for one in own),
        quarantined=sum(one["quarantined"] for one in own),
        draining=len(members) - len(own),
        members=json_text([members[name] for name in sorted(members)]),
        changed_at=at,
    )


def _without(row: PoolRow, request: int) -> list[dict[str, Any]]:
    return [one for one in entries(row.requests) if one["request"] != request]


def _queued(row: PoolRow, asked: list[dict[str, Any]], at: int) -> PoolRow:
    units = sum(one["units"] for one in asked)
    return row._replace(waiting=len(asked), waiting_units=units, requests=json_text(asked), changed_at=at)


POOLS: Final = Projection(
    name="pools",
    version=1,
    row=PoolRow,
    handles=frozenset(get_args(PoolEvent)),
    begins=frozenset(),
    keys=keys,
    evolve=evolve,
    indexes=(("project", "key"),),
)
