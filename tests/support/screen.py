"""A terminal that a command is shown on: what stands on its screen, and the pictures that it was drawn with."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
from pathlib import Path
from typing import Final

_SEQUENCE: Final = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[=>]")
COLOURS: Final = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:[349][0-7]|[34]8;[0-9;]+|10[0-7])(?:;[0-9;]*)?m")
_HOME: Final = "\x1b[H"
_OTHER: Final = ("\x1b[?1049h", "\x1b[?1049l")
"""Of the screen that programs draw on and that leaves no trace."""


class Screen:
    """A pseudo terminal of some size; ``look`` reads what has come and answers what stands there."""

    def __init__(self, columns: int, rows: int) -> None:
        self._master, self._slave = pty.openpty()
        self.path = Path(os.ttyname(self._slave))
        self.resize(columns, rows)
        self._said = b""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    @property
    def said(self) -> str:
        """All that was written, with its sequences."""
        while select.select([self._master], [], [], 0)[0]:
            self._said += os.read(self._master, 65_536)
        return self._said.decode(errors="ignore").replace("\r\n", "\n")

    @property
    def is_drawn_on(self) -> bool:
        """Whether the screen is the one that leaves no trace."""
        return self.said.rfind(_OTHER[0]) > self.said.rfind(_OTHER[1])

    def pictures(self) -> list[list[str]]:
        """Each whole picture that was drawn, as lines without their colours."""
        drawn = self.said.partition(_OTHER[0])[2].partition(_OTHER[1])[0]
        return [_SEQUENCE.sub("", one).split("\n") for one in drawn.split(_HOME)[2:]]

    def look(self) -> str:
        """The latest picture, or, where none is drawn, all that stands there."""
        if not self.is_drawn_on:
            return _SEQUENCE.sub("", self.said.rpartition(_OTHER[1])[2])
        found = self.pictures()
        return "\n".join(found[-1]) if found else ""

    def close(self) -> None:
        os.close(self._slave)
        os.close(self._master)
