"""What an agent asks in the course of its life, as requests: its session, its tasks, its locks; typed answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from signalbox.client.asks import Accepted, Ask, ProjectToken, command
from signalbox.client.fields import Fields, integer, number, objects, optional_number, optional_text, text, texts
from signalbox.client.readable import readable

SUMMARY_CHARACTERS_MAX: Final = 65_536
REASON_CHARACTERS_MAX: Final = 4_096
CLAIM_MAX: Final = 64
"""Tasks that one claim may ask for."""
WAIT_SECONDS_MAX: Final = 30.0
"""How long one request may wait at the server."""
Mode = Literal["exclusive", "update", "shared", "intent"]
FailureKind = Literal["agent", "invalid_result", "rate_limited", "timeout"]
NOTHING: Final[Fields] = {}


@dataclass(frozen=True, slots=True)
class OpenedLife:
    """One life of a session."""

    session: str
    incarnation: int
    ttl_seconds: int
    beat_seconds: float
    """Between two heartbeats, as the server wants them."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task that the session owns, fenced by its token."""

    project: str
    task: str
    key: str
    title: str
    token: str
    attempt: int
    run: str | None
    timeout_seconds: float | None
    fields: Fields
    """The whole answer: body, kind, scope, checkpoint and handover of former attempts, and more."""
    extend_seconds_max: float | None = None
    """By how much its holder may prolong the timeout."""

    @property
    def project_token(self) -> ProjectToken:
        """What heartbeats name it by."""
        return ProjectToken(self.project, self.token)


@dataclass(frozen=True, slots=True)
class LocksHeld:
    """Locks under one token."""

    token: str
    claims: tuple[str, ...]
    """As they are stored."""
    members: tuple[str, ...]
    """Units of pools that were given."""


@dataclass(frozen=True, slots=True)
class LocksWaited:
    """A request that waits in the queue."""

    request: str
    place: int | None
    blockers: tuple[Fields, ...]
    """Who is in the way."""


def open_session(projects: Sequence[str], said: Mapping[str, object]) -> Ask[Accepted]:
    """A first life, or with ``resume`` the next one of a session that was lost."""
    return command("open_session", {"projects": list(projects), **said})


def life_of(accepted: Accepted) -> OpenedLife:
    """The life that was opened."""
    answer = accepted.answer
    return OpenedLife(
        session=text(answer, "session"),
        incarnation=integer(answer, "incarnation"),
        ttl_seconds=integer(answer, "ttl_seconds"),
        beat_seconds=number(answer, "beat_seconds"),
    )


def end_session(life: OpenedLife) -> Ask[Accepted]:
    """Give back everything and go."""
    return command("end_session", {"session": life.session, "incarnation": life.incarnation})


def claim_named(project: str, life: OpenedLife, task: str) -> Ask[Accepted]:
    """One task by its key or id; what the session has already is told once more."""
    return command("claim_task", {**_life(project, life), "task": task})


def claim(
    project: str, life: OpenedLife, most: int, command_id: str | None = None, wait_seconds: float = 0.0
) -> Ask[Accepted]:
    """At most so many tasks; the same id asks for the same assignments, whatever it waits."""
    fields = _life(project, life)
    if most == 1:
        return command("claim_task", fields, command_id=command_id, wait_seconds=wait_seconds)
    several = {**fields, "most": min(most, CLAIM_MAX)}
    return command("claim_tasks", several, command_id=command_id, wait_seconds=wait_seconds)


def assignments_of(project: str, accepted: Accepted) -> tuple[Assignment, ...]:
    """What a claim of one or of many was answered with."""
    answer = accepted.answer
    several = objects(answer, "tasks") if "tasks" in answer else (answer,)
    return tuple(_assignment(project, one) for one in several)


def report(name: str, work: Assignment, **fields: object) -> Ask[Accepted]:
    """A report on an attempt: ``report_progress``, ``complete_task``, ``fail_task`` or ``release_task``.

    What is None is not said, and text is sent without what only a terminal understands.
    """
    said = {
        field: readable(value) if isinstance(value, str) else value
        for field, value in fields.items()
        if value is not None
    }
    return command(name, {"project": work.project, "task": work.task, "token": work.token, **said})


def acquire(
    project: str,
    life: OpenedLife,
    claims: Sequence[str],
    *,
    mode: Mode = "exclusive",
    attempt: str | None = None,
    purpose: str = "",
    queued_seconds: float | None = None,
) -> Ask[Accepted]:
    """All of the claims or none; with ``queued_seconds`` in the queue for what is not free."""
    wait = {} if queued_seconds is None else {"wait": "queue", "wait_timeout_seconds": queued_seconds}
    owner = {} if attempt is None else {"attempt": attempt}
    wanted = [{"claim": one, "mode": mode} for one in claims]
    return command("acquire_locks", {**_life(project, life), "claims": wanted, "purpose": purpose, **owner, **wait})


def await_locks(project: str, life: OpenedLife, request: str, wait_seconds: float) -> Ask[Accepted]:
    """What became of a request in the queue."""
    fields = {**_life(project, life), "request": request}
    return command("await_locks", fields, wait_seconds=min(wait_seconds, WAIT_SECONDS_MAX))


def withdraw(project: str, life: OpenedLife, request: str) -> Ask[Accepted]:
    """Leave the queue."""
    return command("withdraw_lock_request", {**_life(project, life), "request": request})


def release_locks(project: str, life: OpenedLife, token: str) -> Ask[Accepted]:
    """Give back the locks of one token."""
    return command("release_locks", {**_life(project, life), "token": token})


def locks_of(accepted: Accepted) -> LocksHeld | LocksWaited:
    """What a request for locks was answered with."""
    answer = accepted.answer
    if text(answer, "outcome") == "waiting":
        place = optional_number(answer, "place")
        return LocksWaited(text(answer, "request"), None if place is None else int(place), objects(answer, "blockers"))
    claims = tuple(text(one, "claim") for one in objects(answer, "claims"))
    members = tuple(name for one in objects(answer, "members") for name in texts(one, "members"))
    return LocksHeld(text(answer, "token"), claims, members)


def _life(project: str, life: OpenedLife) -> dict[str, object]:
    return {"project": project, "session": life.session, "incarnation": life.incarnation}


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
        extend_seconds_max=optional_number(answer, "extend_seconds_max"),
    )
