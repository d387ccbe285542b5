"""Processes that need not import first: one that has the imports forks them, so that each starts in milliseconds."""

import multiprocessing
import multiprocessing.process
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from api.cli.main import MODULES
from tests.support.patience import read_patiently

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.faults.server_process",
        "api.app",
        "api.composition.server",
        "api.graphql.app",
        "api.http.server",
        "api.plan.analysis",
        "api.plan.read",
        "rich.live",
        "rich.progress",
        "signalbox.client.synchronous",
        *sorted({f"api.cli.{module}" for module in MODULES.values()}),
    ]
)


def process_of(target: Callable[..., object], *arguments: Any) -> multiprocessing.process.BaseProcess:
    """A process that will run ``target``; it ends with this one at the latest."""
    return _CONTEXT.Process(target=target, args=arguments, daemon=True)


class Command:
    """A run of the command line, with what tests use of ``subprocess.Popen``."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], files: tuple[Path, Path, Path]
    ) -> None:
        """``files``: what it reads, and where what it prints and what it complains about is added."""
        self._process = process_of(_command_line, list(arguments), folder, dict(environment), files)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """The exit code; raises TimeoutError where it goes on for longer."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"process {self.pid} goes on after {seconds:g} s")
        return code

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _command_line(
    arguments: list[str], folder: Path, environment: dict[str, str], files: tuple[Path, Path, Path]
) -> None:
    """What the child does: become ``python -m signalbox`` in every respect, but for the imports."""
    for descriptor, (file, flags) in enumerate(zip(files, (os.O_RDONLY, *[_ADDED] * 2), strict=True)):
        opened = os.open(file, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # multiprocessing closed the one there was
    # Whoever runs the tests in the background of a shell has them ignore Ctrl-C, and so all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    read_patiently()
    sys.argv = ["signalbox", *arguments]
    from signalbox.launcher import main

    main()


_ADDED: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND
