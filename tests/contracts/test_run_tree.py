"""A run with all that is inside of it, where the read models that it is put together from are not equally far."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.graphql.reads.asked import Asked
from api.graphql.reads.run_costs import costs
from api.graphql.reads.run_tree import tree_of
from projections.kernel.replay import replay
from projections.pipeline_runs.projection import PIPELINE_RUNS
from projections.pipeline_runs.queries import RunPage
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskPage
from tests.support.runs import Railway, work


@dataclass
class Reads:
    """Answers with the rows of one run, and of its tasks up to the position that these have come to."""

    railway: Railway
    tasks_at: int

    async def ask(self, request: Any, *, after: int | None = None) -> Any:
        log, head = self.railway.log, len(self.railway.log)
        if isinstance(request, RunPage):
            runs = [] if request.parent else [replay(PIPELINE_RUNS, log)[self.railway.run_id]]
            return SimpleNamespace(rows=runs, next_cursor=None, position=head, stale=False)
        assert isinstance(request, TaskPage)
        assert request.as_of == after == head, "as far as the run itself"
        known = [one for one in log if one.position <= self.tasks_at]
        rows = [row for row in replay(TASK_BOARD, known).values() if row.name.startswith(request.name_prefix or "")]
        return SimpleNamespace(rows=rows, next_cursor=None, position=self.tasks_at, stale=self.tasks_at < head)


@pytest.mark.parametrize(("lag", "places"), [(0, {"a", "b"}), (10_000, set[str]())])
async def test_what_lacks_tasks_that_a_read_model_does_not_know_yet_is_stale(lag: int, places: set[str]) -> None:
    railway = Railway(work("a"), work("b"))
    reads = Reads(railway, max(0, len(railway.log) - lag))
    context = cast("Any", SimpleNamespace(services=SimpleNamespace(reads=reads), may=lambda *_: True))
    asked = Asked(first=10, cursor=None, as_of=None, after=None)
    tree = await tree_of(context, railway.run_id, asked)
    assert ({one.place for one in tree.tasks.values()}, tree.stale) == (places, bool(lag))
    assert (await costs(context, railway.run_id, asked)).stale is tree.stale
