"""Who worked for a run: every attempt at its tasks and at those of the runs inside of it, as they began."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from api.graphql.context import Context
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, connection_of, text
from api.graphql.reads.log import AT_ONCE_MAX
from api.graphql.reads.run_tree import RunTask, tree_of
from api.graphql.types.run_past import AttemptPurpose, RunAttempt
from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, Position, ProjectId
from domain.task.events import TaskAttemptEnded, TaskClaimed, TaskCompleted
from projections.kernel.requests import LIMIT_MAX
from projections.timeline.queries import TimelinePage
from projections.timeline.rows import TimelineRow

_ENDS: Final = (TaskCompleted.TYPE, TaskAttemptEnded.TYPE)


async def attempts(context: Context, identifier: str, session: str | None, asked: Asked) -> Connection[RunAttempt]:
    """A page of attempts, the first begun first; of one session where that is named. Raises Refused."""
    tree = await tree_of(context, identifier, asked, takes_back=True)
    tasks = tree.tasks
    for project in dict.fromkeys(member.row.project for member in tree.members):
        context.require("read.events", ProjectId(project), own=False)
    if not tasks:
        return connection([], next_cursor=None, position=tree.position, stale=tree.stale)
    request = TimelinePage(
        tasks=tuple(tasks),
        session=text(session),
        types=(TaskClaimed.TYPE,),
        order="oldest_first",
        limit=asked.first,
        cursor=asked.cursor,
        as_of=tree.position,
    )
    page = await ask(context, request, Position(tree.position))
    begun: Sequence[TimelineRow] = page.rows
    ends = await _ends(context, begun, tree.position)
    events = await _events(context, [*begun, *ends.values()])
    return connection_of(request, page, lambda row: _told(row, tasks[row.task or ""], ends, events))


async def _ends(context: Context, begun: Sequence[TimelineRow], at: int) -> dict[tuple[str, int], TimelineRow]:
    """How each of these attempts ended, by task and token."""
    found: dict[tuple[str, int], TimelineRow] = {}
    names = tuple(dict.fromkeys(row.task or "" for row in begun))
    request = TimelinePage(tasks=names or ("",), types=_ENDS, order="oldest_first", limit=LIMIT_MAX, as_of=Position(at))
    while True:
        page = await ask(context, request, None)
        rows: Sequence[TimelineRow] = page.rows
        found |= {(row.task or "", row.token or 0): row for row in rows}
        if page.next_cursor is None:
            break
        request = replace(request, cursor=page.next_cursor)
    wanted = {(row.task or "", row.token or 0) for row in begun}
    return {key: row for key, row in found.items() if key in wanted}


async def _events(context: Context, rows: Sequence[TimelineRow]) -> dict[int, Recorded]:
    """The events that the lines are of, by position; without those that are archived."""
    found: dict[int, Recorded] = {}
    for start in range(0, len(rows), AT_ONCE_MAX):
        some = [row.position for row in rows[start : start + AT_ONCE_MAX]]
        events = await asyncio.gather(*(context.services.past.event(position) for position in some))
        found |= {event.position: event for event in events if event is not None}
    return found


def _told(
    row: TimelineRow, task: RunTask, ends: dict[tuple[str, int], TimelineRow], events: dict[int, Recorded]
) -> RunAttempt:
    end = ends.get((row.task or "", row.token or 0))
    claimed = events[row.position].event if row.position in events else None
    return RunAttempt(
        run_id=task.run,
        place=task.place,
        generation=task.generation,
        purpose=AttemptPurpose.UNDO if task.is_undo else AttemptPurpose.WORK,
        task_id=row.task or "",
        session_id=row.session or "",
        attempt=claimed.attempt if isinstance(claimed, TaskClaimed) else None,
        began=Position(row.position),
        began_at=Instant(row.at),
        ended_at=None if end is None else Instant(end.at),
        how=_how(end, events),
    )


def _how(end: TimelineRow | None, events: dict[int, Recorded]) -> str:
    if end is None:
        return "under_way"
    if end.type == TaskCompleted.TYPE:
        return "completed"
    event = events[end.position].event if end.position in events else None
    return event.kind if isinstance(event, TaskAttemptEnded) else "ended"
