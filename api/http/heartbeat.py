"""POST /v1/heartbeat: the session lives, and these tokens of these projects arrived."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError, field_validator

from api.http.answers import Reply, fault_problem, json_reply, problem_reply, refusal
from api.http.body import Refused, parse_object, read_body, require_json
from api.http.deadlines import Deadlines
from api.http.request import Request, invalid_request
from api.http.waiting import unless_stopped
from api.ports import Heard, HeartbeatPort, ProjectToken, ServiceFault
from domain.kernel.errors import Rejection
from domain.kernel.message import Message
from domain.principal.allow import allow
from domain.session.commands import TTL_SECONDS_MAX, Label, Note, SignalSession
from domain.session.events import Signal

TOKENS_MAX: Final = 1_000
PROJECTS_MAX: Final = 100
"""As many as a session may serve."""
BODY_BYTES_MAX: Final = 196_608
BEAT_SECONDS_MAX: Final = 10.0
WAIT_SECONDS_MAX: Final = 30.0
CACHED_VERDICTS_MAX: Final = 1_000_000


class Named(Message):
    """A token that the client believes to hold, with its project by slug or id."""

    project: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    token: Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,18})$")]


class Said(Message):
    """What the session does now; the fields are those of the command ``signal_session``."""

    signal: Signal
    tool: Label = ""
    seconds: int | None = Field(default=None, ge=1, le=TTL_SECONDS_MAX)
    digest: Annotated[str, StringConstraints(max_length=128)] = ""
    note: Note = ""


class Beat(Message):
    """One sign of life."""

    session: str = Field(min_length=1, max_length=100)
    incarnation: int = Field(ge=1, le=2**31)
    tokens: tuple[Named, ...] = Field(default=(), max_length=TOKENS_MAX)
    said: Said | None = None
    wait_seconds: float = Field(default=0.0, ge=0, le=WAIT_SECONDS_MAX)
    """The lease is renewed at once; the answer waits until the session is given, is to end, or loses an attempt."""
    counts_mail: bool = False
    """Whether the answer tells how many messages wait."""
    cached_verdicts: int = Field(default=0, ge=0, le=CACHED_VERDICTS_MAX)
    """Edits since the last beat that an agent's hook let through by what it remembers, without asking."""

    @field_validator("tokens")
    @classmethod
    def _few_projects(cls, tokens: tuple[Named, ...]) -> tuple[Named, ...]:
        if len({one.project for one in tokens}) > PROJECTS_MAX:
            raise ValueError(f"a session serves at most {PROJECTS_MAX} projects")
        return tokens


class HeartbeatDoor:
    """Renews leases; a beat that came too late is told so in the answer's status."""

    def __init__(self, heartbeats: HeartbeatPort, stopping: asyncio.Event) -> None:
        self._heartbeats = heartbeats
        self._stopping = stopping
        self._deadlines = Deadlines(BEAT_SECONDS_MAX)

    async def __call__(self, request: Request) -> Reply:
        require_json(request.content_type, request.content_encoding)
        refused = allow(request.who, "heartbeat", None)
        if refused is not None:
            return refusal(refused)
        beat = _beat(await read_body(request.receive, request.content_length, BODY_BYTES_MAX))
        try:
            heard = await self._heard(beat, request)
        except TimeoutError:
            return problem_reply(fault_problem(_LATE))
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))
        return refusal(heard) if isinstance(heard, Rejection) else json_reply(asdict(heard))

    async def _heard(self, beat: Beat, request: Request) -> Heard | Rejection:
        tokens = [ProjectToken(one.project, one.token) for one in beat.tokens]
        beating = self._heartbeats.beat(
            request.who,
            beat.session,
            beat.incarnation,
            tokens,
            _signal(beat),
            wait_seconds=beat.wait_seconds,
            counts_mail=beat.counts_mail,
            cached_verdicts=beat.cached_verdicts,
        )
        if beat.wait_seconds == 0:
            return await self._deadlines.within(beating)
        async with asyncio.timeout(BEAT_SECONDS_MAX + beat.wait_seconds):
            heard = await unless_stopped(beating, self._stopping, request.receive)
        if heard is None:
            raise _LATE
        return heard


_LATE: Final = ServiceFault("unknown_outcome", "The lease may or may not be renewed.", "Beat again at once.")


def _signal(beat: Beat) -> SignalSession | None:
    if beat.said is None:
        return None
    return SignalSession(session=beat.session, incarnation=beat.incarnation, **beat.said.model_dump())


def _beat(body: bytes) -> Beat:
    # The parser refuses depth by itself: nothing in a beat lies deeper than its tokens.
    try:
        return Beat.model_validate_json(body)
    except ValidationError as error:
        parse_object(body)
        raise Refused(invalid_request(error)) from None
