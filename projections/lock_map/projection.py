"""How the events of a lock space become rows, one for each token that shuts something."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.events import (
    LockRevokeNoticed,
    LocksBroken,
    LocksDowngraded,
    LocksGranted,
    LocksLingered,
    LocksQuarantined,
    LocksReleased,
    LocksTransferred,
    LockTransferAccepted,
    LockTransferReverted,
)
from projections.kernel.projection import Projection
from projections.kernel.rows import entries, json_text
from projections.lock_map.rows import LockMapRow

_Begun = LocksGranted | LocksTransferred | LockTransferReverted
_Ended = LocksReleased | LocksBroken
_Changed = LocksLingered | LocksQuarantined | LocksDowngraded | LockTransferAccepted | LockRevokeNoticed
LockMapEvent = _Begun | _Ended | _Changed

_STRENGTH: Final[tuple[LockMode, ...]] = ("intent", "shared", "update", "exclusive")


def keys(recorded: Recorded) -> tuple[str, ...]:
    """A token is unique inside its lock space only; some events end one token and begin another."""
    event = cast(LockMapEvent, recorded.event)
    tokens: tuple[int, ...] = (event.token,)
    match event:
        case LocksGranted(replaces=replaces) if replaces is not None:
            tokens = (event.token, replaces)
        case LocksTransferred() | LockTransferReverted():
            tokens = (event.token, event.successor)
        case _:
            pass
    return tuple(f"{recorded.stream}/{token}" for token in tokens)


def evolve(row: LockMapRow | None, recorded: Recorded, key: str) -> LockMapRow | None:
    """The row after the event; none where nothing is shut."""
    event = cast(LockMapEvent, recorded.event)
    match event:
        case LocksGranted() | LocksTransferred() | LockTransferReverted():
            begins = event.token if isinstance(event, LocksGranted) else event.successor
            return _begun(event, begins, recorded, key) if key == f"{recorded.stream}/{begins}" else None
        case LocksReleased() | LocksBroken():
            return None
        case _:
            return None if row is None else _changed(row, event)


def _changed(row: LockMapRow, event: _Changed) -> LockMapRow:
    match event:
        case LocksLingered():
            return row._replace(lingers_until=event.until, lingers_because=event.reason)
        case LocksQuarantined():
            return row._replace(lingers_because=event.reason)
        case LocksDowngraded():
            return row._replace(claims=_weakened(row.claims, event.mode))
        case LockTransferAccepted():
            return row._replace(accept_until=None)
        case LockRevokeNoticed():
            return row._replace(leaves_at=event.until)
        case _:
            assert_never(event)


def _begun(event: _Begun, token: int, recorded: Recorded, key: str) -> LockMapRow | None:
    if not event.claims:
        return None  # an attempt without scope minted a token only
    return LockMapRow(
        key=key,
        project=recorded.project,
        token=token,
        session=event.session,
        incarnation=event.incarnation,
        task=None if isinstance(event, LocksTransferred) else event.task,
        claims=claims_text(event.claims),
        claims_total=len(event.claims),
        purpose=event.purpose,
        granted_at=event.at,
        lingers_until=None,
        lingers_because="",
        accept_until=event.accept_until if isinstance(event, LocksTransferred) else None,
        leaves_at=None,
    )


def claims_text(claims: tuple[ScopeClaim, ...]) -> str:
    """Claims as rows keep them."""
    return json_text([{"claim": claim.claim, "mode": claim.mode} for claim in claims])


def _weakened(text: str, mode: LockMode) -> str:
    most = _STRENGTH.index(mode)
    return json_text(
        [
            {"claim": entry["claim"], "mode": _STRENGTH[min(most, _STRENGTH.index(entry["mode"]))]}
            for entry in entries(text)
        ]
    )


LOCK_MAP: Final = Projection(
    name="lock_map",
    version=2,
    row=LockMapRow,
    handles=frozenset(get_args(LockMapEvent)),
    # Not even a grant begins all its rows: one that replaces another, or a transfer, ends a row that is there.
    begins=frozenset(),
    keys=keys,
    evolve=evolve,
    indexes=(("project", "token", "key"), ("session",)),
)
