"""How the events of a lock space become rows, one for each request that waits."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.kernel.ids import SECOND
from domain.lock.events import LockRequestWithdrawn, LocksGranted, LocksRequested
from projections.kernel.projection import Projection
from projections.kernel.rows import json_text
from projections.lock_queue.rows import LockQueueRow

LockQueueEvent = LocksRequested | LockRequestWithdrawn | LocksGranted


def keys(recorded: Recorded) -> tuple[str, ...]:
    """A request is unique inside its lock space only; most grants answer none."""
    request = cast(LockQueueEvent, recorded.event).request
    return () if request is None else (f"{recorded.stream}/{request}",)


def evolve(row: LockQueueRow | None, recorded: Recorded, key: str) -> LockQueueRow | None:
    """The row after the event; none where nobody waits any more."""
    event = cast(LockQueueEvent, recorded.event)
    match event:
        case LocksRequested():
            return row or LockQueueRow(
                key=key,
                project=recorded.project,
                request=event.request,
                session=event.session,
                incarnation=event.incarnation,
                task=event.task,
                claims=json_text([{"claim": claim.claim, "mode": claim.mode} for claim in event.claims]),
                claims_total=len(event.claims),
                purpose=event.purpose,
                served_as_of=event.at - event.boost_seconds * SECOND,
                requested_at=event.at,
                expires_at=event.expires_at,
            )
        case LockRequestWithdrawn() | LocksGranted():
            return None
        case _:
            assert_never(event)


LOCK_QUEUE: Final = Projection(
    name="lock_queue",
    version=1,
    row=LockQueueRow,
    handles=frozenset(get_args(LockQueueEvent)),
    begins=frozenset(),
    keys=keys,
    evolve=evolve,
    indexes=(("project", "served_as_of", "key"), ("session",)),
)
