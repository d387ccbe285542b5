"""Tasks from the board."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import strawberry

from api.graphql.context import Context
from api.graphql.enums import TaskOrder, TaskStatus
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, ask, text
from api.graphql.types.task import Task, TaskFound, task_of
from domain.kernel.ids import Position
from projections.kernel.requests import Condition, Holds, Selection, cursor_after
from projections.task_board import queries
from projections.task_board.queries import TaskPage
from projections.task_board.rows import TaskBoardRow
from projections.task_board.rows import TaskStatus as Status

SCANNED_PAGES_MAX: Final = 10
"""Pages that one question for a key prefix looks through; a shorter page tells where to go on."""
_ORDERS: Final[dict[TaskOrder, queries.TaskOrder]] = {
    TaskOrder.URGENT_FIRST: "urgent_first",
    TaskOrder.NEWEST_FIRST: "newest_first",
    TaskOrder.OLDEST_FIRST: "oldest_first",
}
_STATUSES: Final[dict[TaskStatus, Status]] = {
    TaskStatus.PENDING: "pending",
    TaskStatus.READY: "ready",
    TaskStatus.ASSIGNED: "assigned",
    TaskStatus.RUNNING: "running",
    TaskStatus.BACKOFF: "backoff",
    TaskStatus.PARKED: "parked",
    TaskStatus.COMPLETED: "completed",
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELLED: "cancelled",
}


@strawberry.input
class TaskFilter:
    """Which tasks; what is not given is not asked."""

    project: str | None = strawberry.field(default=None, description="Slug or id.")
    status: list[TaskStatus] | None = None
    kind: str | None = None
    key_prefix: str | None = strawberry.field(
        default=None, description="How the key begins. A page may then hold fewer tasks than asked; follow endCursor."
    )
    session: str | None = strawberry.field(default=None, description="Session of the latest attempt.")
    parent: str | None = strawberry.field(default=None, description="Id of the task that they are parts of.")
    needs_person: bool | None = strawberry.field(default=None, description="Whether they need a person.")


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """A page of tasks under one condition more."""

    page: TaskPage
    condition: Condition

    @property
    def as_of(self) -> int | None:
        return self.page.as_of

    def selection(self) -> Selection[TaskBoardRow]:
        selection = self.page.selection()
        return replace(selection, conditions=(*selection.conditions, self.condition))


async def tasks(context: Context, which: TaskFilter, order: TaskOrder, asked: Asked) -> Connection[Task]:
    """A page of tasks."""
    project = await context.project("read.tasks", which.project)
    request = TaskPage(
        project=project,
        statuses=tuple(dict.fromkeys(_STATUSES[one] for one in which.status or ())),
        kind=text(which.kind),
        session=text(which.session),
        parent=text(which.parent),
        needs_person=which.needs_person,
        order=_ORDERS[order],
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    if which.key_prefix:
        return await _by_prefix(context, request, text(which.key_prefix) or "", asked)
    page = await ask(context, request, asked.after)
    return _shown(page.rows, request, page.next_cursor, page.position, stale=page.stale)


async def task(
    context: Context, identifier: str | None, project: str | None, key: str | None, asked: Asked
) -> TaskFound:
    """The task of an id, or of a project and a key. A foreign one is answered like an absent one."""
    if identifier is not None:
        request = TaskPage(keys=(text(identifier) or "",), limit=1, as_of=asked.as_of)
    else:
        found = await context.project("read.tasks", project)
        request = TaskPage(project=found, name=text(key) or "", limit=1, as_of=asked.as_of)
    page = await ask(context, request, asked.after)
    row = next((one for one in page.rows if context.may("read.tasks", one.project)), None)
    return TaskFound(
        task=None if row is None else task_of(row, page.position),
        position=Position(page.position),
        stale=page.stale,
    )


async def _by_prefix(context: Context, request: TaskPage, prefix: str, asked: Asked) -> Connection[Task]:
    """Storage can only tell which keys contain the prefix; where they begin with it is looked at here."""
    found: list[TaskBoardRow] = []
    cursor, stale = asked.cursor, False
    position: int | None = asked.as_of
    for _ in range(SCANNED_PAGES_MAX):
        narrowed = _Narrowed(replace(request, cursor=cursor, as_of=position), Holds("name", prefix))
        page = await ask(context, narrowed, asked.after)
        position = position if position is not None else page.position
        stale = stale or page.stale
        for row in page.rows:
            if not row.name.startswith(prefix):
                continue
            found.append(row)
            if len(found) == asked.first:
                more = page.next_cursor is not None or row is not page.rows[-1]
                end = cursor_after(request.selection(), row) if more else None
                return _shown(found, request, end, page.position, stale=stale)
        cursor = page.next_cursor
        if cursor is None:
            break
    return _shown(found, request, cursor, position or 0, stale=stale)


def _shown(
    rows: "list[TaskBoardRow] | tuple[TaskBoardRow, ...]",
    request: TaskPage,
    end: str | None,
    position: int,
    *,
    stale: bool,
) -> Connection[Task]:
    selection = request.selection()
    return connection(
        [(task_of(row, position), _cursor(selection, row)) for row in rows],
        next_cursor=end,
        position=position,
        stale=stale,
    )


def _cursor(selection: Selection[TaskBoardRow], row: TaskBoardRow) -> Callable[[], str]:
    return lambda: cursor_after(selection, row)
