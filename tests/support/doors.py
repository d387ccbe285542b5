"""The HTTP application over a world in memory: the real domain behind fakes of the ports, asked without a network."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from api.app import Application, create_app
from api.archive_port import ArchivePort
from api.edge import Edge
from api.http.asgi import ASGIApp, Message
from api.ledger_port import LedgerPort
from api.past_port import HourMeasures
from api.ports import Health, Heard, HeldNow, ProjectToken, ServiceFault, Services, Told
from api.projection_port import ProjectionPort
from domain.catalogue import AGGREGATES, rules
from domain.dispatch.explanation import Explanation
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.spent import Account
from domain.dispatch.standstill import Standstill, Work
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection
from domain.kernel.ids import FLEET, Instant, ProjectId, StreamId
from domain.kernel.message import Command, Stamp
from domain.kernel.past.causes import Causes
from domain.kernel.past.points import Point
from domain.kernel.past.steps import Stood
from domain.node.health import NodeReport
from domain.principal.allow import Principal
from domain.principal.commands import Role
from domain.principal.events import KeyIssued, KeyRevoked
from domain.session.commands import SignalSession
from infrastructure.keys import Keys, Minted
from infrastructure.runtime.outcome import Outcome, accepted, refused
from infrastructure.settings import HttpSettings, Settings
from tests.support.world import World

HELD = HeldNow("shop", "7", "task_1", locks_seconds=28_800.0)
HEARD = Heard("live", False, 60, Instant(1), 60.0, (HELD,), (ProjectToken("shop", "8"),))
JSON_HEADERS = {"content-type": "application/json"}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the typed error."""
        code: str = self.content["error"]["code"]
        return code


@dataclass
class Fakes:
    """Every port over one world. Set ``fault``, ``hang`` or ``explode`` to see the doors in trouble."""

    world: World = field(default_factory=lambda: World(AGGREGATES, rules(ReadyIndex())))
    keys: Keys = field(default_factory=lambda: Keys(b"k" * 32))
    fault: ServiceFault | None = None
    explode: bool = False
    hang: asyncio.Event | None = None
    asked: list[tuple[Command, Stamp]] = field(default_factory=list)
    heard: Heard | Rejection = field(default=HEARD)
    signal: SignalSession | None = None
    ready: bool = True
    follows: int = 0
    """How often somebody began to follow the log."""

    async def execute(self, command: Command, stamp: Stamp) -> Outcome:
        self.asked.append((command, stamp))
        if self.explode:
            raise RuntimeError("secret detail of the inside")
        if self.fault is not None:
            raise self.fault
        decision = self.world.when(command, stamp)
        text = accepted(decision.answer) if decision.rejection is None else refused(decision.rejection)
        return Outcome(text, len(self.world.log))

    def submit(self, command: Command, stamp: Stamp, told: Callable[[Told], None]) -> bool:
        under_way = asyncio.ensure_future(self.execute(command, stamp))
        under_way.add_done_callback(lambda done: told(_ended(done)))
        return True

    async def claim(self, command: Command, stamp: Stamp, *, wait_seconds: float) -> Outcome:
        if self.hang is not None:
            await self.hang.wait()
        return await self.execute(command, stamp)

    async def beat(
        self,
        principal: Principal,
        session: str,
        incarnation: int,
        tokens: Sequence[ProjectToken],
        signal: SignalSession | None = None,
        *,
        wait_seconds: float = 0.0,
        counts_mail: bool = False,
        cached_verdicts: int = 0,
    ) -> Heard | Rejection:
        self.signal = signal
        if self.fault is not None:
            raise self.fault
        return self.heard

    def authenticate(self, secret: str) -> Principal | None:
        return self.keys.authenticate(secret, self.world.now)

    def mint(self) -> Minted:
        return self.keys.mint()

    def now(self) -> Instant:
        return self.world.now

    def known(self, slug_or_id: str) -> ProjectId | None:
        return None

    async def project(self, slug_or_id: str) -> ProjectId | None:
        if "\0" in slug_or_id:
            raise ValueError("a store may refuse some texts outright")
        found = self.world.key(FLEET, "project", slug_or_id)
        if found is None and slug_or_id in self.world.versions and slug_or_id.startswith("proj_"):
            found = StreamId(slug_or_id)
        return None if found is None else ProjectId(found)

    def head(self) -> int:
        return len(self.world.log)

    async def page(self, *, after: int, limit: int) -> Sequence[Recorded]:
        return self.world.log[after : after + limit]

    async def stream(self, stream: str, *, after_version: int, limit: int) -> Sequence[Recorded]:
        return [one for one in self.world.log if one.stream == stream and one.version > after_version][:limit]

    async def follow(self, *, after: int) -> AsyncIterator[Sequence[Recorded]]:
        self.follows += 1
        while True:
            page = self.world.log[after : after + 100]
            if page:
                after = page[-1].position
                yield page
            await asyncio.sleep(0.005)

    async def wait_beyond(self, position: int, timeout_seconds: float) -> int:
        await asyncio.sleep(0 if self.head() > position else timeout_seconds)
        return self.head()

    async def ask(self, request: Any, *, after: int | None = None) -> Any:
        raise AssertionError("the doors for machines ask no read model")

    async def count(self, request: Any, *, after: int | None = None) -> Any:
        raise NotImplementedError

    def positions(self) -> Mapping[str, int]:
        return {}

    async def task(self, project: ProjectId, name: str) -> Explanation | Rejection:
        raise AssertionError("the doors for machines explain nothing")

    async def session(self, name: str, sees: Callable[[str], bool]) -> Explanation | Rejection:
        raise AssertionError("the doors for machines explain nothing")

    async def lock(self, project: ProjectId, token: str) -> Explanation | Rejection:
        raise AssertionError("the doors for machines explain nothing")

    async def run(self, project: ProjectId, name: str, place: str) -> Explanation | Rejection:
        raise AssertionError("the doors for machines explain nothing")

    async def standstills(self, project: ProjectId, works: Sequence[Work]) -> tuple[Standstill, ...]:
        raise AssertionError("the doors for machines explain nothing")

    async def account(self, project: ProjectId) -> Account:
        raise AssertionError("the doors for machines tell no budgets")

    def health(self) -> Health:
        return Health(self.ready, "node_1", "memory", self.head(), self.head(), ("mind the gap",))

    async def told(self) -> Mapping[str, NodeReport]:
        return {}

    def announce(self, url: str) -> None:
        raise AssertionError("nobody listens here")

    async def metrics(self) -> bytes:
        return b"signalbox_head 1\n"

    def services(self) -> Services:
        # The ledger and read models are asked through GraphQL alone.
        no_ledger, no_desk, no_archive = (
            cast("LedgerPort", None),
            cast("ProjectionPort", None),
            cast("ArchivePort", None),
        )
        return Services(self, self, self, self, self, self, self, self, self, no_ledger, no_archive, NoPast(), no_desk)


