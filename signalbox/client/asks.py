"""Requests as values: what is sent, and how the answer is read. A command carries its id, so a repeat is the same."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

from signalbox.client.answers import body_of, error_of, graphql_error_of
from signalbox.client.errors import SignalboxError
from signalbox.client.fields import (
    Fields,
    as_fields,
    integer,
    number,
    objects,
    optional_number,
    optional_text,
    text,
)
from signalbox.client.ids import fresh_command_id
from signalbox.client.transport import HttpAnswer, HttpRequest

ANSWER_SECONDS_MAX: Final = 15.0
"""Longest time without an answer, on top of what was asked to wait."""
COMMANDS_MAX: Final = 100
"""Commands in one request."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One request, and the reading of its answer, which raises a SignalboxError where it is none."""

    request: HttpRequest
    read: Callable[[HttpAnswer], T]
    repeatable: bool = True
    """Whether sending it twice is as good as once."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to an accepted command."""

    answer: Fields
    position: int
    """The log position from which the answer is true; reads may ask for it with ``after``."""
    repeated: bool
    """Whether the command was accepted before and this is the first answer once more."""


class ProjectToken(NamedTuple):
    """A fencing token with its project (slug or id): two projects may hand out the same number."""

    project: str
    token: str


class Pushed(NamedTuple):
    """An attempt that the session holds and did not name."""

    project: str
    task: str
    token: str

    @property
    def project_token(self) -> ProjectToken:
        """What heartbeats name it by."""
        return ProjectToken(self.project, self.token)


@dataclass(frozen=True, slots=True)
class HeldNow:
    """What a session holds: an attempt with the locks of its claim, or locks that it took by itself."""

    token: ProjectToken
    """By project id."""
    task: str | None
    """Of an attempt; None for locks outside any."""
    locks_seconds: float | None
    """Until its locks end, however often the session is renewed; None where it has none."""
    revoked_seconds: float | None
    """Until the attempt loses its token, because its task was cancelled; None where it keeps it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer to a heartbeat."""

    status: str
    """``live``, ``suspect``, ``lost``, ``ended`` or ``fenced``."""
    ttl_seconds: int
    lease_seconds: float
    """What was left of the lease when it was answered: stop writing where no later answer comes by then."""
    held: tuple[HeldNow, ...]
    """Everything that the session holds."""
    revoked: tuple[ProjectToken, ...]
    """What was named and is not held any more, as it was named: stop that work."""
    draining: bool = False
    """Whether the session takes nothing new and ends with what it has, or has ended so."""
    pushed: tuple[Pushed, ...] = ()
    """What the session was given and did not name: a claim of the task by name tells what it is."""


@dataclass(frozen=True, slots=True)
class Waited:
    position: int
    changed: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    events: tuple[Fields, ...]
    position: int
    """Where to go on: everything up to it was looked at. The end is reached when it no longer moves."""
    head: int
    """End of the whole log when the page was read."""


def command(
    name: str, fields: Mapping[str, object], *, command_id: str | None = None, wait_seconds: float = 0.0
) -> Ask[Accepted]:
    """One command, under a fresh id where none is given. Refusals raise Refused when asked."""
    envelope: dict[str, object] = {"type": name, "id": command_id or fresh_command_id(), "command": fields}
    if wait_seconds > 0:
        envelope["wait_seconds"] = wait_seconds
    return Ask(_post("/v1/commands", envelope, wait_seconds), lambda answer: _accepted(body_of(answer)))


def commands(several: Iterable[tuple[str, Mapping[str, object]]]) -> Ask[tuple[Accepted | SignalboxError, ...]]:
    """At most 100 commands in one request, each under a fresh id; each stands alone, decided in order."""
    envelopes = [{"type": name, "id": fresh_command_id(), "command": fields} for name, fields in several]
    if len(envelopes) > COMMANDS_MAX:
        raise ValueError(f"one request carries at most {COMMANDS_MAX} commands")
    return Ask(_post("/v1/commands", {"commands": envelopes}), _results)


def heartbeat(
    session: str,
    incarnation: int,
    tokens: Iterable[ProjectToken],
    *,
    seconds_max: float,
    said: Mapping[str, object] | None = None,
    wait_seconds: float = 0.0,
) -> Ask[Heard]:
    """Renew a lease and acknowledge tokens; ``said`` is a signal. No answer within ``seconds_max`` is no answer.

    With ``wait_seconds`` (30 at most) the answer waits until the session is given, is to end, or loses an attempt.
    """
    beat: dict[str, object] = {
        "session": session, "incarnation": incarnation, "tokens": [one._asdict() for one in tokens]
    }  # fmt: skip
    if wait_seconds > 0:
        beat["wait_seconds"] = wait_seconds
    if said is not None:
        beat["said"] = said
    return Ask(HttpRequest("POST", "/v1/heartbeat", _json(beat), seconds_max), _heard)


