"""Rows that stand beneath other rows, asked for together and as of the same position."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from strawberry.dataloader import DataLoader

from api.graphql.errors import AnswerTooLarge, Refused
from api.ports import ReadPort
from projections.kernel.requests import LIMIT_MAX
from projections.pipeline_runs.queries import RunPage
from projections.pipeline_runs.rows import PipelineRunRow
from projections.run_phases.queries import RunPhasePage
from projections.run_phases.rows import RunPhaseRow
from projections.session_roster.queries import SessionPage
from projections.session_roster.rows import SessionRosterRow
from projections.task_board.queries import TaskPage
from projections.task_board.rows import TaskBoardRow
from projections.task_needs.queries import NeedPage
from projections.task_needs.rows import TaskNeedRow

BENEATH_MAX: Final = 5_000
"""Needs and phases in one answer."""
Place = tuple[int | None, str]
"""As of which position, and whose id."""


class Loaders:
    """One set for each request, so that nothing is seen twice in different states."""

    def __init__(self, reads: ReadPort) -> None:
        self._reads = reads
        self._beneath = 0

    @cached_property
    def task(self) -> DataLoader[Place, TaskBoardRow | None]:
        """Tasks by id."""
        return DataLoader(self._tasks, max_batch_size=LIMIT_MAX)

    @cached_property
    def run(self) -> DataLoader[Place, PipelineRunRow | None]:
        """Runs by id."""
        return DataLoader(self._runs, max_batch_size=LIMIT_MAX)

    @cached_property
    def phases(self) -> DataLoader[Place, tuple[RunPhaseRow, ...]]:
        """Phases of runs, by the run's id."""
        return DataLoader(self._phases_of, max_batch_size=LIMIT_MAX)

    @cached_property
    def session(self) -> DataLoader[Place, SessionRosterRow | None]:
        """Sessions by id."""
        return DataLoader(self._sessions, max_batch_size=LIMIT_MAX)

    @cached_property
    def needs(self) -> DataLoader[Place, tuple[TaskNeedRow, ...]]:
        """What tasks need, by the task's id."""
        return DataLoader(self._needs_of, max_batch_size=LIMIT_MAX)

    async def _tasks(self, places: list[Place]) -> Sequence[TaskBoardRow | None]:
        rows: dict[Place, TaskBoardRow] = {}
        for as_of, keys in _grouped(places):
            page = await self._reads.ask(TaskPage(keys=keys, order="oldest_first", limit=LIMIT_MAX, as_of=as_of))
            rows |= {(as_of, row.key): row for row in page.rows}
        return [rows.get(place) for place in places]

    async def _sessions(self, places: list[Place]) -> Sequence[SessionRosterRow | None]:
        rows: dict[Place, SessionRosterRow] = {}
        for as_of, keys in _grouped(places):
            page = await self._reads.ask(SessionPage(keys=keys, order="oldest_first", limit=LIMIT_MAX, as_of=as_of))
            rows |= {(as_of, row.key): row for row in page.rows}
        return [rows.get(place) for place in places]

    async def _runs(self, places: list[Place]) -> Sequence[PipelineRunRow | None]:
        rows: dict[Place, PipelineRunRow] = {}
        for as_of, keys in _grouped(places):
            page = await self._reads.ask(RunPage(keys=keys, limit=LIMIT_MAX, as_of=as_of))
            rows |= {(as_of, row.key): row for row in page.rows}
        return [rows.get(place) for place in places]

    async def _phases_of(self, places: list[Place]) -> Sequence[tuple[RunPhaseRow, ...]]:
        found: dict[Place, list[RunPhaseRow]] = {place: [] for place in places}
        for as_of, keys in _grouped(places):
            for row in await self._all("phases", RunPhasePage(runs=keys, limit=LIMIT_MAX, as_of=as_of)):
                found[as_of, row.run].append(row)
        return [tuple(found[place]) for place in places]

    async def _needs_of(self, places: list[Place]) -> Sequence[tuple[TaskNeedRow, ...]]:
        found: dict[Place, list[TaskNeedRow]] = {place: [] for place in places}
        for as_of, keys in _grouped(places):
            for row in await self._all("needs", NeedPage(tasks=keys, limit=LIMIT_MAX, as_of=as_of)):
                found[as_of, row.task].append(row)
        return [tuple(found[place]) for place in places]

    async def _all(self, what: str, asked: NeedPage | RunPhasePage) -> list[Any]:
        rows: list[Any] = []
        while True:
            page: Any = await self._reads.ask(asked)
            rows += page.rows
            self._beneath += len(page.rows)
            if page.next_cursor is None:
                return rows
            if self._beneath >= BENEATH_MAX:
                raise Refused(AnswerTooLarge(what=what, limit=BENEATH_MAX))
            asked = replace(asked, cursor=page.next_cursor)


def _grouped(places: Sequence[Place]) -> list[tuple[int | None, tuple[str, ...]]]:
    groups: dict[int | None, list[str]] = {}
    for as_of, key in places:
        groups.setdefault(as_of, []).append(key)
    return [(as_of, tuple(keys)) for as_of, keys in groups.items()]
