"""Requests for locks as they are shown while they wait."""

import strawberry

from api.graphql.types.lock import Claim, claims_of
from domain.kernel.ids import Instant
from projections.lock_queue.rows import LockQueueRow


@strawberry.type
class LockRequest:
    """A request that waits for all its claims at once and holds none of them."""

    request: str
    """Its number; ask after it and withdraw it by `awaitLocks` and `withdrawLockRequest`."""
    project_id: str
    session_id: str
    incarnation: int
    task_id: str | None = strawberry.field(description="The task whose attempt waits; null: the session itself.")
    claims: list[Claim]
    purpose: str
    served_as_of: Instant = strawberry.field(description="The earlier is served first: when it came, less its boost.")
    requested_at: Instant
    expires_at: Instant | None = strawberry.field(description="When it gives up by itself.")


def lock_request_of(row: LockQueueRow) -> LockRequest:
    """A row as it is shown."""
    return LockRequest(
        request=str(row.request),
        project_id=row.project,
        session_id=row.session,
        incarnation=row.incarnation,
        task_id=row.task,
        claims=claims_of(row.claims),
        purpose=row.purpose,
        served_as_of=Instant(row.served_as_of),
        requested_at=Instant(row.requested_at),
        expires_at=None if row.expires_at is None else Instant(row.expires_at),
    )
