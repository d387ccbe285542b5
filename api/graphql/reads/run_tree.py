"""A run with the runs inside of it, and the tasks that they ever made: found by parent and by the names of tasks."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from api.graphql.context import Context
from api.graphql.errors import AnswerTooLarge, Refused
from api.graphql.reads.asked import Asked, Page, ask, text
from domain.kernel.ids import Position
from projections.kernel.requests import LIMIT_MAX
from projections.pipeline_runs.queries import RunPage
from projections.pipeline_runs.rows import PipelineRunRow
from projections.task_board.queries import TaskPage
from projections.task_board.rows import TaskBoardRow

RUNS_MAX: Final = 200
"""Runs of one tree that an answer looks at; ask for a run inside where there are more."""
TASKS_MAX: Final = 5_000
"""Tasks of all of them, those of former generations and those that take back included."""
_NAME: Final = re.compile(r"run_[^/]+/(?P<place>.+?)(@(?P<generation>[0-9]+))?(?P<undo>\+undo[0-9]+)?")


class RunTask(NamedTuple):
    """A task of a run, and what it was made for."""

    row: TaskBoardRow
    run: str
    place: str
    generation: int
    is_undo: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A run of the tree."""

    row: PipelineRunRow
    depth: int
    tasks: tuple[RunTask, ...]
    """In the order in which they were made."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A run and what is inside of it, each run before those that it began; nothing where nobody may see it."""

    members: tuple[Member, ...]
    position: int
    stale: bool

    @property
    def tasks(self) -> dict[str, RunTask]:
        """By id."""
        return {one.row.key: one for member in self.members for one in member.tasks}


async def tree_of(context: Context, identifier: str, asked: Asked, *, takes_back: bool = False) -> Tree:
    """The tree of a run that the caller may read, else an empty one. Raises Refused where it is too large.

    With ``takes_back`` the run that takes back what it did, once it has ended, stands with those inside.
    """
    asked.require_size()
    page = await ask(context, RunPage(keys=(text(identifier) or "",), limit=1, as_of=asked.as_of), asked.after)
    reader = _Reader(context, Position(page.position), stale=page.stale)
    found: list[Member] = []
    total = 0
    root = next((row for row in page.rows if context.may("read.runs", row.project)), None)
    if root is not None:
        async for row, depth in _rows(reader, root, takes_back=takes_back):
            tasks = tuple([one async for one in _tasks(reader, row)])
            total += len(tasks)
            found.append(Member(row, depth, tasks))
            if len(found) > RUNS_MAX:
                raise Refused(AnswerTooLarge(what="runs inside of each other", limit=RUNS_MAX))
            if total > TASKS_MAX:
                raise Refused(AnswerTooLarge(what="tasks of the run", limit=TASKS_MAX))
    return Tree(tuple(found), page.position, reader.stale)


@dataclass(slots=True)
class _Reader:
    """Reads as of one position. Read models that lag are waited for; where one stays behind, all of it is stale."""

    context: Context
    at: Position
    stale: bool

    async def page(self, request: RunPage | TaskPage) -> Page:
        page = await ask(self.context, replace(request, as_of=self.at), self.at)
        self.stale = self.stale or page.stale
        return page

    async def all(self, request: RunPage | TaskPage, most: int) -> AsyncIterator[Any]:
        """Every row, and one page beyond the bound: whoever counts refuses them."""
        seen = 0
        while True:
            page = await self.page(request)
            for row in page.rows:
                yield row
            seen += len(page.rows)
            if page.next_cursor is None or seen > most:
                return
            request = replace(request, cursor=page.next_cursor)


def made_for(row: TaskBoardRow) -> RunTask | None:
    """What a task's name says of it; None of one that no run has made."""
    fits = _NAME.fullmatch(row.name)
    if fits is None:
        return None
    generation = int(fits["generation"] or 1)
    return RunTask(row, row.name.partition("/")[0], fits["place"], generation, fits["undo"] is not None)


async def _rows(
    reader: _Reader, root: PipelineRunRow, *, takes_back: bool
) -> AsyncIterator[tuple[PipelineRunRow, int]]:
    """The root, then whatever each began, in that order; what takes it back from outside comes last."""
    waiting = [(root, 0)]
    if takes_back and root.rolled_back_by and root.parent is None:
        page = await reader.page(RunPage(keys=(root.rolled_back_by,), limit=1))
        waiting = [*((row, 1) for row in page.rows if row.project == root.project), (root, 0)]
    while waiting:
        row, depth = waiting.pop()
        yield row, depth
        asked = RunPage(project=row.project, parent=row.key, limit=LIMIT_MAX)
        # The youngest is the first of them, so that the oldest is looked at next.
        waiting += [(one, depth + 1) async for one in reader.all(asked, RUNS_MAX)]


async def _tasks(reader: _Reader, run: PipelineRunRow) -> AsyncIterator[RunTask]:
    asked = TaskPage(project=run.project, name_prefix=f"{run.key}/", order="oldest_first", limit=LIMIT_MAX)
    async for row in reader.all(asked, TASKS_MAX):
        one = made_for(row)
        if one is not None:
            yield one
