"""The closed set of what the lock service refuses (locks.md 15): each says what is, and what to do next."""

import pytest

from domain.kernel.errors import CommandIdReused, Rejection
from domain.lock import errors
from domain.principal.errors import NotPermitted
from domain.session.errors import SessionFenced, SessionWasLost

CLOSED: dict[str, tuple[type[Rejection], ...]] = {
    "CONFLICT": (errors.LockConflict, errors.LockDelayRuns, errors.ConcurrencyFull, errors.NotTransferred),
    "WAIT_TIMEOUT": (errors.WaitTimeout, errors.RequestWithdrawn),
    "DEADLOCK": (errors.Deadlock,),
    "ALREADY_WAITING": (errors.AlreadyWaiting,),
    "FENCED": (errors.LockTokenFenced, errors.FenceRefused, SessionFenced),
    "SESSION_LOST": (SessionWasLost,),
    "NOT_OWNER": (errors.NotLockOwner,),
    "DENIED": (NotPermitted, errors.WideUpgrade),
    "BAD_PATTERN": (
        errors.BadPattern,
        errors.NoStrongerMode,
        errors.UnitsNotUpgraded,
        errors.PoolUnknown,
        errors.NoSuchMember,
        errors.NotInQuarantine,
    ),
    "TOO_COMPLEX": (errors.TooComplex,),
    "LIMIT": (errors.LocksLimited, errors.BudgetExhausted),
    "IDEMPOTENCY_MISMATCH": (CommandIdReused,),
}
"""STALE is a flag of reads, and UNKNOWN_OUTCOME a fault; both belong to the doors."""


def test_every_refusal_of_the_lock_service_has_its_place_in_the_closed_set() -> None:
    own = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Rejection) and kind.__module__ == errors.__name__
    }
    placed = [kind for kinds in CLOSED.values() for kind in kinds]
    assert own <= set(placed)
    assert len(placed) == len(set(placed))


KINDS: list[type[Rejection]] = [kind for kinds in CLOSED.values() for kind in kinds]


@pytest.mark.parametrize("kind", KINDS)
def test_each_says_what_is_and_what_to_do_next(kind: type[Rejection]) -> None:
    words = (kind.__doc__ or "").strip().split("\n\n")
    assert len(words) >= 2
    assert all(part.strip().endswith(".") for part in words[:2])
    assert 400 <= kind.HTTP_STATUS < 500
