"""What is asked of the log itself: events as they were stored."""

from collections.abc import Callable
from typing import Final, TypeVar

import strawberry

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, text
from api.graphql.reads.rows import checked_types
from api.graphql.types.history import LogEvent, event_of
from domain.kernel.decider import Recorded

PAGE_EVENTS: Final = 1_000
SCANNED_MAX: Final = 20_000
"""Events that one question steps over; a shorter page tells where to go on."""
STREAM_EVENTS_MAX: Final = 20_000
"""Events of one project or key that are folded; what comes later is not seen."""
AT_ONCE_MAX: Final = 8
"""Streams that one request reads at a time."""
T = TypeVar("T")


@strawberry.input
class EventFilter:
    """Which events; what is null is not asked."""

    stream: str | None = None
    actor: str | None = strawberry.field(default=None, description="Key or policy whose command wrote it.")
    session: str | None = strawberry.field(default=None, description="Events of its stream, and those that name it.")
    correlation_id: str | None = None
    command_id: str | None = None
    text: str | None = strawberry.field(default=None, description="Letters that the stored event holds.")


async def events(
    context: Context, project: str | None, types: list[str] | None, where: EventFilter, asked: Asked
) -> Connection[LogEvent]:
    """A page of a project's events, or of all, in order."""
    found = await context.project("read.events", project, own=False)
    asked.require_size()
    fresh = await context.log_is_at(asked.after)
    wanted, asks = frozenset(checked_types(types)), _asked_of(where)

    def fits(one: Recorded) -> bool:
        of_project = found is None or one.project == found
        return of_project and (not wanted or type(one.event).TYPE in wanted) and asks(one)

    shown, end = await _scan(context, fits, asked)
    position, stale = _as_of(context, asked, fresh=fresh)
    return connection(
        [(event_of(one), _place(str(one.position))) for one in shown],
        next_cursor=None if end is None else str(end),
        position=position,
        stale=stale,
    )


def _asked_of(where: EventFilter) -> Callable[[Recorded], bool]:
    """Whether an event fits what is not null. Raises Refused for texts that nothing holds."""
    stream, actor, session = text(where.stream), text(where.actor), text(where.session)
    correlation, command, letters = text(where.correlation_id), text(where.command_id), text(where.text)

    def fits(one: Recorded) -> bool:
        return (
            (stream is None or one.stream == stream)
            and (actor is None or one.actor == actor)
            and (correlation is None or one.correlation_id == correlation)
            and (command is None or one.command_id == command)
            and (session is None or one.stream == session or session.encode() in one.event.stored())
            and (letters is None or letters.encode() in one.event.stored())
        )

    return fits


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


def _place(cursor: str) -> Callable[[], str]:
    return lambda: cursor
