"""Runs one PostgreSQL as a child and ends it when the test process is gone, also after SIGKILL; standard library only.

Called as: python -I -S postgres_supervisor.py PARENT_PID USER_ID GROUP_ID FOLDER COMMAND...
Prints the server's process id, then waits. Its standard input is a pipe whose other end only the test process holds.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.25
SHUTDOWN_SECONDS_MAX = 5.0
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    parent, user, group = (int(value) for value in arguments[:3])
    folder, command = Path(arguments[3]), arguments[4:]
    wake = _wake_on_end_of_child()
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_become(user, group),  # noqa: PLW1509 - one thread only
        )
    print(server.pid, flush=True)
    while server.poll() is None:
        if _abandoned(parent, wake):
            _end(server)
            shutil.rmtree(folder, ignore_errors=True)
            return 1
    return server.returncode


def _become(user: int, group: int) -> Callable[[], None]:
    """What the child does before exec: drop root, then ask the kernel to end it with this process.

    In this order, because the kernel forgets the request when a process changes its user.
    """
    library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def become() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
        if library is not None:
            library.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)

    return become


def _wake_on_end_of_child() -> int:
    """A descriptor that becomes readable as soon as the child has ended."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _abandoned(parent: int, wake: int) -> bool:
    """Wait a moment; true when the pipe was closed or another process became our parent."""
    readable, _, _ = select.select([0, wake], [], [], POLL_SECONDS)
    if wake in readable:
        os.read(wake, 64)
    return (0 in readable and os.read(0, 1) == b"") or os.getppid() != parent


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(SHUTDOWN_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
