"""The closed set of what is refused (locks.md 15): every refusal has its place in it, and says what to do next."""

import inspect
from typing import ClassVar

import pytest

from domain.kernel.errors import RefusalKind, Rejection
from domain.lock import errors, pool_errors
from domain.principal.errors import NotPermitted
from domain.session.errors import SessionHasEnded, SessionWasLost
from domain.task.errors import Fenced, TaskHeldByAnother
from tests.house.sources import ROOT
from tests.support.refusals import refusals

CLOSED = (
    "CONFLICT WAIT_TIMEOUT DEADLOCK ALREADY_WAITING FENCED SESSION_LOST NOT_OWNER DENIED BAD_PATTERN TOO_COMPLEX LIMIT "
    "IDEMPOTENCY_MISMATCH STALE UNKNOWN_OUTCOME"
)
OF_THE_DOORS = {RefusalKind.STALE, RefusalKind.UNKNOWN_OUTCOME}
"""A mark of reads, and what faults of ours are told as; nobody refuses with them."""
INTERNAL = {errors.LockDelayRuns}
"""Only the server's own timers meet it."""
KINDS = [kind for _, kind in sorted(refusals().items()) if not kind.__module__.startswith("tests.")]


def test_the_set_is_the_contracts() -> None:
    assert " ".join(RefusalKind) == CLOSED


def test_a_refusal_without_a_place_in_the_set_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="says no KIND"):
        type("Homeless", (Rejection,), {"__doc__": "No.\n\nGo.", "__module__": __name__})

    class Housed(Rejection):
        """No.

        Go.
        """

        KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT

    assert Housed.KIND is RefusalKind.CONFLICT


def test_every_member_but_those_of_the_doors_is_a_refusal_of_the_domain() -> None:
    told = {kind.KIND for kind in KINDS if kind.__module__.startswith("domain.")}
    assert told == set(RefusalKind) - OF_THE_DOORS


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (errors.LockConflict, "CONFLICT"),
        (TaskHeldByAnother, "CONFLICT"),
        (errors.WaitTimeout, "WAIT_TIMEOUT"),
        (errors.RequestWithdrawn, "WAIT_TIMEOUT"),
        (errors.LockTokenFenced, "FENCED"),
        (errors.FenceRefused, "FENCED"),
        (Fenced, "FENCED"),
        (SessionWasLost, "SESSION_LOST"),
        (SessionHasEnded, "SESSION_LOST"),
        (errors.NotLockOwner, "NOT_OWNER"),
        (NotPermitted, "DENIED"),
        (errors.WideUpgrade, "DENIED"),
        (pool_errors.PoolUnknown, "BAD_PATTERN"),
        (errors.BudgetExhausted, "LIMIT"),
    ],
)
def test_what_a_caller_reacts_to_stays_where_it_is(kind: type[Rejection], place: str) -> None:
    assert place == kind.KIND


@pytest.mark.parametrize("kind", KINDS, ids=[kind.code() for kind in KINDS])
def test_each_says_what_is_and_what_to_do_next(kind: type[Rejection]) -> None:
    words = (inspect.getdoc(kind) or "").strip().split("\n\n")
    assert len(words) >= 2
    assert all(part.strip().endswith((".", "`")) for part in words[:2])
    assert 400 <= kind.HTTP_STATUS < 600


def test_the_page_of_the_doors_tells_what_to_do_about_each() -> None:
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    assert [kind for kind in RefusalKind if f"| `{kind}` |" not in page] == []


def test_the_page_of_locks_files_every_refusal_of_the_lock_service_under_its_kind() -> None:
    rows = [line for line in (ROOT / "docs" / "locks.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    own = [kind for kind in KINDS if kind.__module__ in (errors.__name__, pool_errors.__name__)]
    told = [kind for kind in own if kind not in INTERNAL]
    assert [one.code() for one in told if not any(f"`{one.code()}`" in row and one.KIND in row for row in rows)] == []
