"""All that happened to a run, to the runs inside of it and to their tasks: what an export of it is made of."""

from collections.abc import Callable
from typing import Final

from api.graphql.context import Context
from api.graphql.errors import Refused
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, text
from api.graphql.reads.run_tree import Tree, tree_of
from api.graphql.types.history import LogEvent, event_of
from domain.kernel.decider import Recorded
from domain.kernel.ids import ProjectId
from projections.kernel.errors import CursorUnreadable

_DIGITS_MAX: Final = 9


async def events(context: Context, identifier: str, asked: Asked) -> Connection[LogEvent]:
    """A page of events: a run's own, then those of each of its tasks, then the runs that it began. Raises Refused."""
    tree = await tree_of(context, identifier, asked, takes_back=True)
    for project in dict.fromkeys(member.row.project for member in tree.members):
        context.require("read.events", ProjectId(project), own=False)
    streams = _streams(tree)
    stream, version = _start(streams, text(asked.cursor))
    found: list[Recorded] = []
    for name in streams[stream:]:
        wanted = asked.first + 1 - len(found)
        page = await context.services.events.stream(name, after_version=version, limit=wanted)
        found += [one for one in page if one.position <= tree.position]
        version = 0
        if len(found) > asked.first:
            break
    shown = found[: asked.first]
    return connection(
        [(event_of(one), _place(one)) for one in shown],
        next_cursor=_place(shown[-1])() if len(found) > asked.first else None,
        position=tree.position,
        stale=tree.stale,
    )


def _streams(tree: Tree) -> list[str]:
    return [name for member in tree.members for name in (member.row.key, *(one.row.key for one in member.tasks))]


def _start(streams: list[str], cursor: str | None) -> tuple[int, int]:
    """In which stream to go on, and behind which of its versions. Raises Refused."""
    if cursor is None:
        return 0, 0
    name, _, version = cursor.rpartition("@")
    if name not in streams or not (version.isascii() and version.isdigit() and len(version) <= _DIGITS_MAX):
        raise Refused(CursorUnreadable())
    return streams.index(name), int(version)


def _place(one: Recorded) -> Callable[[], str]:
    return lambda: f"{one.stream}@{one.version}"
