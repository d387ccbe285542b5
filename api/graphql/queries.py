"""What may be asked: the root of every question."""

from typing import Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.attention_queries import AttentionQuery
from api.graphql.enums import SessionStatus, TaskOrder, TimeOrder
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.fleet_queries import FleetQuery
from api.graphql.lock_queries import LockQuery
from api.graphql.note_queries import NoteQuery
from api.graphql.pages import Connection
from api.graphql.past_queries import PastQuery
from api.graphql.pipeline_queries import PipelineQuery
from api.graphql.projection_queries import ProjectionQuery
from api.graphql.proposal_queries import ProposalQuery
from api.graphql.reads import metrics, rows, tasks
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.reads.explain import Named, explained
from api.graphql.reads.ledger import LedgerQuery
from api.graphql.reads.rows import SessionFilter
from api.graphql.reads.tasks import TaskFilter
from api.graphql.run_past_queries import RunPastQuery
from api.graphql.run_queries import RunQuery
from api.graphql.types.counts import TaskCounts
from api.graphql.types.explanation import Explanation
from api.graphql.types.metrics import FleetMetrics
from api.graphql.types.session import Session, SessionFound
from api.graphql.types.task import Task, TaskFound
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class Query(
    AttentionQuery,
    FleetQuery,
    LedgerQuery,
    LockQuery,
    NoteQuery,
    PastQuery,
    PipelineQuery,
    ProjectionQuery,
    ProposalQuery,
    RunPastQuery,
    RunQuery,
):
    """Every list is a page, every answer says as of which position it is true."""

    @strawberry.field
    async def tasks(
        self,
        info: Asking,
        *,
        where: TaskFilter | None = None,
        order: TaskOrder = TaskOrder.URGENT_FIRST,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Task]:
        """Tasks of a project, or of all where the key sees all."""
        return await tasks.tasks(
            info.context, where or TaskFilter(), order, await asked(info.context, first, cursor, as_of, at, after)
        )

    @strawberry.field
    async def task_counts(
        self, info: Asking, project: str, as_of: AsOf = None, at: At = None, after: After = None
    ) -> TaskCounts:
        """How many tasks of a project there are in each status."""
        return await tasks.counts(info.context, project, await asked(info.context, 1, None, as_of, at, after))

    @strawberry.field
    async def fleet_metrics(
        self,
        info: Asking,
        *,
        project: str | None = None,
        hours: Annotated[int, strawberry.argument(description="This one and those before it, 1 to 168.")] = 24,
        drain_seconds: Annotated[int, strawberry.argument(description="For `workersToDrain`, 1 to 86400.")] = 600,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> FleetMetrics:
        """How the fleet does, over the last hours and now; of a project, or of all where the key sees all.
        In the past, now is when the event at that position was recorded."""
        wanted = await asked(info.context, 1, None, as_of, at, after)
        return await metrics.fleet_metrics(info.context, project, hours, drain_seconds, wanted)

    @strawberry.field
    async def task(
        self,
        info: Asking,
        *,
        identifier: Annotated[strawberry.ID | None, strawberry.argument(name="id")] = None,
        project: str | None = None,
        key: str | None = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> TaskFound:
        """One task, by its id, or by its project and key."""
        if (identifier is None) == (project is None or key is None):
            raise Refused(RequestNotReadable(reason="a task is named by its id, or by its project and key"))
        return await tasks.task(
            info.context, identifier, project, key, await asked(info.context, 1, None, as_of, at, after)
        )

    @strawberry.field
    async def sessions(
        self,
        info: Asking,
        *,
        project: str | None = None,
        status: list[SessionStatus] | None = None,
        where: SessionFilter | None = None,
        order: TimeOrder = TimeOrder.NEWEST_FIRST,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Session]:
        """Sessions that serve a project, or all where the key sees all."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await rows.sessions(info.context, project, status, where or SessionFilter(), order, wanted)

    @strawberry.field
    async def session(
        self,
        info: Asking,
        identifier: Annotated[strawberry.ID, strawberry.argument(name="id")],
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> SessionFound:
        """One session."""
        return await rows.session(info.context, identifier, await asked(info.context, 1, None, as_of, at, after))

    @strawberry.field
    async def explain(
        self,
        info: Asking,
        *,
        project: str | None = None,
        task: Annotated[str | None, strawberry.argument(description="Id or key; with its project.")] = None,
        session: Annotated[str | None, strawberry.argument(description="Id; without a project.")] = None,
        lock: Annotated[str | None, strawberry.argument(description="Token; with its project.")] = None,
        run: Annotated[str | None, strawberry.argument(description="Id; with its project.")] = None,
        phase: Annotated[str | None, strawberry.argument(description="Place in the run; the whole without.")] = None,
    ) -> Explanation:
        """Why one task, session, lock or run does not move and what would unblock it, as it is decided. Of now."""
        return await explained(info.context, project, Named(task, session, lock, run, phase))
