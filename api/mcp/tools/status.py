"""status: how a project stands, in one look."""

from typing import Annotated, Final

from pydantic import Field

from api.mcp.answers import Fields, present, untrusted
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from api.mcp.tools import shown
from projections.attention.queries import AttentionPage
from projections.lock_map.queries import LockPage
from projections.projects.queries import ProjectPage
from projections.session_roster.queries import SessionPage
from projections.task_board.queries import TaskCounts, TaskPage
from projections.task_board.rows import TaskBoardRow, TaskStatus

TASKS_TOLD_MAX: Final = 20
SESSIONS_TOLD_MAX: Final = 15
LOCKS_TOLD_MAX: Final = 20
ATTENTION_TOLD_MAX: Final = 10
TITLE_CHARACTERS_MAX: Final = 100
_OPEN: Final[tuple[TaskStatus, ...]] = ("running", "assigned", "ready", "backoff", "parked")


class Status(Arguments):
    """How the project stands."""

    project: Name | None = None
    tasks: Annotated[
        list[TaskStatus] | None, Field(max_length=9, description="Which tasks to list; default: all under way or ready")
    ] = None


async def status(call: Call, arguments: Status) -> Fields:
    """Counts, and the first of each list."""
    if arguments.session is not None:
        await call.presence()
    project = await call.project(arguments.project, "read.tasks")
    call.require("read.sessions", project)
    call.require("read.locks", project)
    row = next(iter((await call.ask(ProjectPage(keys=(project,), limit=1))).rows), None)
    counted = await call.services.reads.count(TaskCounts(project=project), after=call.services.events.head())
    listed = tuple(dict.fromkeys(arguments.tasks or _OPEN))
    tasks = await call.ask(TaskPage(project=project, statuses=listed, limit=TASKS_TOLD_MAX))
    sessions = await call.ask(SessionPage(serves=project, statuses=shown.AT_WORK, limit=SESSIONS_TOLD_MAX))
    locks = await call.ask(LockPage(project=project, limit=LOCKS_TOLD_MAX))
    attention = await call.ask(AttentionPage(project=project, limit=ATTENTION_TOLD_MAX))
    return present(
        project=project,
        name=None if row is None else row.name,
        frozen=untrusted(row.frozen_reason, "an operator", 300) if row is not None and row.frozen else None,
        counts={name: total for name, total in counted.totals.items() if total},
        tasks=[_task(one) for one in tasks.rows],
        sessions=[shown.peer(one, (), 3) for one in sessions.rows],
        locks=[shown.lock(one, 3) | {"session": one.session} for one in locks.rows],
        needs_a_person=[
            present(topic=one.topic, about=one.about, why=untrusted(one.why, one.about, 200) if one.why else None)
            for one in attention.rows
        ],
    )


def _task(row: TaskBoardRow) -> Fields:
    return present(
        key=row.name,
        id=row.key,
        title=untrusted(row.title, "whoever planned the task", TITLE_CHARACTERS_MAX),
        status=row.status,
        session=row.session if row.status in ("assigned", "running") else None,
        percent=row.percent,
        unmet_needs=row.unmet_total or None,
    )
