"""Whether the keys of a running server were declared lost meanwhile, by somebody who took it for gone."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from domain.node.state import KEYS_STREAM
from infrastructure.erasure.lost import Events, losses
from infrastructure.log.port import LogRow, MemberResult, Moved

_logger = structlog.get_logger("signalbox.erasure")


class KeysReplacedError(Exception):
    """Fault: the log goes by other keys than this server has."""


class Standing:
    """Safe from any thread; made before the keys are looked for, so that no declaration comes between."""

    def __init__(self, events: Events, ended: Callable[[], None]) -> None:
        """``ended`` is called once, on whatever thread finds out."""
        self._version: Final = len(losses(events))
        self._ended: Final = ended
        self._lock = threading.Lock()
        self._lost = False

    @property
    def read(self) -> tuple[str, int]:
        """What whoever keeps words under these keys relies on: no declaration since."""
        return KEYS_STREAM, self._version

    def heard(self, row: LogRow) -> None:
        """A row of the log was read."""
        if row.stream == KEYS_STREAM and row.version > self._version:
            self._end()

    def answered(self, result: MemberResult) -> None:
        """An append was made."""
        if isinstance(result, Moved) and KEYS_STREAM in result.streams:
            self._end()

    def check(self) -> None:
        """Raises KeysReplacedError."""
        if self._lost:
            raise KeysReplacedError("the keys of what was said were declared lost while this server did not answer")

    def _end(self) -> None:
        with self._lock:
            first, self._lost = not self._lost, True
        if first:
            _logger.error("the keys of this server were declared lost: it writes no words under them, and ends")
            self._ended()
