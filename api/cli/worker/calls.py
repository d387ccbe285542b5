"""The commands that a worker sends, and their answers as it reads them."""

from dataclasses import dataclass
from typing import Final

from api.cli.worker.settings import WorkerSettings
from signalbox.client.asks import Accepted, Ask, command
from signalbox.client.fields import (
    Fields,
    integer,
    optional_number,
    optional_text,
    text,
)

SUMMARY_CHARACTERS_MAX: Final = 65_536
REASON_CHARACTERS_MAX: Final = 4_096
CHECKPOINT_CHARACTERS_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class OpenedLife:
    session: str
    incarnation: int
    ttl_seconds: int


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


def open_session(settings: WorkerSettings, resume: str | None) -> Ask[Accepted]:
    """A first life, or the next one of a session that was lost."""
    fields = {
        "projects": [settings.project],
        "resume": resume,
        "name": settings.name,
        "tool": "shell",
        "host": settings.host,
        "capabilities": dict(settings.capabilities),
        "capacity": settings.capacity,
        "ttl_seconds": settings.ttl_seconds,
    }
    return command("open_session", fields)


def life_of(accepted: Accepted) -> OpenedLife:
    answer = accepted.answer
    return OpenedLife(text(answer, "session"), integer(answer, "incarnation"), integer(answer, "ttl_seconds"))


def end_session(life: OpenedLife) -> Ask[Accepted]:
    return command("end_session", {"session": life.session, "incarnation": life.incarnation})


def claim_task(project: str, life: OpenedLife, command_id: str, wait_seconds: float) -> Ask[Accepted]:
    """The same id asks for the same assignment, whatever it waits."""
    fields = {"project": project, "session": life.session, "incarnation": life.incarnation}
    return command("claim_task", fields, command_id=command_id, wait_seconds=wait_seconds)


def assignment_of(project: str, accepted: Accepted) -> Assignment:
    answer = accepted.answer
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


def progress(work: Assignment, percent: float | None, note: str, checkpoint: str | None) -> Ask[Accepted]:
    return _report("report_progress", work, percent=percent, note=note, checkpoint=checkpoint)


def complete(work: Assignment, summary: str) -> Ask[Accepted]:
    return _report("complete_task", work, summary=summary[-SUMMARY_CHARACTERS_MAX:])


def fail(work: Assignment, kind: str, reason: str, checkpoint: str | None) -> Ask[Accepted]:
    return _report("fail_task", work, kind=kind, reason=reason[-REASON_CHARACTERS_MAX:], checkpoint=checkpoint)


def release(work: Assignment, note: str, checkpoint: str | None) -> Ask[Accepted]:
    return _report("release_task", work, note=note[-REASON_CHARACTERS_MAX:], checkpoint=checkpoint)


def _report(name: str, work: Assignment, **fields: object) -> Ask[Accepted]:
    said = {field: value for field, value in fields.items() if value is not None}
    return command(name, {"project": work.project, "task": work.task, "token": work.token, **said})
