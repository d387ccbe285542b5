"""Heartbeats go in batches; whatever arrives while one is under way is in a later one, however much it is."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from infrastructure.log.memory import MemoryLog
from infrastructure.runtime import heartbeat
from infrastructure.runtime.heartbeat import LeaseDesk
from tests.support.waiting import SECONDS_MAX


class SlowLog(MemoryLog):
    """Renews everything that it is asked for, once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()
        self.batches: list[int] = []

    def renew(self, sessions: Sequence[tuple[str, int]], *, now: int) -> dict[tuple[str, int], int]:
        self.let.wait(SECONDS_MAX)
        self.batches.append(len(sessions))
        return dict.fromkeys(sessions, now)


async def test_more_beats_than_a_batch_holds_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BATCH_MAX", 10)
    log = SlowLog()
    desk = LeaseDesk(log)
    beats = [asyncio.ensure_future(desk.renew(f"sess_{number}", 1)) for number in range(35)]
    await asyncio.sleep(0.05)
    log.let.set()
    _, unanswered = await asyncio.wait(beats, timeout=SECONDS_MAX)
    for one in unanswered:
        one.cancel()
    await desk.stop()
    assert not unanswered
    assert sum(log.batches) == 35
    assert max(log.batches) <= 10
