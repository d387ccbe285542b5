"""What may be asked of locks and of pools of units."""

import strawberry

from api.graphql.asking import Asking
from api.graphql.pages import Connection
from api.graphql.reads import locks, pools, rows
from api.graphql.reads.asked import After, AsOf, At, Cursor, First, asked
from api.graphql.reads.pools import PoolFilter
from api.graphql.types.lock import Lock
from api.graphql.types.lock_request import LockRequest
from api.graphql.types.pool import Pool
from projections.kernel.requests import LIMIT_DEFAULT


@strawberry.type
class LockQuery:
    """Locks, who waits for them, and units that are given one by one."""

    @strawberry.field
    async def locks(
        self,
        info: Asking,
        *,
        project: str | None = None,
        session: str | None = None,
        task: str | None = None,
        resource: str | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Lock]:
        """Live locks by token; `resource` is a piece of a claim's text, what overlaps is told by `acquireLocks`."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await rows.locks(info.context, project, session, task, resource, wanted)

    @strawberry.field
    async def lock_requests(
        self,
        info: Asking,
        *,
        project: str | None = None,
        session: str | None = None,
        task: str | None = None,
        resource: str | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[LockRequest]:
        """Requests for locks that wait, the first to be served first; what blocks one is told by `awaitLocks`."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await locks.lock_requests(info.context, project, session, task, resource, wanted)

    @strawberry.field
    async def pools(
        self,
        info: Asking,
        *,
        where: PoolFilter | None = None,
        first: First = LIMIT_DEFAULT,
        cursor: Cursor = None,
        as_of: AsOf = None,
        at: At = None,
        after: After = None,
    ) -> Connection[Pool]:
        """Pools of units of a project, or of all where the key sees all, by name."""
        wanted = await asked(info.context, first, cursor, as_of, at, after)
        return await pools.pools(info.context, where or PoolFilter(), wanted)
