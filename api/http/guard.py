"""What every request passes first: host, key, room, and the promise that a fault never shows its trace."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from api.http.answers import Answer, Problem, Quick, Reply, problem_reply, refusal, send_reply
from api.http.asgi import ASGIApp, Message, Receive, Scope, Send
from api.http.body import ClientGone, Refused
from api.http.errors import MethodNotAllowed, NotAuthenticated, UnknownHost
from api.http.faults import fault
from api.http.request import Request, request_of
from domain.principal.allow import Principal
from projections.kernel.errors import RequestRefused

Door = Callable[[Request], Awaitable[Reply]]
"""What answers a hot path: a function of the request, so that nothing of a framework stands before it."""
QuickDoor = Callable[[Request, bytes, Answer], Reply | Quick]
"""The same for a request whose body is at hand, by plain calls: the reply, or what becomes of it."""

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""What a supervisor may ask without a key; neither tells more than one word."""
PRINCIPAL: Final = "signalbox.principal"
"""Key of the scope under which inner applications find who is calling."""
REQUEST: Final = "signalbox.request"
NO_QUICK_DOORS: Final[Mapping[tuple[str, str], QuickDoor]] = {}


class Guard:
    """The outermost ASGI application: hot paths are answered by their doors, all else by ``inner``.

    Both see only requests of a known host with a valid key. Paths match exactly: no patterns, no redirects."""

    def __init__(
        self,
        inner: ASGIApp,
        hot: Mapping[str, tuple[str, Door]],
        *,
        authenticate: Callable[[str], Principal | None],
        hosts: Iterable[str],
        requests_max: int,
        open_paths: Iterable[str] = (),
        quick: Mapping[tuple[str, str], QuickDoor] = NO_QUICK_DOORS,
    ) -> None:
        """``hot`` are doors by path, with their method; ``quick`` those by method and path that need no task."""
        self._inner = inner
        self._hot = hot
        self._quick = quick
        self._authenticate = authenticate
        self._hosts = frozenset(host.encode() for host in hosts)
        self._requests_max = requests_max
        self._open_paths = OPEN_PATHS | frozenset(open_paths)
        self._requests = 0
        self._known_hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    def quick(self, scope: Scope, body: bytes, answer: Answer) -> bool:
        """Whether a request with its whole body is answered without a task of its own: at once, or later.

        If not, nothing was done and it goes the usual way.
        """
        door = self._quick.get((scope["method"], scope["path"]))
        if door is None:
            return False
        request = request_of(scope, _no_more)
        self._requests += 1

        def answered(reply: Reply) -> None:
            self._requests -= 1
            answer(reply)

        try:
            reply = self._admit(request) or door(request, body, answered)
        except (Refused, RequestRefused) as refused:
            reply = refusal(refused.rejection)
        except Exception:
            reply = problem_reply(fault(scope))
        if isinstance(reply, Reply):
            answered(reply)
        elif reply is Quick.ELSEWHERE:
            self._requests -= 1
            return False
        return True

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope, receive)
        self._requests += 1
        try:
            reply = self._admit(request)
            if reply is None:
                hot = self._hot.get(scope["path"])
                reply = await (self._inside(request, send) if hot is None else _through(hot, request))
        except ClientGone:
            return
        except (Refused, RequestRefused) as refused:
            reply = refusal(refused.rejection)
        except Exception:
            reply = problem_reply(fault(scope))
        finally:
            self._requests -= 1
        if reply is not None:
            await send_reply(scope, send, reply)

    async def _inside(self, request: Request, send: Send) -> Reply | None:
        """Let an inner application answer; what it could not begin to answer is answered here."""
        started = False
        request.scope[PRINCIPAL], request.scope[REQUEST] = request.principal, request

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._inner(request.scope, request.receive, sending)
        except ClientGone:
            return None
        except (Refused, RequestRefused) as refused:
            return None if started else refusal(refused.rejection)
        except Exception:
            problem = fault(request.scope)
            return None if started else problem_reply(problem)
        return None

    def _admit(self, request: Request) -> Reply | None:
        scope = request.scope
        if not self._is_known(request.host):
            return refusal(UnknownHost())
        if self._requests > self._requests_max:
            return problem_reply(_OVERLOADED)
        if scope["path"] not in self._open_paths:
            principal = self._principal(request.authorization)
            if principal is None:
                return refusal(NotAuthenticated())
            request.principal = principal
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The key of a websocket comes with its first message; the inner application asks for it."""
        closed = False

        async def sending(message: Message) -> None:
            nonlocal closed
            closed = closed or message["type"] == "websocket.close"
            await send(message)

        if not self._is_known(request_of(scope, receive).host):
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await self._inner(scope, receive, sending)
        except Exception:
            fault(scope)
            if not closed:
                await send({"type": "websocket.close", "code": 1011})

    def _is_known(self, host: bytes) -> bool:
        if host in self._known_hosts:
            return True
        known = _bare(host) in self._hosts
        if known and len(self._known_hosts) < 100:
            self._known_hosts.add(host)
        return known

    def _principal(self, authorization: bytes) -> Principal | None:
        if authorization[:7].lower() != b"bearer ":
            return None
        return self._authenticate(authorization[7:].decode("latin-1").strip())


_OVERLOADED: Final = Problem(
    "overloaded", "Too many requests are under way; nothing was written.", "Send it again in a moment.", 503
)


async def _through(hot: tuple[str, Door], request: Request) -> Reply:
    method, door = hot
    return await door(request) if request.scope["method"] == method else refusal(MethodNotAllowed(allowed=method))


async def _no_more() -> Message:
    """The body of a whole request was read before."""
    return {"type": "http.disconnect"}


def _bare(host: bytes) -> bytes:
    """The name of a Host header, without port and in lower case."""
    name, colon, port = host.lower().rpartition(b":")
    return name if colon and port.isdigit() and (not name.count(b":") or name.endswith(b"]")) else host.lower()
