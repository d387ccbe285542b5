"""A task's command as a group of processes: started together, ended together, and never outliving its worker."""

import asyncio
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from signalbox.worktrees import Worktree

LINE_BYTES_MAX: Final = 65_536
VARIABLE_BYTES_MAX: Final = 100_000
"""The system refuses larger environment variables; what does not fit is on standard input only."""
_STARTER: Final = """
( trap '' TERM; case "$1" in ?) read -r _ <&"$1";; *) read -r _ < "/dev/fd/$1";; esac; kill -KILL 0 ) >/dev/null 2>&1 &
exec /bin/sh -c "$2"
"""
"""Nobody writes to the life line and only the worker holds its writing end: when the worker dies, however it dies, the
read returns and the group is killed, before its locks can pass to anybody else."""


@dataclass(slots=True)
class LifeLine:
    """A pipe that closes with the worker's process."""

    reader: int
    writer: int

    @classmethod
    def open(cls) -> "LifeLine":
        high, writer = os.pipe()
        # Shells know descriptors of one digit only; a higher one has to be opened anew.
        reader = fcntl.fcntl(high, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(high)
        return cls(reader, writer)

    def close(self) -> None:
        for descriptor in (self.reader, self.writer):
            with suppress(OSError):
                os.close(descriptor)


class _Watch(asyncio.subprocess.SubprocessStreamProtocol):
    """Knows when the command itself ended; asyncio's own wait also waits for everybody who still holds its output."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=LINE_BYTES_MAX, loop=loop)
        self.exited: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)
        super().process_exited()


class CommandGroup:
    """One shell command with everything that it starts; leaving the group by ``setsid`` also leaves this care."""

    def __init__(self, process: asyncio.subprocess.Process, exited: "asyncio.Future[None]") -> None:
        self._process = process
        self._exited = exited

    @classmethod
    async def start(
        cls, command: str, environment: Mapping[str, str], life_line: LifeLine, tree: Worktree | None = None
    ) -> "CommandGroup":
        """Start a command in a session of its own. Raises OSError where the system does not start it."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: _Watch(loop), "/bin/sh", "-c", _STARTER, "sh", str(life_line.reader), command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            cwd=None if tree is None else tree.place,
            pass_fds=(life_line.reader,) if tree is None else (life_line.reader, tree.lock),
            start_new_session=True,
        )  # fmt: skip
        return cls(asyncio.subprocess.Process(transport, protocol, loop), protocol.exited)

    async def feed(self, content: bytes) -> None:
        """Write standard input and close it; a command that does not read it is none the worse."""
        writer = self._process.stdin
        if writer is None:
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            writer.write(content)
            await writer.drain()
        with suppress(BrokenPipeError, ConnectionResetError):
            writer.close()

    def lines(self, source: str) -> AsyncIterator[str]:
        """Lines of ``stdout`` or ``stderr`` as they come, cut at 64 KiB."""
        reader = self._process.stdout if source == "stdout" else self._process.stderr
        return _lines(reader)

    async def ended(self) -> int:
        """The exit code of the command, negative for a signal."""
        await asyncio.shield(self._exited)
        code = self._process.returncode
        return -signal.SIGKILL if code is None else code

    def kill_rest(self) -> None:
        """Kill whatever is left of the group."""
        self._signal(signal.SIGKILL)

    async def stop(self, term_seconds: float, readers: Iterable["asyncio.Task[None]"]) -> None:
        """SIGTERM to the group; SIGKILL once nobody holds its output any more, or after ``term_seconds``."""
        self._signal(signal.SIGTERM)
        await asyncio.wait([asyncio.ensure_future(self.ended()), *readers], timeout=term_seconds)
        self.kill_rest()
        await self.ended()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def environment_of(inherited: Mapping[str, str], own: Mapping[str, object]) -> dict[str, str]:
    """The inherited environment with our own variables, without those that the system would refuse."""
    found = {name: value for name, value in inherited.items() if name not in own}
    for name, value in own.items():
        text = "" if value is None else str(value)
        if "\0" not in text and len(text.encode(errors="surrogateescape")) <= VARIABLE_BYTES_MAX:
            found[name] = text
    return found


async def _lines(reader: asyncio.StreamReader | None) -> AsyncIterator[str]:
    rest = b""
    while reader is not None and (chunk := await reader.read(LINE_BYTES_MAX)):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text(line)
        if len(rest) >= LINE_BYTES_MAX:
            yield _text(rest)
            rest = b""
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line[:LINE_BYTES_MAX].decode(errors="replace").rstrip("\r")
