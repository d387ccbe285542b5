"""Tasks from the board."""

from dataclasses import replace
from typing import Final

import strawberry

from api.graphql.context import Context
from api.graphql.enums import TaskOrder, TaskStatus
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.pages import Connection
from api.graphql.reads.asked import NO_IDS, Asked, ask, connection_of, text
from api.graphql.reads.short_ids import ids_ending
from api.graphql.types.counts import StatusCount, TaskCounts
from api.graphql.types.task import Task, TaskFound, task_of
from domain.kernel.ids import Position
from projections.task_board import queries
from projections.task_board.queries import TaskPage
from projections.task_board.rows import TaskStatus as Status

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
    key_prefix: str | None = strawberry.field(default=None, description="How the key begins.")
    id_suffix: str | None = strawberry.field(
        default=None, description="The last characters of the id, four at least; of 20 tasks at most."
    )
    session: str | None = strawberry.field(default=None, description="Session of the latest attempt.")
    parent: str | None = strawberry.field(default=None, description="Id of the task that they are parts of.")
    needs_person: bool | None = strawberry.field(default=None, description="Whether they need a person.")


async def tasks(context: Context, which: TaskFilter, order: TaskOrder, asked: Asked) -> Connection[Task]:
    """A page of tasks."""
    project = await context.project("read.tasks", which.project)
    request = TaskPage(
        project=project,
        statuses=tuple(dict.fromkeys(_STATUSES[one] for one in which.status or ())),
        name_prefix=text(which.key_prefix),
        kind=text(which.kind),
        session=text(which.session),
        parent=text(which.parent),
        needs_person=which.needs_person,
        order=_ORDERS[order],
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    if which.id_suffix is not None:
        ids = await ids_ending(context, "task", which.id_suffix, project, asked)
        request = replace(request, keys=ids or NO_IDS)
    page = await ask(context, request, asked.after)
    return connection_of(request, page, lambda row: task_of(row, page.position))


async def counts(context: Context, project: str, asked: Asked) -> TaskCounts:
    """Numbers of tasks by status."""
    found = await context.project("read.tasks", project)
    if found is None:
        raise Refused(RequestNotReadable(reason="tasks are counted in one project"))
    counted = await context.services.reads.count(
        queries.TaskCounts(project=found, as_of=asked.as_of), after=asked.after
    )
    position = counted.position if asked.as_of is None else min(counted.position, asked.as_of)
    return TaskCounts(
        counts=[
            StatusCount(status=status, total=counted.totals[status.value])
            for status in TaskStatus
            if counted.totals.get(status.value)
        ],
        position=Position(position),
        stale=counted.stale,
    )


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
