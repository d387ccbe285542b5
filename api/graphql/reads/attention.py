"""What a person has to look at: from its read model, and circles of waits looked for in what is unsettled."""

from dataclasses import replace
from typing import Any, Final

import strawberry

from api.graphql.context import Context
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.pages import Connection
from api.graphql.reads.asked import Asked, ask, connection_of
from api.graphql.types.attention import (
    Attention,
    AttentionSubject,
    AttentionTopic,
    Standstills,
    attention_of,
    standstill_of,
)
from domain.dispatch.standstill import Work
from domain.kernel.ids import Instant, Position
from domain.kernel.values import ScopeClaim
from projections.attention.queries import AttentionPage
from projections.kernel.requests import LIMIT_MAX
from projections.kernel.rows import entries
from projections.task_board.queries import TaskPage
from projections.task_board.rows import LIVE, TaskBoardRow
from projections.task_needs.queries import NeedPage

WORKS_MAX: Final = 5_000
"""Unsettled tasks, and unmet needs of theirs, that are looked at for circles; the last page may go beyond."""
_UNSETTLED: Final = ("pending", "ready", "assigned", "running", "backoff")


@strawberry.input
class AttentionFilter:
    """What has to be looked at; what is null or empty is not asked."""

    project: str | None = None
    topics: list[AttentionTopic] | None = None
    subjects: list[AttentionSubject] | None = None


async def attention(context: Context, where: AttentionFilter, asked: Asked) -> Connection[Attention]:
    """A page of what stands; what no project of the caller's has to do with is left out."""
    request = AttentionPage(
        project=await context.project("read.tasks", where.project),
        topics=tuple(dict.fromkeys(one.value for one in where.topics or ())),
        subjects=tuple(dict.fromkeys(one.value for one in where.subjects or ())),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, lambda row: attention_of(row, page.position, context))


async def standstills(context: Context, name: str, after: Position | None) -> Standstills:
    """The circles of waits among the unsettled tasks of a project. Of now."""
    project = await context.project("read.tasks", name)
    if project is None:
        raise Refused(RequestNotReadable(reason="circles are looked for in one project"))
    board = TaskPage(project=project, statuses=_UNSETTLED, order="oldest_first", limit=LIMIT_MAX)
    rows, more, position, stale = await _all(context, board, after)
    edges, more_needs, _, _ = await _all(context, NeedPage(project=project, unmet_only=True, limit=LIMIT_MAX), None)
    needs: dict[str, list[str]] = {}
    for edge in edges:
        needs.setdefault(edge.task, []).append(edge.need)
    works = [_work(row, tuple(needs.get(row.key, ()))) for row in rows]
    found = await context.services.explains.standstills(project, works)
    return Standstills(
        standstills=[standstill_of(one) for one in found],
        looked_at=len(works),
        complete=not (more or more_needs),
        position=Position(position),
        stale=stale,
    )


async def _all(context: Context, request: Any, after: Position | None) -> tuple[list[Any], bool, int, bool]:
    """The rows of so many pages, whether there are more, and what the last page is true of."""
    rows: list[Any] = []
    while True:
        page = await ask(context, request, after)
        rows += page.rows
        if page.next_cursor is None or len(rows) >= WORKS_MAX:
            return rows, page.next_cursor is not None, page.position, page.stale
        request = replace(request, cursor=page.next_cursor)


def _work(row: TaskBoardRow, needs: tuple[str, ...]) -> Work:
    live = row.status in LIVE
    return Work(
        task=row.key,
        key=row.name,
        since=Instant(row.ready_at or row.planned_at),
        live=live,
        claimable=row.status == "ready",
        session=row.session or "" if live else "",
        incarnation=row.incarnation or 0,
        parent=row.parent,
        scope=tuple(ScopeClaim(claim=one["claim"], mode=one["mode"]) for one in entries(row.scope)),
        needs=needs if row.status == "pending" else (),
    )
