"""Tasks, locks and sessions as the tools show them: bounded, with the words of others marked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from api.mcp.answers import Fields, present, untrusted
from domain.kernel.activity import SessionStatus
from projections.kernel.rows import entries
from projections.lock_map.rows import LockMapRow
from projections.session_roster.rows import SessionRosterRow

CLAIM_CHARACTERS_MAX: Final = 200
AT_WORK: Final[tuple[SessionStatus, ...]] = (
    "working",
    "busy_in_tool",
    "waiting_for_person",
    "quota_blocked",
    "idle",
    "suspect",
    "draining",
)
"""How sessions stand that are heard."""
_PLANNER: Final = "whoever planned the task"
_BEFORE: Final = "former attempts at the task"


def assignment(claimed: Mapping[str, Any], characters_max: int) -> Fields:
    """A task that is the session's from now on. ``characters_max`` bounds each of its texts."""
    before = {
        name: untrusted(claimed[name], _BEFORE, characters_max)
        for name in ("checkpoint", "handover", "failure")
        if claimed.get(name)
    }
    return present(
        task=claimed["task"],
        key=claimed["key"],
        title=untrusted(claimed["title"], _PLANNER, characters_max),
        body=untrusted(claimed["body"], _PLANNER, characters_max) if claimed["body"] else None,
        kind=claimed["kind"],
        token=claimed["token"],
        attempt=claimed["attempt"],
        locks=claims(claimed["scope"], characters_max // 100 + 1),
        evidence_needed=claimed["evidence"],
        seconds_max=claimed["timeout_seconds"],
        stall_seconds=claimed.get("stall_seconds"),
        extend_seconds_max=claimed.get("extend_seconds_max"),
        deadline=claimed["deadline"],
        phase=claimed.get("origin"),
        input=untrusted(claimed["input"], "the phases before it", characters_max) if claimed.get("input") else None,
        **before,
        artifacts=[
            untrusted(f"{one['name']}: {one['uri']}", _BEFORE, characters_max)
            for one in claimed["artifacts"][: characters_max // 100 + 1]
        ],
    )


def claims(scope: Iterable[Mapping[str, Any]], most: int) -> list[str]:
    """Claims in one line each; a mode other than exclusive stands before it."""
    said = list(scope)
    lines = [_claim(str(one["claim"]), str(one["mode"])) for one in said[:most]]
    return lines if len(said) <= most else [*lines, f"and {len(said) - most} more"]


def _claim(claim: str, mode: str) -> str:
    cut = claim if len(claim) <= CLAIM_CHARACTERS_MAX else f"{claim[:CLAIM_CHARACTERS_MAX]}…"
    return cut if mode == "exclusive" else f"{mode} {cut}"


def lock(row: LockMapRow, most: int) -> Fields:
    """All locks of one token."""
    return present(
        token=str(row.token),
        locks=claims(entries(row.claims), most),
        task=row.task,
        since=row.granted_at,
        lingers_until=row.lingers_until,
        lingers_because=row.lingers_because,
    )


def peer(row: SessionRosterRow, locks: Sequence[LockMapRow], most: int) -> Fields:
    """Somebody else at work in the project."""
    at_work = entries(row.attempts)
    shut = [one for each in locks if each.session == row.key for one in entries(each.claims)]
    return present(
        session=row.key,
        name=untrusted(row.name, row.key, 60) if row.name else None,
        tool=untrusted(row.tool, row.key, 40) if row.tool else None,
        status=row.status,
        tasks=[str(one["task"]) for one in at_work[:most]],
        locks=claims(shut, most),
    )
