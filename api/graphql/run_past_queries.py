"""What may be asked of what a run did: who worked for it, what it cost, what is different, what happened."""

from typing import Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.pages import Connection
from api.graphql.reads import run_attempts, run_costs, run_differences, run_events
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.scalars import PointText
from api.graphql.types.history import LogEvent
from api.graphql.types.run import RunId
from api.graphql.types.run_past import RunAttempt, RunCost, RunDifference
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class RunPastQuery:
    """A run with all that is inside of it: 200 runs and 5,000 tasks at most; ask for a run inside of a larger one.

    A run that the caller may not see is answered like one that is not there.
    """

    @strawberry.field
    async def run_attempts(
        self,
        info: Asking,
        *,
        identifier: RunId,
        session: Annotated[str | None, strawberry.argument(description="Only those of this session.")] = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[RunAttempt]:
        """Who worked on what, the first begun first: the timeline of a run, for whoever may read events."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await run_attempts.attempts(info.context, identifier, session, wanted)

    @strawberry.field
    async def run_costs(
        self,
        info: Asking,
        *,
        identifier: RunId,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[RunCost]:
        """What was spent as a tree: the run as a whole, each task that it ever made, then the runs that it began."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await run_costs.costs(info.context, identifier, wanted)

    @strawberry.field
    async def run_differences(
        self,
        info: Asking,
        *,
        identifier: RunId,
        other: Annotated[
            strawberry.ID | None, strawberry.argument(description="Another run; null compares the run with itself.")
        ] = None,
        since: Annotated[
            PointText | None,
            strawberry.argument(
                description="Point of the run, such as `run_…@3`; null is its first revision, or now beside `other`."
            ),
        ] = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[RunDifference]:
        """What two points of a run, or two runs, have differently; `asOf` or `at` is the later, or the other's."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await run_differences.differences(info.context, identifier, other, since, wanted)

    @strawberry.field
    async def run_events(
        self,
        info: Asking,
        *,
        identifier: RunId,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[LogEvent]:
        """All events of a run, of its tasks and of the runs inside, stream by stream: what `run export` writes."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await run_events.events(info.context, identifier, wanted)
