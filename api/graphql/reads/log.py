"""What is asked of the log itself: events as they were stored."""

from collections.abc import Callable
from typing import Final, TypeVar

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked
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


def _place(cursor: str) -> Callable[[], str]:
    return lambda: cursor
