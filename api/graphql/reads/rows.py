"""Sessions, locks and lines from their read models."""

from dataclasses import replace
from typing import Final

import strawberry

from api.graphql.context import Context
from api.graphql.enums import SessionStatus, TimeOrder
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.pages import Connection
from api.graphql.reads.asked import NO_IDS, Asked, ask, connection_of, text
from api.graphql.reads.short_ids import ids_ending
from api.graphql.types.history import TimelineLine, line_of
from api.graphql.types.lock import Lock, lock_of
from api.graphql.types.session import Session, SessionFound, session_of
from domain.kernel.activity import SessionStatus as Status
from domain.kernel.ids import Position
from projections.lock_map.queries import LockPage
from projections.session_roster.queries import SessionOrder, SessionPage
from projections.session_roster.rows import SessionRosterRow
from projections.timeline.queries import TimelinePage

TYPES_MAX: Final = 50
ORDERS: Final[dict[TimeOrder, SessionOrder]] = {
    TimeOrder.NEWEST_FIRST: "newest_first",
    TimeOrder.OLDEST_FIRST: "oldest_first",
}
_STATUSES: Final[dict[SessionStatus, tuple[Status, ...]]] = {
    SessionStatus.WORKING: ("working",),
    SessionStatus.BUSY_IN_TOOL: ("busy_in_tool",),
    SessionStatus.WAITING_FOR_PERSON: ("waiting_for_person",),
    SessionStatus.QUOTA_BLOCKED: ("quota_blocked",),
    SessionStatus.IDLE: ("idle",),
    SessionStatus.SUSPECT: ("suspect",),
    SessionStatus.LOST: ("lost",),
    SessionStatus.DRAINING: ("draining",),
    SessionStatus.ENDED: ("ended",),
    SessionStatus.LIVE: ("working", "busy_in_tool", "waiting_for_person", "quota_blocked", "idle", "draining"),
}


@strawberry.input
class SessionFilter:
    """Which sessions; what is null is not asked."""

    tool: str | None = None
    model: str | None = None
    host: str | None = None
    role: str | None = None
    parent_id: str | None = None
    credential_pool: str | None = None
    capability: str | None = strawberry.field(
        default=None, description="`key`, or `key=value`; of a set, one of its members."
    )
    busy_only: bool = False
    id_suffix: str | None = strawberry.field(
        default=None, description="The last characters of the id, four at least; of 20 sessions at most."
    )


@strawberry.input
class LineFilter:
    """Which lines; what is null is not asked."""

    stream: str | None = None
    actor: str | None = strawberry.field(default=None, description="Key or policy whose command it was.")
    correlation_id: str | None = None


async def sessions(
    context: Context,
    project: str | None,
    status: list[SessionStatus] | None,
    where: SessionFilter,
    order: TimeOrder,
    asked: Asked,
) -> Connection[Session]:
    """A page of the sessions that serve a project."""
    request = SessionPage(
        serves=await context.project("read.sessions", project),
        statuses=tuple(dict.fromkeys(word for one in status or () for word in _STATUSES[one])),
        tool=text(where.tool),
        model=text(where.model),
        host=text(where.host),
        role=text(where.role),
        parent=text(where.parent_id),
        credential_pool=text(where.credential_pool),
        capability=text(where.capability),
        busy_only=where.busy_only,
        order=ORDERS[order],
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    if where.id_suffix is not None:
        request = replace(request, keys=await ids_ending(context, "sess", where.id_suffix, None, asked) or NO_IDS)
    page = await ask(context, request, asked.after)
    return connection_of(request, page, lambda row: session_of(row, context, page.position))


async def session(context: Context, identifier: str, asked: Asked) -> SessionFound:
    """The session of an id. One that serves only foreign projects is answered like an absent one."""
    page = await ask(context, SessionPage(keys=(text(identifier) or "",), limit=1, as_of=asked.as_of), asked.after)
    row = next(iter(page.rows), None)
    return SessionFound(
        session=None if row is None else session_of(row, context, page.position),
        position=Position(page.position),
        stale=page.stale,
    )


async def locks(
    context: Context, project: str | None, session: str | None, task: str | None, resource: str | None, asked: Asked
) -> Connection[Lock]:
    """A page of tokens with their locks."""
    request = LockPage(
        project=await context.project("read.locks", project),
        session=text(session),
        task=text(task),
        resource_text=text(resource),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, lambda row: lock_of(row, page.position))


async def timeline(
    context: Context,
    project: str | None,
    session: str | None,
    task: str | None,
    types: list[str] | None,
    where: LineFilter,
    order: TimeOrder,
    asked: Asked,
) -> Connection[TimelineLine]:
    """A page of events in words; agents read those of their own sessions only."""
    own = session is not None and await is_own(context, session)
    request = TimelinePage(
        project=await context.project("read.events", project, own=own),
        session=text(session),
        task=text(task),
        types=checked_types(types),
        stream=text(where.stream),
        actor=text(where.actor),
        correlation=text(where.correlation_id),
        order=ORDERS[order],
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, line_of)


def checked_types(types: list[str] | None) -> tuple[str, ...]:
    """Stored names of events. Raises Refused for too many."""
    if types is not None and len(types) > TYPES_MAX:
        raise Refused(RequestNotReadable(reason=f"at most {TYPES_MAX} types are asked at once"))
    return tuple(dict.fromkeys(text(one) or "" for one in types or ()))


async def is_own(context: Context, identifier: str) -> bool:
    """Whether the session is one that the caller opened."""
    page = await ask(context, SessionPage(keys=(text(identifier) or "",), limit=1), None)
    rows: tuple[SessionRosterRow, ...] = page.rows
    return any(row.owner == context.principal.id for row in rows)
