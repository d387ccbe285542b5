"""What subscriptions to rows tell: one thing, its latest change, and how it stands."""

import strawberry

from api.graphql.types.lock import Lock
from api.graphql.types.session import Session
from api.graphql.types.task import Task
from domain.kernel.ids import Position


@strawberry.type
class TaskChange:
    """A task that changed."""

    position: Position = strawberry.field(description="Of its latest change; go on behind it after a break.")
    id: strawberry.ID
    task: Task | None


@strawberry.type
class SessionChange:
    """A session that changed."""

    position: Position = strawberry.field(description="Of its latest change; go on behind it after a break.")
    id: strawberry.ID
    session: Session | None


@strawberry.type
class LockChange:
    """A token whose locks changed."""

    position: Position = strawberry.field(description="Of its latest change; go on behind it after a break.")
    id: strawberry.ID = strawberry.field(description="Lock space and token.")
    lock: Lock | None = strawberry.field(description="Null where everything under the token is free.")
