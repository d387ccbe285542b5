"""What is asked of the log itself: events as they were stored, and the few things whose streams are folded here."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import strawberry

from api.graphql.context import Context
from api.graphql.enums import Role
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask
from api.graphql.reads.rows import checked_types
from api.graphql.types.fleet import Key, Project, ProjectFound
from api.graphql.types.history import LogEvent, event_of
from domain.kernel.decider import Aggregate, Recorded, S
from domain.kernel.errors import Rejection
from domain.kernel.ids import Position
from domain.principal import state as keys_state
from domain.principal.decider import KEY
from domain.principal.events import KeyIssued
from domain.project import state as project_state
from domain.project.decider import PROJECT
from domain.project.events import ProjectCreated
from projections.kernel.requests import Selection, cursor_after
from projections.timeline.queries import TimelinePage
from projections.timeline.rows import TimelineRow

PAGE_EVENTS: Final = 1_000
SCANNED_MAX: Final = 20_000
"""Events that one question steps over; a shorter page tells where to go on."""
STREAM_EVENTS_MAX: Final = 20_000
"""Events of one project or key that are folded; what comes later is not seen."""
AT_ONCE_MAX: Final = 8
"""Streams that one request reads at a time."""
T = TypeVar("T")


async def events(context: Context, project: str | None, types: list[str] | None, asked: Asked) -> Connection[LogEvent]:
    """A page of a project's events, or of all, in order."""
    found = await context.project("read.events", project, own=False)
    asked.require_size()
    fresh = await context.log_is_at(asked.after)
    wanted = frozenset(checked_types(types))

    def fits(one: Recorded) -> bool:
        return (found is None or one.project == found) and (not wanted or type(one.event).TYPE in wanted)

    shown, end = await _scan(context, fits, asked)
    position, stale = _as_of(context, asked, fresh=fresh)
    return connection(
        [(event_of(one), _place(str(one.position))) for one in shown],
        next_cursor=None if end is None else str(end),
        position=position,
        stale=stale,
    )


async def _scan(context: Context, fits: Callable[[Recorded], bool], asked: Asked) -> tuple[list[Recorded], int | None]:
    """The events that fit, and from where to go on; None where there is nothing left."""
    shown: list[Recorded] = []
    start = position = asked.start()
    while position - start < SCANNED_MAX:
        page = await context.services.events.page(after=position, limit=PAGE_EVENTS)
        for one in page:
            if asked.as_of is not None and one.position > asked.as_of:
                return shown, None
            if fits(one):
                if len(shown) == asked.first:
                    return shown, position
                shown.append(one)
            position = one.position
        if len(page) < PAGE_EVENTS:
            return shown, None
    return shown, position


def _as_of(context: Context, asked: Asked, *, fresh: bool) -> tuple[int, bool]:
    """The position that an answer from the log is of, and whether it is older than asked."""
    head = context.services.events.head()
    if asked.as_of is None:
        return head, not fresh
    return min(head, asked.as_of), not fresh or head < asked.as_of


async def project(context: Context, name: str, asked: Asked) -> ProjectFound:
    """The project of a slug or id; a foreign one is answered like an absent one."""
    fresh = await context.log_is_at(asked.after)
    found = await context.edge.visible(context.principal, name)
    shown: Project | None = None
    if not isinstance(found, Rejection):
        context.require("read.projects", found)
        shown = await _project_of(context, found, asked.as_of)
    position, stale = _as_of(context, asked, fresh=fresh)
    return ProjectFound(project=shown, position=Position(position), stale=stale)


async def projects(context: Context, asked: Asked) -> Connection[Project]:
    """A page of the projects that the caller may see, in order of their creation."""
    asked.require_size()
    mine = context.principal.projects
    if mine is None:
        context.require("read.projects", None)
        return await _begun_by(context, ProjectCreated.TYPE, _project_of, asked)
    start = asked.cursor or ""
    left = [one for one in sorted(mine) if one > start and context.may("read.projects", one)]
    fresh = await context.log_is_at(asked.after)
    found = [(one, await _project_of(context, one, asked.as_of)) for one in left[: asked.first]]
    position, stale = _as_of(context, asked, fresh=fresh)
    return connection(
        [(shown, _place(one)) for one, shown in found if shown is not None],
        next_cursor=left[asked.first - 1] if len(left) > asked.first else None,
        position=position,
        stale=stale,
    )


async def keys(context: Context, asked: Asked) -> Connection[Key]:
    """A page of API keys in order of their issue."""
    context.require("read.keys", None)
    return await _begun_by(context, KeyIssued.TYPE, _key_of, asked)


async def _begun_by(
    context: Context, type_: str, shown: Callable[[Context, str, int | None], Awaitable[T | None]], asked: Asked
) -> Connection[T]:
    """The things whose streams begin with that event; the timeline knows them all."""
    request = TimelinePage(
        types=(type_,), order="oldest_first", limit=asked.first, cursor=asked.cursor, as_of=asked.as_of
    )
    page = await ask(context, request, asked.after)
    room = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(stream: str) -> T | None:
        async with room:
            return await shown(context, stream, page.position)

    rows: Sequence[TimelineRow] = page.rows
    found = await asyncio.gather(*(one(row.stream) for row in rows))
    selection = request.selection()
    return connection(
        [(thing, _later(selection, row)) for row, thing in zip(rows, found, strict=True) if thing is not None],
        next_cursor=page.next_cursor,
        position=page.position,
        stale=page.stale,
    )


async def _project_of(context: Context, stream: str, as_of: int | None) -> Project | None:
    state = await _fold(context, PROJECT, stream, as_of)
    if not isinstance(state, project_state.Project):
        return None
    return Project(
        id=strawberry.ID(stream),
        name=state.name,
        lock_delay_seconds=state.lock_delay_seconds,
        frozen=state.frozen,
        created_at=state.created_at,
    )


async def _key_of(context: Context, stream: str, as_of: int | None) -> Key | None:
    state = await _fold(context, KEY, stream, as_of)
    if not isinstance(state, keys_state.Key):
        return None
    issued = state.issued
    return Key(
        id=strawberry.ID(stream),
        name=issued.name,
        role=Role(issued.role),
        project_ids=list(issued.projects),
        issued_at=issued.at,
        expires_at=issued.expires_at,
        revoked=state.revoked,
    )


async def _fold(context: Context, aggregate: Aggregate[S], stream: str, as_of: int | None) -> S:
    state, version = aggregate.initial, 0
    while version < STREAM_EVENTS_MAX:
        page: Sequence[Recorded] = await context.services.events.stream(
            stream, after_version=version, limit=PAGE_EVENTS
        )
        for one in page:
            if as_of is not None and one.position > as_of:
                return state
            state, version = aggregate.evolve(state, one.event), one.version
        if len(page) < PAGE_EVENTS:
            break
    return state


def _place(cursor: str) -> Callable[[], str]:
    return lambda: cursor


def _later(selection: Selection[TimelineRow], row: TimelineRow) -> Callable[[], str]:
    return lambda: cursor_after(selection, row)
