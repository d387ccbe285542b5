"""What may be asked of the installation: projects, keys, servers, credentials, and how the server is."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.enums import NodeStatus, Role
from api.graphql.pages import Connection
from api.graphql.reads import fleet, nodes, quotas
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.types.fleet import Caller, Key, Project, ProjectFound, Projection, Status
from api.graphql.types.node import Node
from api.graphql.types.quota import Quota
from domain.kernel.ids import Position
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class FleetQuery:
    """What all work shares."""

    @strawberry.field
    async def quotas(
        self,
        info: Asking,
        *,
        project: str | None = None,
        name: str | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Quota]:
        """Credential pools whose quota sessions of a project spend, or all where the key sees all."""
        return await quotas.quotas(
            info.context, project, name, await asked(info.context, first, cursor, as_of, at, after)
        )

    @strawberry.field
    async def nodes(
        self,
        info: Asking,
        *,
        status: list[NodeStatus] | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Node]:
        """Servers of this store, the latest started first, for people whose key sees all projects."""
        return await nodes.nodes(info.context, status, await asked(info.context, first, cursor, as_of, at, after))

    @strawberry.field
    async def project(
        self, info: Asking, name: str, as_of: AsOf = None, at: At = None, after: After = None
    ) -> ProjectFound:
        """One project, by slug or id."""
        return await fleet.project(info.context, name, await asked(info.context, 1, None, as_of, at, after))

    @strawberry.field
    async def projects(
        self,
        info: Asking,
        *,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Project]:
        """Projects that the key sees."""
        return await fleet.projects(info.context, await asked(info.context, first, cursor, as_of, at, after))

    @strawberry.field
    async def keys(
        self,
        info: Asking,
        *,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Key]:
        """API keys, for admins."""
        return await fleet.keys(info.context, await asked(info.context, first, cursor, as_of, at, after))

    @strawberry.field
    async def status(self, info: Asking) -> Status:
        """How the server is, and who is asking. Always of now."""
        context = info.context
        health, who = context.services.health.health(), context.principal
        mine = None if who.projects is None else sorted(who.projects)
        names = await fleet.project_names(context, set(mine or ()))
        return Status(
            ready=health.ready,
            node=health.node,
            store=health.store,
            head=Position(health.head),
            projected=Position(health.projected),
            projections=[
                Projection(name=name, position=Position(position))
                for name, position in sorted(context.services.reads.positions().items())
            ],
            warnings=list(health.warnings),
            principal=Caller(
                id=who.id,
                role=Role(who.role),
                project_ids=None if mine is None else [*mine],
                project_names=None if mine is None else [names.get(one, one) for one in mine],
            ),
        )
