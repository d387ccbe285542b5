"""Locks as they are shown: all that one token holds."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.enums import LockMode
from domain.dispatch.lock_held import HOLD_SECONDS_MAX
from domain.kernel.ids import SECOND, Instant
from projections.kernel.rows import entries
from projections.lock_map.rows import LockMapRow

if TYPE_CHECKING:
    from api.graphql.types.session import Session
    from api.graphql.types.task import Task


@strawberry.type
class Claim:
    """One resource and how it is held."""

    claim: str
    mode: LockMode


@strawberry.type
class Lock:
    """All locks of one token: they were granted together and go together."""

    token: str
    """Fencing token, a decimal number."""
    project_id: str
    session_id: str
    incarnation: int
    task_id: str | None = strawberry.field(description="The task whose attempt holds it; null: the session itself.")
    claims: list[Claim]
    purpose: str
    granted_at: Instant
    lingers_until: Instant | None = strawberry.field(description="The holder is gone; shut until this instant.")
    lingers_because: str
    expires_at: Instant | None = strawberry.field(description="The longest hold ends then; null: reserved for a task.")
    accept_until: Instant | None = strawberry.field(description="Transferred; goes back then unless it is accepted.")
    leaves_at: Instant | None = strawberry.field(description="The holder is told to go; taken over then.")
    as_of: strawberry.Private[int]

    @strawberry.field
    async def session(self, info: Asking) -> Annotated["Session", strawberry.lazy("api.graphql.types.session")] | None:
        """The holder."""
        from api.graphql.types.session import load_session

        return await load_session(info.context, self.session_id, self.as_of)

    @strawberry.field
    async def task(self, info: Asking) -> Annotated["Task", strawberry.lazy("api.graphql.types.task")] | None:
        """The task whose attempt holds it."""
        from api.graphql.types.task import load_task

        return None if self.task_id is None else await load_task(info.context, self.task_id, self.as_of)


def claims_of(text: str) -> list[Claim]:
    """The claims of a row's JSON text."""
    return [Claim(claim=entry["claim"], mode=LockMode(entry["mode"])) for entry in entries(text)]


def lock_of(row: LockMapRow, as_of: int) -> Lock:
    """A row as it is shown."""
    return Lock(
        token=str(row.token),
        project_id=row.project,
        session_id=row.session,
        incarnation=row.incarnation,
        task_id=row.task,
        claims=claims_of(row.claims),
        purpose=row.purpose,
        granted_at=Instant(row.granted_at),
        lingers_until=None if row.lingers_until is None else Instant(row.lingers_until),
        lingers_because=row.lingers_because,
        expires_at=Instant(row.granted_at + HOLD_SECONDS_MAX * SECOND) if row.session else None,
        accept_until=None if row.accept_until is None else Instant(row.accept_until),
        leaves_at=None if row.leaves_at is None else Instant(row.leaves_at),
        as_of=as_of,
    )
