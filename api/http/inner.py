"""The way to the inner applications, with bodies that were read and checked: FastAPI, GraphQL and MCP."""

from typing import Final

from api.http.asgi import ASGIApp, Message, Receive, Scope, Send
from api.http.body import Refused, parse_object, read_body, require_json
from api.http.errors import MethodNotAllowed, UnknownPath
from api.http.guard import REQUEST
from api.http.request import Request

GRAPHQL_PATHS: Final = frozenset({"/graphql", "/graphql/stream"})
MCP_PATH: Final = "/mcp"
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class InnerApps:
    """GraphQL and MCP at their paths, FastAPI for everything else."""

    def __init__(self, rest: ASGIApp, graphql: ASGIApp | None, mcp: ASGIApp | None, *, body_bytes_max: int) -> None:
        self._rest = rest
        self._graphql = graphql
        self._mcp = mcp
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._rest(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["path"] in GRAPHQL_PATHS:
            if self._graphql is None:
                raise Refused(UnknownPath())
            await self._graphql(scope, await self._bounded(scope, receive), send)
        elif scope["path"] == MCP_PATH:
            await self._mcp_request(scope, receive, send)
        else:
            await self._rest(scope, await self._bounded(scope, receive), send)

    async def _mcp_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every request is a POST of its own: there are no sessions to end."""
        if self._mcp is None:
            raise Refused(UnknownPath())
        if scope["method"] != "POST":
            raise Refused(MethodNotAllowed(allowed="POST"))
        await self._mcp(scope, await self._bounded(scope, receive), send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._graphql is None or scope["path"] != "/graphql":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._graphql(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """The same channel with a body that was read and checked; inner applications need no limits of their own."""
        if scope["method"] not in _WITH_BODY:
            return receive
        request: Request = scope[REQUEST]
        require_json(request.content_type, request.content_encoding)
        body = await read_body(receive, request.content_length, self._body_bytes_max)
        parse_object(body)
        told = False

        async def replay() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        return replay
