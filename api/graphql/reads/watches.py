"""What can be watched row by row: the board, the roster, the lock map."""

from typing import Final

from api.graphql.context import Context
from api.graphql.reads.changes import Watch
from api.graphql.types.lock import Lock, lock_of
from api.graphql.types.run import Run, run_of
from api.graphql.types.session import Session, session_of
from api.graphql.types.task import Task, task_of
from projections.kernel.requests import LIMIT_MAX
from projections.kernel.rows import json_text
from projections.lock_map.projection import LOCK_MAP
from projections.lock_map.queries import LockPage
from projections.pipeline_runs.projection import PIPELINE_RUNS
from projections.pipeline_runs.queries import RunPage
from projections.session_roster.projection import SESSION_ROSTER
from projections.session_roster.queries import SessionPage
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskPage

TASKS: Final[Watch[Task]] = Watch(
    action="read.tasks",
    projection=TASK_BOARD,
    request=lambda keys, position: TaskPage(keys=keys, order="oldest_first", limit=LIMIT_MAX, as_of=position),
    shown=task_of,
)
RUNS: Final[Watch[Run]] = Watch(
    action="read.runs",
    projection=PIPELINE_RUNS,
    request=lambda keys, position: RunPage(keys=keys, limit=LIMIT_MAX, as_of=position),
    shown=run_of,
)
LOCKS: Final[Watch[Lock]] = Watch(
    action="read.locks",
    projection=LOCK_MAP,
    request=lambda keys, position: LockPage(keys=keys, limit=LIMIT_MAX, as_of=position),
    shown=lock_of,
)


def sessions_for(context: Context) -> Watch[Session]:
    """The roster, of which each caller sees the projects that are his."""
    return Watch(
        action="read.sessions",
        projection=SESSION_ROSTER,
        request=lambda keys, position: SessionPage(keys=keys, order="oldest_first", limit=LIMIT_MAX, as_of=position),
        shown=lambda row, position: session_of(row, context, position),
        concerns=lambda row, project: json_text([project])[1:-1] in row.projects,
    )