def wait(project: str, after: int, seconds: float) -> Ask[Waited]:
    """Return as soon as an event of the project lies behind ``after``, or after ``seconds`` (30 at most)."""
    query = {"project": project, "after": after, "timeout_seconds": seconds}
    return Ask(_get("/v1/wait", query, seconds), _waited)


def events(
    *, project: str | None = None, stream: str | None = None, after: int = 0, limit: int = 500
) -> Ask[EventPage]:
    """A page of the log behind ``after``, of one project or one stream; for a stream, places are versions."""
    query = {"project": project, "stream": stream, "after": after, "limit": limit}
    return Ask(_get("/v1/events", {name: value for name, value in query.items() if value is not None}), _page)


def status() -> Ask[Fields]:
    return Ask(_get("/v1/status", {}), body_of)


def new_key(name: str, role: str, projects: Iterable[str], lifetime_seconds: int | None) -> Ask[Accepted]:
    """A new key, whose answer holds ``key`` and ``secret``. Without an answer the secret is lost: issue another."""
    wish = {"name": name, "role": role, "projects": list(projects), "lifetime_seconds": lifetime_seconds}
    return Ask(_post("/v1/keys", wish), lambda answer: _accepted(body_of(answer)), repeatable=False)


def graphql(query: str, variables: Mapping[str, object]) -> Ask[Fields]:
    """The ``data`` of a GraphQL answer. The first error, if any, is raised as Refused or ServerFaultError."""
    return Ask(_post("/graphql", {"query": query, "variables": variables}), _data)


def _post(path: str, body: Mapping[str, object], wait_seconds: float = 0.0) -> HttpRequest:
    return HttpRequest("POST", path, _json(body), ANSWER_SECONDS_MAX + wait_seconds)


def _get(path: str, query: Mapping[str, object], wait_seconds: float = 0.0) -> HttpRequest:
    return HttpRequest("GET", f"{path}?{urlencode(query)}" if query else path, None, ANSWER_SECONDS_MAX + wait_seconds)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _accepted(fields: Fields) -> Accepted:
    return Accepted(
        as_fields(fields.get("answer"), "answer"), integer(fields, "position"), fields.get("repeated") is True
    )


def _results(answer: HttpAnswer) -> tuple[Accepted | SignalboxError, ...]:
    return tuple(_result(one) for one in objects(body_of(answer), "results"))


def _result(fields: Fields) -> Accepted | SignalboxError:
    if fields.get("ok") is False:
        return error_of(HTTPStatus.OK, as_fields(fields.get("error"), "error"))
    return _accepted(fields)


def _heard(answer: HttpAnswer) -> Heard:
    fields = body_of(answer)
    pushed = tuple(
        Pushed(text(one, "project"), text(one, "task"), text(one, "token"))
        for one in (objects(fields, "pushed") if "pushed" in fields else ())
    )
    return Heard(
        status=text(fields, "status"),
        ttl_seconds=integer(fields, "ttl_seconds"),
        lease_seconds=number(fields, "lease_seconds"),
        held=tuple(_held_now(one) for one in objects(fields, "held")),
        revoked=tuple(_project_token(one) for one in objects(fields, "revoked")),
        draining=fields.get("draining") is True,
        pushed=pushed,
    )


def _held_now(fields: Fields) -> HeldNow:
    return HeldNow(
        token=_project_token(fields),
        task=optional_text(fields, "task"),
        locks_seconds=optional_number(fields, "locks_seconds"),
        revoked_seconds=optional_number(fields, "revoked_seconds"),
        reason=text(fields, "reason"),
    )


def _project_token(fields: Fields) -> ProjectToken:
    return ProjectToken(text(fields, "project"), text(fields, "token"))


def _waited(answer: HttpAnswer) -> Waited:
    fields = body_of(answer)
    return Waited(integer(fields, "position"), fields.get("changed") is True)


def _page(answer: HttpAnswer) -> EventPage:
    fields = body_of(answer)
    return EventPage(objects(fields, "events"), integer(fields, "position"), integer(fields, "head"))


def _data(answer: HttpAnswer) -> Fields:
    fields = body_of(answer)
    if fields.get("errors"):
        raise graphql_error_of(objects(fields, "errors")[0])
    return as_fields(fields.get("data"), "data")
