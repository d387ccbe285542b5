"""How long a project's work took against the longest chain of needs in it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from api.graphql.context import Context
from api.graphql.reads.asked import ask
from api.graphql.types.metrics import Makespan
from domain.kernel.graphs import longest_path, order_of
from domain.kernel.ids import SECOND, Position
from projections.kernel.requests import LIMIT_MAX
from projections.task_board.queries import TaskPage
from projections.task_board.rows import SETTLED, TaskBoardRow
from projections.task_needs.queries import NeedPage
from projections.task_needs.rows import TaskNeedRow

TASKS_MAX: Final = 2_000
"""A plan has no more. Newer tasks come first."""
NEEDS_MAX: Final = 10_000


async def makespan(
    context: Context, project: str, since: int, now: int, *, after: Position, as_of: Position | None
) -> Makespan | None:
    """That of the tasks that were planned since an instant; None where none was, or where they are too many."""
    asked_tasks = TaskPage(project=project, order="newest_first", limit=LIMIT_MAX, as_of=as_of)
    tasks: list[TaskBoardRow] | None = await _all(context, asked_tasks, after, TASKS_MAX, since)
    asked_needs = NeedPage(project=project, limit=LIMIT_MAX, as_of=as_of)
    needs: list[TaskNeedRow] | None = await _all(context, asked_needs, after, NEEDS_MAX)
    return None if not tasks or needs is None else measured(tasks, needs, now)


def measured(tasks: Sequence[TaskBoardRow], needs: Sequence[TaskNeedRow], now: int) -> Makespan:
    """From the first plan to the last end, or to now while something is left; each task counts its last attempt."""
    number = {task.key: place for place, task in enumerate(tasks)}
    edges: list[list[int]] = [[] for _ in tasks]
    for need in needs:
        if need.task in number and need.need in number:
            edges[number[need.task]].append(number[need.need])
    weights = [float(_worked(task, now)) for task in tasks]
    remaining, _ = longest_path(edges, order_of(edges), weights)
    settled = all(task.status in SETTLED for task in tasks)
    ended = max((task.settled_at or now for task in tasks), default=now) if settled else now
    took, bound = ended - min(task.planned_at for task in tasks), max(remaining)
    return Makespan(
        tasks=len(tasks),
        settled=settled,
        seconds=round(took / SECOND, 3),
        critical_path_seconds=round(bound / SECOND, 3),
        ratio=round(took / bound, 2) if bound > 0 else None,
    )


def _worked(task: TaskBoardRow, now: int) -> int:
    return 0 if task.claimed_at is None else max(0, (task.settled_at or now) - task.claimed_at)


async def _all(context: Context, request: Any, after: Position, most: int, since: int = 0) -> list[Any] | None:
    """Every row, newest first where ``since`` ends the walk; None where there are more than ``most``."""
    rows: list[Any] = []
    while True:
        page = await ask(context, request, after)
        fresh = [row for row in page.rows if not since or row.planned_at >= since]
        rows += fresh
        if page.next_cursor is None or len(fresh) < len(page.rows):
            return rows if len(rows) <= most else None
        if len(rows) > most:
            return None
        request = replace(request, cursor=page.next_cursor)
