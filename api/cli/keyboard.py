"""Single keys of a terminal, for screens that stay until somebody has seen enough."""

import select
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress


class Keyboard:
    """Whether q was pressed; never where the input is no terminal."""

    def __init__(self, *, listens: bool) -> None:
        self._listens = listens

    def quits(self, seconds: float) -> bool:
        if not self._listens:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return bool(ready) and sys.stdin.read(1) in ("q", "Q", "")


@contextmanager
def keys_pressed() -> Generator[Keyboard]:
    """Read single keys from the terminal, and leave it as it was."""
    if not sys.stdin.isatty():
        yield Keyboard(listens=False)
        return
    import termios
    import tty

    former = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield Keyboard(listens=True)
    finally:
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, former)
