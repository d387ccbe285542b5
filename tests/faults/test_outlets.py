"""A place that checkpoints are handed on to may fail as it likes: the newest gets there, and nobody waits."""

import threading
from pathlib import Path

import pytest

from infrastructure.ledger.copies import CheckpointCopies
from infrastructure.ledger.follower import LedgerFollower, LedgerOptions
from infrastructure.ledger.memory import MemoryLedger
from infrastructure.ledger.outlet import Outlet, OutletError
from infrastructure.ledger.outlet_pace import RETRY_SECONDS_MAX, Attempts
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.log.memory import MemoryLog
from tests.contracts.test_ledger import fill, scribe
from tests.support.waiting import until as wait_until


class Place:
    """Keeps what it was given; refuses as long as it is told to."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.asked: list[int] = []
        self.taken: list[int] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, checkpoint: SignedCheckpoint) -> None:
        self.asked.append(checkpoint.size)
        assert self.open.wait(60)
        if self.refuses:
            raise OutletError("it is shut")
        self.taken.append(checkpoint.size)


def checkpoint(size: int) -> SignedCheckpoint:
    return SignedCheckpoint(size, size, "note")


def test_the_newest_wins_and_what_was_taken_is_not_handed_on_again() -> None:
    place = Place()
    place.open.clear()
    outlet = Outlet("place", place, between_seconds=0)
    outlet.start()
    outlet.offer(checkpoint(1))
    wait_until(lambda: place.asked == [1])
    for size in (2, 3, 4):
        outlet.offer(checkpoint(size))
    place.open.set()
    wait_until(lambda: place.taken == [1, 4])
    outlet.offer(checkpoint(4))
    outlet.end()
    outlet.join(timeout_seconds=60)
    assert place.taken == [1, 4]


def test_what_was_refused_is_told_and_tried_again_at_the_stop() -> None:
    place = Place(refuses=True)
    outlet = Outlet("place", place, between_seconds=3_600)
    outlet.start()
    outlet.offer(checkpoint(1))
    wait_until(lambda: outlet.trouble == "place: it is shut")
    place.refuses = False
    outlet.end()
    outlet.join(timeout_seconds=60)
    assert (place.taken, outlet.trouble) == ([1], "")


def test_a_stop_tries_once_and_not_for_ever() -> None:
    place = Place(refuses=True)
    outlet = Outlet("place", place, between_seconds=0)
    outlet.offer(checkpoint(1))
    outlet.end()
    outlet.start()
    outlet.join(timeout_seconds=60)
    assert place.asked == [1]


def test_attempts_come_more_rarely_and_never_too_often() -> None:
    pace = Attempts(10)
    assert pace.wait_seconds(0) == 0
    waits: list[float] = []
    for _ in range(12):
        pace = pace.after(100, failed=True)
        waits.append(pace.wait_seconds(100))
    assert waits[:5] == [10, 10, 20, 40, 80]
    assert waits[-1] == RETRY_SECONDS_MAX
    assert pace.after(100, failed=False).wait_seconds(107) == pytest.approx(3)


def test_a_ledger_goes_on_beside_a_place_that_hangs_and_tells_one_that_refuses(tmp_path: Path) -> None:
    log, store, hanging, refusing, taking = MemoryLog(), MemoryLedger(), Place(), Place(refuses=True), Place()
    hanging.open.clear()
    outlets = tuple(
        Outlet(name, place, between_seconds=0)
        for name, place in (("hanging", hanging), ("refusing", refusing), ("taking", taking))
    )
    options = LedgerOptions("node", copies=CheckpointCopies(tmp_path / "copies"), outlets=outlets)
    follower = LedgerFollower(log, scribe(log, store, tmp_path), options)
    follower.start()
    fill(log, 0, 5)
    wait_until(lambda: taking.taken[-1:] == [5])
    wait_until(lambda: hanging.asked)
    fill(log, 5, 5)
    wait_until(lambda: taking.taken[-1:] == [10])
    wait_until(lambda: follower.troubles() == ("refusing: it is shut",))
    hanging.open.set()
    follower.stop()
    assert hanging.taken[-1] == taking.taken[-1] == 10
