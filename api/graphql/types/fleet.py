"""Projects, keys and the server itself, as they are shown."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.graphql.asking import Asking
from api.graphql.enums import Role
from domain.kernel.ids import Instant, Position, ProjectId
from domain.kernel.values import Spend


@strawberry.type
class ProjectAccount:
    """What a project has spent, and what is set aside for work under way; its bounds are in its settings."""

    spent: JSON = strawberry.field(description="By unit: tokens, cost_microdollars, wall_seconds.")
    reserved: JSON = strawberry.field(description="The same.")


@strawberry.type
class Project:
    """A project; its name is taken for ever."""

    id: strawberry.ID
    name: str
    lock_delay_seconds: int
    frozen: bool
    frozen_reason: str = strawberry.field(description="Empty while it is not.")
    settings: JSON = strawberry.field(description="All settings, also those that nobody set.")
    needs_granted: list[str] = strawberry.field(description="Ids of projects whose tasks may need tasks of this one.")
    created_at: Instant
    changed_at: Instant

    @strawberry.field
    async def account(self, info: Asking) -> ProjectAccount:
        """What was spent of its budget, as claims are decided with. Of now."""
        found = await info.context.services.explains.account(ProjectId(self.id))
        return ProjectAccount(spent=_json(found.spent), reserved=_json(found.reserved))


@strawberry.type
class ProjectFound:
    """One project, or null where there is none that the caller may see."""

    project: Project | None
    position: Position
    stale: bool


@strawberry.type
class Key:
    """An API key; nobody can ask for its secret."""

    id: strawberry.ID
    name: str
    role: Role
    project_ids: list[str] = strawberry.field(description="Empty: every project.")
    project_names: list[str] = strawberry.field(description="Of the same projects, in the same order.")
    issued_at: Instant
    expires_at: Instant | None
    revoked: bool
    revoked_at: Instant | None


@strawberry.type
class Projection:
    """How far a read model is."""

    name: str
    position: Position


@strawberry.type
class Caller:
    """Who is asking."""

    id: str
    role: Role
    project_ids: list[str] | None = strawberry.field(description="null: every project.")
    project_names: list[str] | None = strawberry.field(description="Of the same projects, in the same order.")


@strawberry.type
class Status:
    """How the server is."""

    ready: bool
    node: str
    store: str
    head: Position
    projected: Position
    projections: list[Projection]
    warnings: list[str]
    principal: Caller


def _json(spend: Spend) -> Any:
    return spend.model_dump()
