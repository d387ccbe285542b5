"""Doors that are not hot, on FastAPI: new keys, and the schemas of all commands."""

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from api.edge import Edge, Origin, fresh_command_id
from api.http.answers import Problem, Reply, answered, fault_problem, json_reply, problem_of, problem_reply, refusal
from api.http.body import Refused
from api.http.errors import InvalidRequest, MethodNotAllowed, UnknownPath
from api.http.guard import PRINCIPAL
from api.http.request import invalid_fields
from api.parsing import parse
from api.ports import ServiceFault, Services
from domain.catalogue import COMMANDS
from domain.kernel.errors import Rejection
from domain.principal.allow import MATRIX, Principal, Row

_NOBODYS: Final = Row()


class KeyWish(BaseModel):
    """A key to be made; the server makes its secret. Its role is never that of the owner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    role: Literal["admin", "operator", "viewer", "worker"]
    projects: tuple[str, ...] = Field(default=(), max_length=100)
    lifetime_seconds: int | None = Field(default=None, gt=0, le=10 * 365 * 86_400, strict=True)


def create_rest(services: Services, edge: Edge, *, openapi: bool, command_seconds_max: float) -> FastAPI:
    """The FastAPI application; every error of it has the typed shape."""
    app = FastAPI(
        title="Signalbox",
        openapi_url="/v1/openapi.json" if openapi else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    schemas = json_reply(_schemas())

    async def schema() -> Response:
        """JSON Schema of the fields of every command that somebody may ask."""
        return _response(schemas)

    async def issue(wish: KeyWish, request: Request) -> Response:
        """Make a key, record its digest and show its secret, once."""
        principal: Principal = request.scope[PRINCIPAL]
        return _response(await _issued(services, edge, wish, principal, command_seconds_max))

    app.add_api_route("/v1/schema", schema, methods=["GET"])
    app.add_api_route("/v1/keys", issue, methods=["POST"], status_code=201)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(400, _on_unreadable)
    app.add_exception_handler(404, _on_unknown)
    app.add_exception_handler(405, _on_method)
    app.add_exception_handler(Exception, _on_fault)
    return app


async def _issued(
    services: Services, edge: Edge, wish: KeyWish, principal: Principal, command_seconds_max: float
) -> Reply:
    key, digest, secret = services.principals.mint()
    command = parse("issue_key", orjson.dumps(wish.model_dump() | {"key": key, "digest": digest}))
    if isinstance(command, Rejection):
        return refusal(command)
    identifier = fresh_command_id(services.clock.now())
    try:
        async with asyncio.timeout(command_seconds_max):
            answer = await edge.submit(command, Origin(principal, identifier))
    except TimeoutError:
        return problem_reply(_unknown(key))
    except ServiceFault as fault:
        return problem_reply(_unknown(key) if fault.code == "unknown_outcome" else fault_problem(fault))
    if isinstance(answer, Rejection):
        return problem_reply(problem_of(answer))
    status, text = answered(answer)
    if status != 200:
        return Reply(status, text)
    shown = {"ok": True, "answer": {"key": key, "secret": secret}, "position": answer.position, "repeated": False}
    return json_reply(shown, 201)


def _unknown(key: str) -> Problem:
    return Problem(
        "unknown_outcome",
        f"It is not known whether the key {key} was recorded; its secret is gone.",
        "Ask for another key, and revoke this one if it is listed.",
        503,
        {"key": key},
    )


@cache
def _schemas() -> Mapping[str, object]:
    """Commands of the doors; those that only policies ask are left out."""
    return {
        name: {"description": (kind.__doc__ or "").strip(), "command": kind.model_json_schema()}
        for name, kind in sorted(COMMANDS.items())
        if MATRIX.get(name, _NOBODYS) != _NOBODYS
    }


async def _on_invalid(_: Request, error: Exception) -> Response:
    return _response(refusal(invalid_fields(error.errors() if isinstance(error, RequestValidationError) else ())))


async def _on_unreadable(_: Request, __: Exception) -> Response:
    return _response(refusal(InvalidRequest(summary="the body cannot be read")))


async def _on_unknown(_: Request, __: Exception) -> Response:
    return _response(refusal(UnknownPath()))


async def _on_method(_: Request, error: Exception) -> Response:
    headers: dict[str, str] = getattr(error, "headers", None) or {}
    return _response(refusal(MethodNotAllowed(allowed=headers.get("Allow", "GET"))))


async def _on_fault(_: Request, error: Exception) -> Response:
    """Hand it to the guard, which has the one place for faults."""
    if isinstance(error, Refused):
        return _response(refusal(error.rejection))
    raise error


def _response(reply: Reply) -> Response:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    safe = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(reply.body, reply.status, safe | headers, reply.content_type.decode())
