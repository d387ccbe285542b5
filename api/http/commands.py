"""POST /v1/commands: one command or many, straight to the edge."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeGuard

import orjson

from api.edge import WAIT_SECONDS_MAX, Edge, Origin, fresh_command_id
from api.http.answers import Problem, Reply, answered, fault_problem, placed, problem_of
from api.http.body import ClientGone, Refused, parse_object, read_body, require_json
from api.http.errors import BodyTooLarge, InvalidRequest
from api.http.faults import fault
from api.http.request import Request
from api.http.waiting import unless_stopped
from api.parsing import parse
from api.ports import Answered, ServiceFault, Services
from domain.kernel.errors import Rejection
from domain.kernel.message import Command, ProjectCommand
from domain.task.commands import ApplyPlan

BATCH_MAX: Final = 100
_FIELDS: Final = frozenset({"type", "id", "command", "wait_seconds"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request of this door may take."""

    body_bytes_max: int
    plan_body_bytes_max: int
    command_seconds_max: float


class _Asked(NamedTuple):
    """One command as it was sent, checked."""

    command: Command | Rejection
    id: str
    wait_seconds: float


class CommandDoor:
    """Takes commands and answers them in the shape of docs/http.md."""

    def __init__(self, services: Services, edge: Edge, limits: Limits, stopping: asyncio.Event) -> None:
        self._services = services
        self._edge = edge
        self._limits = limits
        self._stopping = stopping

    async def __call__(self, request: Request) -> Reply:
        require_json(request.content_type, request.content_encoding)
        body = await read_body(request.receive, request.content_length, self._limits.plan_body_bytes_max)
        content = parse_object(body)
        if "commands" in content:
            return await self._many(content, len(body), request)
        asked = self._asked(content)
        self._require_size(len(body), (asked,))
        status, text = await self._one(asked, request)
        return problem_headers(status, text)

    async def _many(self, content: dict[str, Any], size: int, request: Request) -> Reply:
        items = content["commands"]
        if len(content) > 1 or not _is_list(items) or not 0 < len(items) <= BATCH_MAX:
            raise Refused(InvalidRequest(summary=f"commands is a list of 1 to {BATCH_MAX} and stands alone"))
        if not all(isinstance(item, dict) for item in items):
            raise Refused(InvalidRequest(summary="every one of commands is an object"))
        asked = [self._asked(item) for item in items]
        self._require_size(size, asked)
        running: list[asyncio.Task[bytes]] = []
        for one in asked:
            if not await self._is_at_hand(one.command, request) and running:
                # It names a project that may come from a command before it.
                await asyncio.wait(running)
                await self._is_at_hand(one.command, request)
            running.append(asyncio.get_running_loop().create_task(self._one_of_many(one, request)))
        results = await asyncio.gather(*running)
        return Reply(200, b'{"results":[%b]}' % b",".join(results))

    async def _is_at_hand(self, command: Command | Rejection, request: Request) -> bool:
        """Whether submitting it leads straight to the committer, so that the order of arrival is kept."""
        if isinstance(command, Rejection):
            return True
        named = [command.project] if isinstance(command, ProjectCommand) else getattr(command, "projects", ())
        for name in named:
            if isinstance(await self._edge.visible(request.who, name), Rejection):
                return False
        return True

    async def _one_of_many(self, asked: _Asked, request: Request) -> bytes:
        try:
            return (await self._one(asked, request))[1]
        except ClientGone:
            raise
        except Exception:
            # The others have answers of their own.
            return self._placed(fault(request.scope))

    async def _one(self, asked: _Asked, request: Request) -> tuple[int, bytes]:
        origin = Origin(request.who, asked.id, request.correlation_id, request.traceparent, asked.wait_seconds)
        try:
            async with asyncio.timeout(self._limits.command_seconds_max + asked.wait_seconds):
                answer = await self._submit(asked, origin, request)
        except TimeoutError:
            return 503, self._placed(_unknown(asked.id, "The command is not decided yet."))
        except ServiceFault as fault:
            return 503, self._placed(fault_problem(fault, asked.id))
        if isinstance(answer, Rejection):
            return answer.HTTP_STATUS, self._placed(problem_of(answer))
        return answered(answer)

    async def _submit(self, asked: _Asked, origin: Origin, request: Request) -> Answered | Rejection:
        if isinstance(asked.command, Rejection):
            return asked.command
        submitted = self._edge.submit(asked.command, origin)
        if asked.wait_seconds == 0:
            return await submitted
        answer = await unless_stopped(submitted, self._stopping, request.receive)
        if answer is None:
            raise ServiceFault(*_unknown_words("The server is stopping."))
        return answer

    def _asked(self, content: dict[str, Any]) -> _Asked:
        unknown = content.keys() - _FIELDS
        if unknown:
            raise Refused(InvalidRequest(summary=f"the fields are {', '.join(sorted(_FIELDS))}"))
        name, fields = content.get("type"), content.get("command")
        identifier, wait = content.get("id"), content.get("wait_seconds", 0)
        if not isinstance(name, str) or not isinstance(fields, dict):
            raise Refused(InvalidRequest(summary="type is a text and command an object"))
        if identifier is not None and (not isinstance(identifier, str) or not identifier):
            raise Refused(InvalidRequest(summary="id is a text"))
        if isinstance(wait, bool) or not isinstance(wait, int | float) or not 0 <= wait <= WAIT_SECONDS_MAX:
            raise Refused(InvalidRequest(summary=f"wait_seconds is a number from 0 to {WAIT_SECONDS_MAX:g}"))
        command = parse(name, orjson.dumps(fields))
        return _Asked(command, identifier or fresh_command_id(self._services.clock.now()), float(wait))

    def _require_size(self, size: int, asked: Sequence[_Asked]) -> None:
        if size > self._limits.body_bytes_max and not any(isinstance(one.command, ApplyPlan) for one in asked):
            raise Refused(BodyTooLarge(bytes_max=self._limits.body_bytes_max))

    def _placed(self, problem: Problem) -> bytes:
        return placed(problem.text(), self._services.events.head())


def problem_headers(status: int, text: bytes) -> Reply:
    """A single command's reply; a fault of ours says when to come again."""
    return Reply(status, text, headers=((b"retry-after", b"1"),) if status == 503 else ())


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _unknown(command_id: str, message: str) -> Problem:
    code, words, advice = _unknown_words(message)
    return Problem(code, words, advice, 503, {"id": command_id})


def _unknown_words(message: str) -> tuple[str, str, str]:
    return (
        "unknown_outcome",
        f"{message} It may still be carried out.",
        "Send it again with the same id and the same body; the first answer comes back if there was one.",
    )
