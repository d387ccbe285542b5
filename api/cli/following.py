"""Screens that stay: what they show is read anew whenever something has changed, and shown anew in another size."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from api.cli.keyboard import Keyboard
from api.cli.terminal import Terminal
from signalbox.client.asks import wait
from signalbox.client.errors import ServerUnavailable, SignalboxError

if TYPE_CHECKING:
    from rich.console import Console

WAIT_SECONDS: Final = 10.0
"""Ages on the screen are renewed at least so often."""
REFRESH_SECONDS_MIN: Final = 0.5
SHARE_MAX: Final = 0.25
"""Of the time may be spent on reading: what is large is shown less often."""
KEY_SECONDS: Final = 0.1


class View(Protocol):
    """What was read of a project at one moment."""

    @property
    def project(self) -> str: ...

    @property
    def position(self) -> int:
        """Of the log; what comes behind it may change the view."""
        ...

    @property
    def read_seconds(self) -> float: ...


V = TypeVar("V", bound=View)


def views(
    terminal: Terminal, console: "Console", view: V, read: Callable[[], V], keyboard: Keyboard
) -> Iterator[tuple[V, str]]:
    """The views as they change, each with what troubles the connection; ends when the keyboard says so.

    The same view comes once more where the screen has another size.
    """
    trouble, size = "", console.size
    while True:
        # A thread of its own, so that a key ends the watch while the server still keeps us waiting.
        waiting = Thread(target=_wait, args=(terminal, view), daemon=True)
        waiting.start()
        pause_until = time.monotonic() + max(REFRESH_SECONDS_MIN, view.read_seconds / SHARE_MAX)
        while waiting.is_alive() or time.monotonic() < pause_until:
            if keyboard.quits(KEY_SECONDS):
                return
            if console.size != size:
                size = console.size
                yield view, trouble
        trouble = ""
        try:
            view = read()
        except ServerUnavailable as error:
            trouble = str(error)
        yield view, trouble


def _wait(terminal: Terminal, view: View) -> None:
    """Until something changed; what goes wrong here shows when the view is read."""
    with suppress(SignalboxError):
        terminal.client.ask(wait(view.project, view.position, WAIT_SECONDS))
