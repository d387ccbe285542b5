"""What one request carries: who asks, through which services, until when."""

import asyncio
from dataclasses import dataclass, field

from api.edge import Edge
from api.graphql.errors import Refused
from api.graphql.loaders import Loaders
from api.ports import Services
from domain.kernel.errors import Rejection
from domain.kernel.ids import Position, ProjectId
from domain.principal.allow import Principal, allow


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent the request, and what is kept with the events that it causes."""

    principal: Principal
    secret: str
    correlation_id: str | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class Context:
    """One operation under way."""

    services: Services
    edge: Edge
    caller: Caller
    deadline: asyncio.Timeout | None = None
    """When the work is given up; None for a subscription."""
    submitted: list[str] = field(default_factory=list[str])
    """Ids of commands whose answer is not there yet."""
    started: int | None = None
    """Position behind which a subscription began; None before."""
    cursor: int = 0
    """Position of the latest event that a subscription produced."""
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.forget_loaded()

    def forget_loaded(self) -> None:
        """Begin with empty loaders: a subscription lives too long to keep everything that it once showed."""
        self.loaders = Loaders(self.services.reads)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.caller.principal

    async def project(self, action: str, name: str | None, *, own: bool = True) -> ProjectId | None:
        """The project of a name, when the action is allowed on it; None stands for all projects. Raises Refused."""
        found = None if name is None else await self.edge.visible(self.principal, name)
        if isinstance(found, Rejection):
            raise Refused(found)
        self.require(action, found, own=own)
        return found

    def require(self, action: str, project: ProjectId | None, *, own: bool = True) -> None:
        """Raises Refused where the principal may not."""
        refused = allow(self.principal, action, project, own=own)
        if refused is not None:
            raise Refused(refused)

    def may(self, action: str, project: str) -> bool:
        """Whether it is allowed on a thing of that project."""
        return allow(self.principal, action, ProjectId(project)) is None

    def sees(self, project: str) -> bool:
        """Whether the principal may know of the project at all."""
        return self.principal.projects is None or project in self.principal.projects

    async def log_is_at(self, after: Position | None) -> bool:
        """Wait, 2 s at most, until this node knows the log up to there; False where the answer is stale."""
        if after is None or self.services.events.head() >= after:
            return True
        return await self.services.events.wait_beyond(after - 1, STALE_SECONDS) >= after


STALE_SECONDS = 2.0