def _ended(done: "asyncio.Task[Outcome]") -> Told:
    error = done.exception()
    return error if isinstance(error, Exception) else done.result()


class NoPast:
    """The doors for machines ask nothing of the past."""

    async def position(self, point: Point, bookmark: int | None = None) -> int | Rejection:
        raise AssertionError

    async def first(self, stream: str) -> Recorded | None:
        raise AssertionError

    async def event(self, position: int) -> Recorded | None:
        raise AssertionError

    async def state(self, stream: str, position: int) -> Stood | Rejection:
        raise AssertionError

    async def causes(self, event: Recorded) -> Causes:
        raise AssertionError

    async def hour(self, position: int) -> HourMeasures:
        raise AssertionError


class Doors:
    """A client of the application with keys for several roles."""

    def __init__(
        self, fakes: Fakes | None = None, *, graphql: ASGIApp | None = None, http: HttpSettings | None = None
    ) -> None:
        self.fakes = fakes or Fakes()
        self.services = self.fakes.services()
        self.edge = Edge(self.services)
        settings = Settings(store="memory", allowed_hosts=("box.example",), http=http or HttpSettings())
        self.app: Application = create_app(self.services, graphql=graphql, settings=settings, edge=self.edge)
        self.owner = self.key("owner")

    def key(self, role: Role, projects: tuple[str, ...] = (), *, seconds: int | None = None) -> str:
        """The secret of a new key."""
        key, digest, secret = self.fakes.keys.mint()
        at = self.fakes.world.now
        expires_at = None if seconds is None else Instant(at + seconds * 1_000_000)
        issued = KeyIssued(name="a", role=role, projects=projects, digest=digest, expires_at=expires_at, at=at)
        self.fakes.keys.observe(key, issued)
        return secret

    def revoke(self, secret: str) -> None:
        principal = self.fakes.authenticate(secret)
        assert principal is not None
        self.fakes.keys.observe(principal.id, KeyRevoked(at=self.fakes.world.now))

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes | object = b"",
        *,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
        hang_up: asyncio.Event | None = None,
    ) -> Answer:
        """One request. ``key`` is the owner's where it is empty, none where it is None."""
        path, _, query = target.partition("?")
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"host": "localhost:8420", **(JSON_HEADERS if content else {}), **(headers or {})}
        if key is not None:
            given.setdefault("authorization", f"Bearer {key or self.owner}")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(errors="replace"),
            "root_path": "",
            "query_string": query.encode("latin-1", errors="replace"),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8420),
            "state": {},
        }
        return await self._call(scope, content, hang_up or asyncio.Event())

    async def command(self, kind: str, fields: object, *, key: str | None = "", **rest: Any) -> Answer:
        """One command."""
        return await self.ask("POST", "/v1/commands", {"type": kind, "command": fields, **rest}, key=key)

    async def project(self, name: str) -> ProjectId:
        """A project with that name."""
        answer = await self.command("create_project", {"name": name})
        return ProjectId(answer.content["answer"]["project"])

    async def _call(self, scope: dict[str, Any], content: bytes, hang_up: asyncio.Event) -> Answer:
        halves = [content[: len(content) // 2], content[len(content) // 2 :]]
        messages: list[Message] = [
            {"type": "http.request", "body": halves[0], "more_body": True},
            {"type": "http.request", "body": halves[1], "more_body": False},
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            if messages:
                return messages.pop(0)
            await hang_up.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        if not sent:
            return Answer(0, {}, b"")
        start = sent[0]
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], headers, b"".join(one.get("body", b"") for one in sent[1:]))
