"""The commands that a worker sends: those of every agent, with what a worker says in them."""

from collections.abc import Mapping, Sequence

from api.cli.worker.settings import WorkerSettings
from signalbox.client import work as asks
from signalbox.client.asks import Accepted, Ask, Pushed
from signalbox.client.fields import Fields
from signalbox.client.work import (
    NOTHING,
    REASON_CHARACTERS_MAX,
    SUMMARY_CHARACTERS_MAX,
    Assignment,
    OpenedLife,
    report,
)


def open_session(settings: WorkerSettings, resume: str | None) -> Ask[Accepted]:
    """A first life, or the next one of a session that was lost."""
    said = {
        "resume": resume,
        "name": settings.name,
        "role": settings.role,
        "tool": settings.tool,
        "model": settings.model,
        "host": settings.host,
        "worktree": settings.worktree,
        "parent": settings.parent,
        "credential_pool": settings.credential_pool,
        "capabilities": dict(settings.capabilities),
        "capacity": settings.capacity,
        "ttl_seconds": settings.ttl_seconds,
        "takes_pushed": settings.push,
    }
    return asks.open_session([settings.project], said)


def fetch(pushed: Pushed, life: OpenedLife) -> Ask[Accepted]:
    """What was given to the session, told once more: a claim of its own task by name."""
    return asks.claim_named(pushed.project, life, pushed.task)


def progress(
    work: Assignment, percent: float | None, note: str, checkpoint: str | None, left: Fields = NOTHING
) -> Ask[Accepted]:
    """``left`` is what the work has made and spent so far."""
    return report("report_progress", work, percent=percent, note=note, checkpoint=checkpoint, **left)


def complete(
    work: Assignment, summary: str, evidence: Sequence[Mapping[str, object]] = (), left: Fields = NOTHING
) -> Ask[Accepted]:
    proofs = list(evidence) or None
    return report("complete_task", work, summary=summary[-SUMMARY_CHARACTERS_MAX:], evidence=proofs, **left)


def fail(work: Assignment, kind: str, reason: str, checkpoint: str | None, left: Fields = NOTHING) -> Ask[Accepted]:
    said = reason[-REASON_CHARACTERS_MAX:]
    return report("fail_task", work, kind=kind, reason=said, checkpoint=checkpoint, **left)


def release(work: Assignment, note: str, checkpoint: str | None, left: Fields = NOTHING) -> Ask[Accepted]:
    return report("release_task", work, note=note[-REASON_CHARACTERS_MAX:], checkpoint=checkpoint, **left)
