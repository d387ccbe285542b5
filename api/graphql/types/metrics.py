"""The measures that a fleet is judged by, as they are shown."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.types.counts import StatusCount
from domain.kernel.ids import Instant, Position


@strawberry.type
class AssignmentLatency:
    """From ready to assigned, in seconds; at most a quarter more than it was. Null where nothing was assigned."""

    assignments: int
    p50: float | None
    p95: float | None
    p99: float | None


@strawberry.type
class Makespan:
    """How long a project's work took, against the longest chain of needs in it, which is the least it takes."""

    tasks: int = strawberry.field(description="Those that were planned within the hours.")
    settled: bool = strawberry.field(description="Whether all of them are; else the time runs on.")
    seconds: float = strawberry.field(description="From the first plan to the last end, or to now.")
    critical_path_seconds: float = strawberry.field(description="Last attempts of the tasks on the longest chain.")
    ratio: float | None = strawberry.field(description="1 is as fast as can be. Null before anything was worked on.")


@strawberry.type
class FleetMetrics:
    """How a fleet does, over the hours asked for and now."""

    since: Instant
    tasks: list[StatusCount] = strawberry.field(description="Now, by status.")
    planned: int
    completed: int
    failed: int
    cancelled: int
    attempts: int = strawberry.field(description="Assignments.")
    attempts_retried_percent: float = strawberry.field(description="Of the attempts, those that ended otherwise.")
    attempts_lost: int = strawberry.field(description="Ended because the session was lost.")
    reassigned: int = strawberry.field(description="Taken from somebody, or given to somebody, by hand.")
    reassigned_per_hundred_tasks: float = strawberry.field(description="Of the tasks that were planned or settled.")
    parked: int
    conflicts_at_edit: int = strawberry.field(
        description="Times that somebody wrote, or was about to, under locks that were gone: the two below. Must be 0."
    )
    stopped_at_edit: int = strawberry.field(
        description="Stale tokens that `checkLocks` or `checkFence` refused; the like within a minute counts once."
    )
    late_reports: int = strawberry.field(description="Reports under a token that was revoked: the work had gone on.")
    assignment_latency: AssignmentLatency
    attempt_seconds_mean: float | None = strawberry.field(description="Null where no attempt ended.")
    sessions_live: int
    capacity: int = strawberry.field(description="Attempts that the live sessions can run at once.")
    attempts_live: int
    idle_percent: float | None = strawberry.field(
        description="Of the time of the live sessions since each was opened. Null where none is live."
    )
    queue_depth: int = strawberry.field(description="Tasks that are ready.")
    workers_to_drain: int | None = strawberry.field(
        description="Attempts at once that would finish what is ready and under way within `drainSeconds`."
    )
    position: Position
    stale: bool
    project: strawberry.Private[str | None]
    now: strawberry.Private[int]
    as_of: strawberry.Private[Position | None]

    @strawberry.field
    async def makespan(self, info: Asking) -> Makespan | None:
        """Of one project with 2000 tasks at most that were planned within the hours; else null."""
        from api.graphql.reads.makespan import makespan

        if self.project is None:
            return None
        return await makespan(info.context, self.project, self.since, self.now, after=self.position, as_of=self.as_of)
