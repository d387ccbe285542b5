"""Hints follow the log whatever order this node hears things in: its own group under way, or a page after a gap."""

from typing import Any

from domain import catalogue
from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.task.events import TaskClaimed, TaskReadied
from infrastructure.keys import Keys
from infrastructure.log.mapper import recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow
from infrastructure.runtime.hints import HintFolds, HintPage, Hints
from tests.support.planned import planned_task

TASK, PROJECT = StreamId("task_1"), ProjectId("proj_1")
PLANNED = planned_task()
READIED = TaskReadied(reason="planned", at=Instant(1))
CLAIMED = TaskClaimed(session="sess_1", incarnation=1, token=1, attempt=1, strategy="named", at=Instant(2))


def decode(row: LogRow) -> Any:
    return recorded(row, catalogue.REGISTRY)


def told(position: int, version: int, event: Event) -> Recorded:
    return Recorded(position, TASK, version, event, Instant(1), PROJECT, "key_1", f"cmd_{position}", "cmd_1")


async def test_a_page_of_the_past_does_not_hide_what_was_readied_while_it_was_read() -> None:
    hints = Hints(MemoryLog(), decode, Keys(b"secret"), HintFolds(), 0)
    hints.absorb(HintPage((told(1, 1, PLANNED), told(2, 2, READIED)), 2))
    # Position 3 is another node's, so the claim at 4 is behind a gap and will be read again.
    hints.decided([(TASK, 3, CLAIMED, PROJECT)])
    hints.committed([(TASK, 3, CLAIMED, PROJECT)], 4)
    hints.decided([(TASK, 4, READIED, PROJECT)])
    hints.absorb(HintPage((told(3, 9, READIED)._replace(stream=StreamId("task_2")), told(4, 3, CLAIMED)), 4))
    hints.committed([(TASK, 4, READIED, PROJECT)], 5)
    assert hints.position == 5
    assert list(hints.ready.candidates(PROJECT)) == [TASK]
