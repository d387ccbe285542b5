"""POST /v1/commands: one command or many, straight to the edge."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeGuard

import orjson

from api.edge import WAIT_SECONDS_MAX, Edge, Origin, fresh_command_id
from api.http.answers import (
    Answer,
    Problem,
    Quick,
    Reply,
    answered,
    fault_problem,
    placed,
    problem_of,
    problem_reply,
    refusal,
)
from api.http.body import ClientGone, Refused, parse_object, read_body, require_json
from api.http.deadlines import Deadlines
from api.http.errors import BodyTooLarge, InvalidRequest
from api.http.faults import fault
from api.http.request import Request
from api.http.waiting import unless_stopped
from api.parsing import parse
from api.ports import Answered, ServiceFault, Services, Told
from domain.kernel.errors import Rejection
from domain.kernel.ids import ProjectId
from domain.kernel.message import Command
from domain.task.commands import ApplyPlan
from projections.kernel.errors import RequestRefused

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


_Begun = Coroutine[Any, Any, Answered] | asyncio.Future[Answered] | Rejection


class CommandDoor:
    """Takes commands and answers them in the shape of docs/http.md."""

    def __init__(self, services: Services, edge: Edge, limits: Limits, stopping: asyncio.Event) -> None:
        self._services = services
        self._edge = edge
        self._limits = limits
        self._stopping = stopping
        self._deadlines = Deadlines(limits.command_seconds_max)

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

    def quick(self, request: Request, body: bytes, answer: Answer) -> Reply | Quick:
        """One command that waits for nothing but its append, by plain calls; all others go the usual way."""
        require_json(request.content_type, request.content_encoding)
        if len(body) > self._limits.body_bytes_max:
            return Quick.ELSEWHERE
        content = parse_object(body)
        if "commands" in content or content.get("wait_seconds"):
            return Quick.ELSEWHERE
        asked = self._asked(content)
        if isinstance(asked.command, Rejection):
            return Reply(asked.command.HTTP_STATUS, self._placed(problem_of(asked.command)))
        project = self._edge.known_project_of(asked.command, request.who)
        if project is None:
            return Quick.ELSEWHERE

        def told(ended: Told) -> None:
            if wait.over():
                answer(self._reply(asked, ended, request))

        sent = self._edge.send(asked.command, self._origin(asked, request), project, told)
        if isinstance(sent, Rejection):
            return Reply(sent.HTTP_STATUS, self._placed(problem_of(sent)))
        if not sent:
            return Quick.ELSEWHERE
        # Not before: what could not be sent is answered by whoever called, and by no deadline once more.
        wait = self._deadlines.begin(lambda: answer(problem_headers(503, self._late(asked))))
        return Quick.UNDER_WAY

    def _reply(self, asked: _Asked, ended: Told, request: Request) -> Reply:
        if isinstance(ended, ServiceFault):
            return problem_headers(503, self._placed(fault_problem(ended, asked.id)))
        if isinstance(ended, RequestRefused):
            return refusal(ended.rejection)
        if isinstance(ended, Exception):
            return problem_reply(fault(request.scope, ended))
        return Reply(*answered(ended))

    async def _one(self, asked: _Asked, request: Request) -> tuple[int, bytes]:
        submitted = self._submitted(asked, request)
        try:
            if asked.wait_seconds == 0:
                return await self._deadlines.within(submitted)
            async with asyncio.timeout(self._limits.command_seconds_max + asked.wait_seconds):
                return await submitted
        except TimeoutError:
            return 503, self._late(asked)

    async def _submitted(self, asked: _Asked, request: Request) -> tuple[int, bytes]:
        return await self._told(asked, self._begin(asked, await self._project(asked, request), request))

    async def _many(self, content: dict[str, Any], size: int, request: Request) -> Reply:
        items = content["commands"]
        if len(content) > 1 or not _is_list(items) or not 0 < len(items) <= BATCH_MAX:
            raise Refused(InvalidRequest(summary=f"commands is a list of 1 to {BATCH_MAX} and stands alone"))
        if not all(isinstance(item, dict) for item in items):
            raise Refused(InvalidRequest(summary="every one of commands is an object"))
        asked = [self._asked(item) for item in items]
        self._require_size(size, asked)
        results: list[bytes] = []
        under_way: deque[tuple[_Asked, _Begun]] = deque()
        seconds_max = self._limits.command_seconds_max + max(one.wait_seconds for one in asked)
        try:
            async with asyncio.timeout(seconds_max):
                for one in asked:
                    project = await self._project(one, request)
                    if isinstance(project, Rejection) and under_way:
                        # It names a project that may come from a command before it.
                        await self._tell(under_way, results, request)
                        project = await self._project(one, request)
                    begun = self._begin(one, project, request)
                    if one.wait_seconds > 0 and isinstance(begun, Coroutine):
                        # Whoever waits for work must not keep those behind him from theirs.
                        begun = asyncio.create_task(begun)
                    under_way.append((one, begun))
                await self._tell(under_way, results, request)
        except TimeoutError:
            results += [self._late(one) for one in asked[len(results) :]]
        finally:
            for _, begun in under_way:
                _drop(begun)
        return Reply(200, b'{"results":[%b]}' % b",".join(results))

    async def _tell(self, under_way: deque[tuple[_Asked, _Begun]], results: list[bytes], request: Request) -> None:
        """Move what is under way to the results, in order."""
        while under_way:
            try:
                text = (await self._told(*under_way[0]))[1]
            except ClientGone:
                raise
            except Exception:
                # The others have answers of their own.
                text = self._placed(fault(request.scope))
            results.append(text)
            under_way.popleft()

    async def _project(self, asked: _Asked, request: Request) -> ProjectId | Rejection:
        command = asked.command
        return command if isinstance(command, Rejection) else await self._edge.project_of(command, request.who)

    def _begin(self, asked: _Asked, project: ProjectId | Rejection, request: Request) -> _Begun:
        if isinstance(project, Rejection):
            return project
        if isinstance(asked.command, Rejection):
            return asked.command
        begun = self._edge.begin(asked.command, self._origin(asked, request), project)
        return begun if isinstance(begun, Rejection) or asked.wait_seconds == 0 else self._waiting(begun, request)

    def _origin(self, asked: _Asked, request: Request) -> Origin:
        return Origin(request.who, asked.id, request.correlation_id, request.traceparent, asked.wait_seconds)

    async def _waiting(self, begun: Coroutine[Any, Any, Answered], request: Request) -> Answered:
        answer = await unless_stopped(begun, self._stopping, request.receive)
        if answer is None:
            raise ServiceFault(*_unknown_words("The server is stopping."))
        return answer

    async def _told(self, asked: _Asked, begun: _Begun) -> tuple[int, bytes]:
        try:
            answer = begun if isinstance(begun, Rejection) else await begun
        except ServiceFault as fault:
            return 503, self._placed(fault_problem(fault, asked.id))
        if isinstance(answer, Rejection):
            return answer.HTTP_STATUS, self._placed(problem_of(answer))
        return answered(answer)

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

    def _late(self, asked: _Asked) -> bytes:
        code, words, advice = _unknown_words("The command is not decided yet.")
        return self._placed(Problem(code, words, advice, 503, {"id": asked.id}))

    def _placed(self, problem: Problem) -> bytes:
        return placed(problem.text(), self._services.events.head())


def problem_headers(status: int, text: bytes) -> Reply:
    """A single command's reply; a fault of ours says when to come again."""
    return Reply(status, text, headers=((b"retry-after", b"1"),) if status == 503 else ())


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _drop(begun: _Begun) -> None:
    match begun:
        case Rejection():
            pass
        case asyncio.Future():
            begun.cancel()
        case _:
            begun.close()


def _unknown_words(message: str) -> tuple[str, str, str]:
    return (
        "unknown_outcome",
        f"{message} It may still be carried out.",
        "Send it again with the same id and the same body; the first answer comes back if there was one.",
    )
