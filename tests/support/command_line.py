"""The `signalbox` command as its users run it: processes, exit codes, what they print; and a server to talk to."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.waiting import SECONDS_MAX, START_SECONDS_MAX, until
from tests.support.warm_processes import Command


@dataclass
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class CommandLine:
    """Runs commands in a folder, without any setting of the surroundings."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "", **environment: str) -> Ran:
        """Run one to its end and insist on its exit code."""
        with tempfile.TemporaryDirectory() as place:
            files = (Path(place) / "in", Path(place) / "out", Path(place) / "err")
            files[0].write_text(stdin, encoding="utf-8")
            process = Command(arguments, self.folder, self._environment(environment), files)
            try:
                ended = process.wait(SECONDS_MAX)
            finally:
                process.kill()
            ran = Ran(ended, *(file.read_text(encoding="utf-8") for file in files[1:]))
        assert ran.code == code, f"{arguments} ended with {ran.code}: {ran.out}{ran.err}"
        return ran

    def start(self, *arguments: str, log: Path, **environment: str) -> Command:
        """Run one in the background, its output into a file."""
        log.touch()
        return Command(arguments, self.folder, self._environment(environment), (Path(os.devnull), log, log))

    def on(self, terminal: Path, *arguments: str, **environment: str) -> Command:
        """Run one on a terminal, which it reads keys from and shows everything on."""
        return Command(arguments, self.folder, self._environment(environment), (terminal, terminal, terminal))

    def serve(self) -> Command:
        """Start a server whose data folder is the one of this folder, on a free port, and wait for it."""
        log = self.folder / "up.log"
        process = self.start("up", "--bind", "127.0.0.1:0", log=log)
        published = self.folder / ".signalbox" / "server.json"

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            return published.exists() and json.loads(published.read_text())["pid"] == process.pid

        until(is_up, seconds=START_SECONDS_MAX)
        return process

    def _environment(self, own: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
        return {**inherited, "NO_COLOR": "1", **self.environment, **own}


def end(process: Command) -> int:
    """SIGTERM, and the exit code; a process that does not listen is killed, which fails the test."""
    process.terminate()
    try:
        return process.wait(SECONDS_MAX)
    except TimeoutError:
        process.kill()
        raise
