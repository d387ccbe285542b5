"""Questions of the past wait for each other, and nobody else waits for them."""

import asyncio
import threading
from typing import cast

from api.composition.pasts import THREADS_MAX, PastReader
from domain.kernel.errors import UnknownThing
from infrastructure.runtime.node import Node
from tests.support.waiting import SECONDS_MAX, happens, soon

ASKED = 50
"""More than a loop has threads that all share."""


class SlowLog:
    """A log whose streams are read no sooner than it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.reading = 0

    def has_stream(self, _stream: str) -> bool:
        self.reading += 1
        self.go.wait(SECONDS_MAX)
        return False


class SlowNode:
    def __init__(self) -> None:
        self.log = SlowLog()


async def test_long_streams_leave_the_threads_that_all_share_alone() -> None:
    node = SlowNode()
    past = PastReader(cast(Node, node))
    asked = [asyncio.ensure_future(past.state(f"task_{number}", 1)) for number in range(ASKED)]
    try:
        await happens(lambda: node.log.reading == THREADS_MAX)
        await soon(asyncio.to_thread(lambda: None))
        assert node.log.reading == THREADS_MAX
        # Whoever goes away before it is their turn leaves no work behind.
        for one in asked[THREADS_MAX:]:
            one.cancel()
        await asyncio.sleep(0)
    finally:
        node.log.go.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    past.close()
    assert [type(one) for one in found[:THREADS_MAX]] == [UnknownThing] * THREADS_MAX
    assert node.log.reading == THREADS_MAX
