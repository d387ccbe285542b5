"""One assignment in this worker's hands: whether it is known to be ours, why it has to stop, and what it said last."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, assert_never

from api.cli.worker.directives import Artifact, Checkpoint, Directive, Evidence, Output, Progress, Spent, Summary
from signalbox.client.work import REASON_CHARACTERS_MAX, Assignment

TAIL_LINES_MAX: Final = 100
LEFT_MAX: Final = 64
"""Pieces of evidence, and artifacts, that one report carries; the latest count."""


class Stop(Enum):
    """Why work has to stop before it ended by itself."""

    REVOKED = "the server took it back"
    CANCELLED = "the task was cancelled"
    HOLD_OVER = "its locks were held as long as locks may be held at all"
    LIFE_OVER = "the session is over"
    TIMEOUT = "it ran longer than its timeout"
    UNREACHABLE = "the server could not be reached before the lease could run out"
    DRAINING = "the worker is being stopped"


class Held:
    """Shared by the heartbeats, which confirm or stop it, and the attempt, which works on it."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.confirmed = asyncio.Event()
        """A heartbeat named the token and the server agreed."""
        self.working = True
        """False once the command ended and only the report is left."""
        self.stopped: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self.said = asyncio.Event()
        """There is progress that was not reported yet."""
        self.progress: Progress | None = None
        self.checkpoint: str | None = None
        self.summary: str | None = None
        self.output = ""
        self.evidence: list[Mapping[str, object]] = []
        self.artifacts: list[Mapping[str, object]] = []
        self.usage: Mapping[str, object] = {}
        self.ends_at: tuple[float, Stop] | None = None
        self._since = time.monotonic()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES_MAX)

    def stop(self, why: Stop) -> None:
        """The first reason counts; work that has ended is not stopped any more."""
        if self.working and not self.stopped.done():
            self.stopped.set_result(why)

    def hear(self, directive: Directive) -> None:
        match directive:
            case Progress():
                self.progress = directive
                self.said.set()
            case Checkpoint(text=text):
                self.checkpoint = text
                self.said.set()
            case Summary(text=text):
                self.summary = text
            case Output(text=text):
                self.output = text
            case Evidence(fields=fields):
                self.evidence = [*self.evidence, fields][-LEFT_MAX:]
            case Artifact(name=name, uri=uri, digest=digest):
                self.artifacts = [*self.artifacts, {"name": name, "uri": uri, "digest": digest}][-LEFT_MAX:]
            case Spent(fields=fields):
                self.usage = fields
                self.said.set()
            case _:
                assert_never(directive)

    def left(self) -> dict[str, object]:
        """What every report may carry: artifacts, and what was spent so far; nothing where nothing was said."""
        said: dict[str, object] = {"artifacts": self.artifacts, "usage": self.usage}
        return {name: value for name, value in said.items() if value}

    def given(self) -> dict[str, object]:
        """What a completion may carry: the same, and the output for those that come after."""
        return {**self.left(), "output": self.output} if self.output else self.left()

    def keep(self, line: str) -> None:
        self._tail.append(line)

    def seconds_left(self) -> float | None:
        """Of the attempt's timeout, which runs from the assignment; None where it has none.

        The command itself may have prolonged it (`task extend`): where it did not, the server takes the task back.
        """
        work = self.assignment
        if work.timeout_seconds is None:
            return None
        limit = work.timeout_seconds + (work.extend_seconds_max or 0.0)
        return max(0.0, limit - (time.monotonic() - self._since))

    def bound(self, why: Stop, until: float) -> None:
        """It has to have stopped by an instant of the life's clock, whatever else is heard; the earliest counts."""
        if self.ends_at is None or until < self.ends_at[0]:
            self.ends_at = (until, why)

    @property
    def tail(self) -> str:
        """The end of the output."""
        return "\n".join(self._tail)[-REASON_CHARACTERS_MAX:].strip()


async def first_of(*futures: "asyncio.Future[Any]", seconds_max: float | None = None) -> None:
    """Wait until one of them is done, or time is up; none of them is cancelled."""
    await asyncio.wait(set(futures), timeout=seconds_max, return_when=asyncio.FIRST_COMPLETED)
