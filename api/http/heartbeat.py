"""POST /v1/heartbeat: the session lives, and these tokens arrived."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError

from api.http.answers import Reply, fault_problem, json_reply, problem_reply, refusal
from api.http.body import Refused, parse_object, read_body, require_json
from api.http.request import Request, invalid_request
from api.ports import HeartbeatPort, ServiceFault
from domain.kernel.errors import Rejection
from domain.kernel.message import Message
from domain.principal.allow import allow

TOKENS_MAX: Final = 1_000
BODY_BYTES_MAX: Final = 65_536
BEAT_SECONDS_MAX: Final = 10.0

Token = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]


class Beat(Message):
    """One sign of life."""

    session: str = Field(min_length=1, max_length=100)
    incarnation: int = Field(ge=1, le=2**31)
    tokens: tuple[Token, ...] = Field(default=(), max_length=TOKENS_MAX)


class HeartbeatDoor:
    """Renews leases; a beat that came too late is told so in the answer's status."""

    def __init__(self, heartbeats: HeartbeatPort) -> None:
        self._heartbeats = heartbeats

    async def __call__(self, request: Request) -> Reply:
        require_json(request.content_type, request.content_encoding)
        refused = allow(request.who, "heartbeat", None)
        if refused is not None:
            return refusal(refused)
        beat = _beat(await read_body(request.receive, request.content_length, BODY_BYTES_MAX))
        try:
            async with asyncio.timeout(BEAT_SECONDS_MAX):
                heard = await self._heartbeats.beat(request.who, beat.session, beat.incarnation, beat.tokens)
        except TimeoutError:
            return problem_reply(fault_problem(_LATE))
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))
        return refusal(heard) if isinstance(heard, Rejection) else json_reply(asdict(heard))


_LATE: Final = ServiceFault("unknown_outcome", "The lease may or may not be renewed.", "Beat again at once.")


def _beat(body: bytes) -> Beat:
    # The parser refuses depth by itself: nothing in a beat is nested.
    try:
        return Beat.model_validate_json(body)
    except ValidationError as error:
        parse_object(body)
        raise Refused(invalid_request(error)) from None
