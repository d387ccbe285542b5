"""Pools of units as they are shown."""

import strawberry

from domain.kernel.ids import Instant
from projections.kernel.rows import entries
from projections.pools.rows import PoolRow


@strawberry.type
class PoolMember:
    """One unit of a pool, and who has it."""

    name: str
    labels: list[str]
    state: str = strawberry.field(description="free, held, quarantined, or draining: held, and of the pool no more.")
    token: str | None = strawberry.field(description="Under which it is held; a unit in quarantine may be held, too.")
    session_id: str | None
    task_id: str | None


@strawberry.type
class Pool:
    """Units that are given one by one to whoever asks for `pool:NAME`."""

    name: str
    project_id: str
    quota: int | None = strawberry.field(description="Units that one owner may hold; null is any number.")
    quantity: int = strawberry.field(description="Units that belong to it, in quarantine or not.")
    free: int
    taken: int = strawberry.field(description="Units of its own that are held, in quarantine or not.")
    quarantined: int = strawberry.field(description="Units of its own that are given to nobody.")
    draining: int = strawberry.field(description="Units that belong to it no more and are still held.")
    waiting: int = strawberry.field(description="Requests that wait for units of it; see `lockRequests`.")
    waiting_units: int
    members: list[PoolMember]
    changed_at: Instant


def pool_of(row: PoolRow) -> Pool:
    """A row as it is shown."""
    return Pool(
        name=row.name,
        project_id=row.project,
        quota=row.quota,
        quantity=row.quantity,
        free=row.free,
        taken=row.taken,
        quarantined=row.quarantined,
        draining=row.draining,
        waiting=row.waiting,
        waiting_units=row.waiting_units,
        members=[
            PoolMember(
                name=one["name"],
                labels=one["labels"],
                state=_state(held=one["token"] is not None, **{key: one[key] for key in ("quarantined", "draining")}),
                token=one["token"],
                session_id=one["session"],
                task_id=one["task"],
            )
            for one in entries(row.members)
        ],
        changed_at=Instant(row.changed_at),
    )


def _state(*, held: bool, quarantined: bool, draining: bool) -> str:
    if draining:
        return "draining"
    if quarantined:
        return "quarantined"
    return "held" if held else "free"
