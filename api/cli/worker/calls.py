"""The commands that a worker sends, and their answers as it reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.cli.worker.readable import readable
from api.cli.worker.settings import WorkerSettings
from signalbox.client.asks import Accepted, Ask, ProjectToken, Pushed, command
from signalbox.client.fields import (
    Fields,
    integer,
    number,
    objects,
    optional_number,
    optional_text,
    text,
)

SUMMARY_CHARACTERS_MAX: Final = 65_536
REASON_CHARACTERS_MAX: Final = 4_096
CHECKPOINT_CHARACTERS_MAX: Final = 65_536
CLAIM_MAX: Final = 64
"""Tasks that one claim may ask for."""
NOTHING: Final[Fields] = {}


@dataclass(frozen=True, slots=True)
class OpenedLife:
    session: str
    incarnation: int
    ttl_seconds: int
    beat_seconds: float
    """Between two heartbeats, as the server wants them."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task that this worker owns, fenced by its token."""

    project: str
    task: str
    key: str
    title: str
    token: str
    attempt: int
    run: str | None
    timeout_seconds: float | None
    fields: Fields
    """The whole answer, as the command gets it on standard input."""

    @property
    def project_token(self) -> ProjectToken:
        """What heartbeats name it by."""
        return ProjectToken(self.project, self.token)


def open_session(settings: WorkerSettings, resume: str | None) -> Ask[Accepted]:
    """A first life, or the next one of a session that was lost."""
    fields = {
        "projects": [settings.project],
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
    return command("open_session", fields)


def life_of(accepted: Accepted) -> OpenedLife:
    answer = accepted.answer
    return OpenedLife(
        session=text(answer, "session"),
        incarnation=integer(answer, "incarnation"),
        ttl_seconds=integer(answer, "ttl_seconds"),
        beat_seconds=number(answer, "beat_seconds"),
    )


def end_session(life: OpenedLife) -> Ask[Accepted]:
    return command("end_session", {"session": life.session, "incarnation": life.incarnation})


def claim(project: str, life: OpenedLife, most: int, command_id: str, wait_seconds: float) -> Ask[Accepted]:
    """At most so many tasks; the same id asks for the same assignments, whatever it waits."""
    fields = {"project": project, "session": life.session, "incarnation": life.incarnation}
    if most == 1:
        return command("claim_task", fields, command_id=command_id, wait_seconds=wait_seconds)
    several = {**fields, "most": min(most, CLAIM_MAX)}
    return command("claim_tasks", several, command_id=command_id, wait_seconds=wait_seconds)


def fetch(pushed: Pushed, life: OpenedLife) -> Ask[Accepted]:
    """What was given to the session, told once more: a claim of its own task by name."""
    fields = {
        "project": pushed.project, "session": life.session, "incarnation": life.incarnation, "task": pushed.task
    }  # fmt: skip
    return command("claim_task", fields)


def assignments_of(project: str, accepted: Accepted) -> tuple[Assignment, ...]:
    """What a claim of one or of many was answered with."""
    answer = accepted.answer
    several = objects(answer, "tasks") if "tasks" in answer else (answer,)
    return tuple(_assignment(project, one) for one in several)


def _assignment(project: str, answer: Fields) -> Assignment:
    return Assignment(
        project=project,
        task=text(answer, "task"),
        key=text(answer, "key"),
        title=text(answer, "title"),
        token=text(answer, "token"),
        attempt=integer(answer, "attempt"),
        run=optional_text(answer, "run"),
        timeout_seconds=optional_number(answer, "timeout_seconds"),
        fields=answer,
    )


def progress(
    work: Assignment, percent: float | None, note: str, checkpoint: str | None, left: Fields = NOTHING
) -> Ask[Accepted]:
    """``left`` is what the work has made and spent so far."""
    return _report("report_progress", work, percent=percent, note=note, checkpoint=checkpoint, **left)


def complete(
    work: Assignment, summary: str, evidence: Sequence[Mapping[str, object]] = (), left: Fields = NOTHING
) -> Ask[Accepted]:
    proofs = list(evidence) or None
    return _report("complete_task", work, summary=summary[-SUMMARY_CHARACTERS_MAX:], evidence=proofs, **left)


def fail(work: Assignment, kind: str, reason: str, checkpoint: str | None, left: Fields = NOTHING) -> Ask[Accepted]:
    said = reason[-REASON_CHARACTERS_MAX:]
    return _report("fail_task", work, kind=kind, reason=said, checkpoint=checkpoint, **left)


def release(work: Assignment, note: str, checkpoint: str | None, left: Fields = NOTHING) -> Ask[Accepted]:
    return _report("release_task", work, note=note[-REASON_CHARACTERS_MAX:], checkpoint=checkpoint, **left)


def _report(name: str, work: Assignment, **fields: object) -> Ask[Accepted]:
    said = {
        field: readable(value) if isinstance(value, str) else value
        for field, value in fields.items()
        if value is not None
    }
    return command(name, {"project": work.project, "task": work.task, "token": work.token, **said})
