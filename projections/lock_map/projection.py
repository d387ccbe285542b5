"""How the events of a lock space become rows, one for each token that shuts something."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.lock.events import LocksGranted, LocksLingered, LocksReleased
from projections.kernel.projection import Projection
from projections.kernel.rows import json_text
from projections.lock_map.rows import LockMapRow

LockMapEvent = LocksGranted | LocksReleased | LocksLingered


def keys(recorded: Recorded) -> tuple[str, ...]:
    """A token is unique inside its lock space only."""
    event = cast(LockMapEvent, recorded.event)
    return (f"{recorded.stream}/{event.token}",)


def evolve(row: LockMapRow | None, recorded: Recorded, key: str) -> LockMapRow | None:
    """The row after the event; none where nothing is shut."""
    event = cast(LockMapEvent, recorded.event)
    match event:
        case LocksGranted():
            return _granted(event, recorded, key)
        case LocksLingered():
            return None if row is None else row._replace(lingers_until=event.until, lingers_because=event.reason)
        case LocksReleased():
            return None
        case _:
            assert_never(event)


def _granted(event: LocksGranted, recorded: Recorded, key: str) -> LockMapRow | None:
    if not event.claims:
        return None  # an attempt without scope minted a token only
    return LockMapRow(
        key=key,
        project=recorded.project,
        token=event.token,
        session=event.session,
        incarnation=event.incarnation,
        task=event.task,
        claims=json_text([{"claim": claim.claim, "mode": claim.mode} for claim in event.claims]),
        claims_total=len(event.claims),
        purpose=event.purpose,
        granted_at=event.at,
        lingers_until=None,
        lingers_because="",
    )


LOCK_MAP: Final = Projection(
    name="lock_map",
    version=1,
    row=LockMapRow,
    handles=frozenset(get_args(LockMapEvent)),
    begins=frozenset({LocksGranted}),
    keys=keys,
    evolve=evolve,
    indexes=(("project", "token", "key"), ("session",)),
)
