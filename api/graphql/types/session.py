"""Sessions as they are shown; of projects that the caller may not see nothing is shown."""

import json
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from api.graphql.asking import Asking
from api.graphql.context import Context
from api.graphql.enums import SessionStatus
from api.graphql.scalars import Long
from domain.kernel.ids import Instant, Position
from projections.kernel.rows import entries
from projections.session_roster.rows import SessionRosterRow

if TYPE_CHECKING:
    from api.graphql.types.task import Task


@strawberry.type
class Attempt:
    """A task that the session works on now."""

    token: str
    project_id: str
    task_id: str
    as_of: strawberry.Private[int]

    @strawberry.field
    async def task(self, info: Asking) -> Annotated["Task", strawberry.lazy("api.graphql.types.task")] | None:
        """What it works on."""
        from api.graphql.types.task import load_task

        return await load_task(info.context, self.task_id, self.as_of)


@strawberry.type
class Grant:
    """Locks that the session holds outside any attempt."""

    token: str
    project_id: str


@strawberry.type
class Session:
    """An agent run, or a person at work."""

    id: strawberry.ID
    project_ids: list[str]
    name: str
    tool: str
    model: str
    host: str
    role: str = strawberry.field(description="Label of its part in the work.")
    worktree: str
    owner: str
    parent_id: str | None = strawberry.field(description="The session above it.")
    credential_pool: str | None = strawberry.field(description="Credentials whose quota it spends.")
    status: SessionStatus
    activity: SessionStatus = strawberry.field(description="What it did when it was last heard.")
    draining: bool = strawberry.field(description="It takes nothing new and ends with what it has.")
    running_tool: str
    tool_until: Instant | None = strawberry.field(description="The lease does not run out before this.")
    began: str = strawberry.field(description="Why there is this incarnation: new, resume, fork or restart.")
    incarnation: int
    capacity: int
    ttl_seconds: int
    capabilities: JSON
    attempts: list[Attempt]
    attempts_live: int
    grants: list[Grant]
    grants_live: int
    completed_total: Long
    failed_total: Long
    lost_total: Long
    renewed_at: Instant | None = strawberry.field(
        description="Last sign of life as known when it was suspected or lost."
    )
    opened_at: Instant
    first_opened_at: Instant
    closed_at: Instant | None
    changed_at: Instant
    takes_pushed: bool = strawberry.field(description="It is given work unasked.")


@strawberry.type
class SessionFound:
    """One session, or null where there is none that the caller may see."""

    session: Session | None
    position: Position
    stale: bool


async def load_session(context: Context, identifier: str, as_of: int) -> Session | None:
    """The session of an id, as the caller may see it."""
    row = await context.loaders.session.load((as_of, identifier))
    return None if row is None else session_of(row, context, as_of)


def session_of(row: SessionRosterRow, context: Context, as_of: int) -> Session | None:
    """A row as it is shown; None where it serves no project that the caller may read sessions of."""
    projects = [one for one in json.loads(row.projects) if context.may("read.sessions", one)]
    if not projects and context.principal.projects is not None:
        return None
    seen = frozenset(projects)
    attempts = [one for one in entries(row.attempts) if one["project"] in seen]
    grants = [one for one in entries(row.grants) if one["project"] in seen]
    return Session(
        id=strawberry.ID(row.key),
        project_ids=projects,
        name=row.name,
        tool=row.tool,
        model=row.model,
        host=row.host,
        role=row.role,
        worktree=row.worktree,
        owner=row.owner,
        parent_id=row.parent,
        credential_pool=row.credential_pool,
        status=SessionStatus(row.status),
        activity=SessionStatus(row.activity),
        draining=row.draining,
        running_tool=row.running_tool,
        tool_until=_instant(row.tool_until),
        began=row.began,
        incarnation=row.incarnation,
        capacity=row.capacity,
        ttl_seconds=row.ttl_seconds,
        capabilities=json.loads(row.capabilities),
        attempts=[
            Attempt(token=str(one["token"]), project_id=one["project"], task_id=one["task"], as_of=as_of)
            for one in attempts
        ],
        attempts_live=len(attempts),
        grants=[Grant(token=str(one["token"]), project_id=one["project"]) for one in grants],
        grants_live=len(grants),
        completed_total=Long(row.completed_total),
        failed_total=Long(row.failed_total),
        lost_total=Long(row.lost_total),
        renewed_at=_instant(row.renewed_at),
        opened_at=Instant(row.opened_at),
        first_opened_at=Instant(row.first_opened_at),
        closed_at=_instant(row.closed_at),
        changed_at=Instant(row.changed_at),
        takes_pushed=row.takes_pushed,
    )


def _instant(at: int | None) -> Instant | None:
    return None if at is None else Instant(at)
