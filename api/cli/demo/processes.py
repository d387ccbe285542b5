"""The processes of the demo: a server of its own, workers, and the end of each of them, orderly or not."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signalbox.client.endpoint import Endpoint, find_endpoint
from signalbox.client.errors import SignalboxError
from signalbox.client.fields import Fields, as_fields, integer, text

START_SECONDS_MAX: Final = 120.0
STOP_SECONDS_MAX: Final = 20.0
RECORD_TAIL_BYTES: Final = 2_048
TTL_SECONDS: Final = 10
"""Of the workers' sessions: what a killed worker held is given back some seconds after this."""
LOG_TAIL_CHARACTERS: Final = 2_000


class ProcessFailedError(Exception):
    """Fault: a process that the demo needs did not do its part."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server with a data folder of its own, on a free port."""

    process: subprocess.Popen[bytes]
    endpoint: Endpoint
    log: Path

    @classmethod
    def start(cls, folder: Path) -> "Server":
        """Wait until it takes commands. Raises ProcessFailedError."""
        data, log = folder / "server", folder / "server.log"
        arguments = ["up", "--data", str(data), "--bind", "127.0.0.1:0"]
        process = _start(arguments, folder, log, environment_of({}))
        ends_at = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < ends_at and process.poll() is None:
            with suppress(SignalboxError):
                return cls(process, find_endpoint(data=data, environment={}), log)
            time.sleep(0.05)
        end(process)
        raise ProcessFailedError(f"the server did not start: {tail_of(log)}")


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker, and the record in which its tasks' command notes what it does."""

    name: str
    process: subprocess.Popen[bytes]
    record: Path
    log: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], folder: Path, endpoint: Endpoint, project: str) -> "Worker":
        """It begins to claim by itself and ends once nothing is left to do; the command may note in NAME.jsonl."""
        log = folder / f"{name}.log"
        arguments = ["worker", "--exec", shlex.join(command), "--project", project, "--name", name, "--until-idle"]
        environment = environment_of({"SIGNALBOX_URL": endpoint.url, "SIGNALBOX_KEY": endpoint.key})
        process = _start([*arguments, "--ttl", str(TTL_SECONDS), "--json"], folder, log, environment)
        return cls(name, process, record_of(folder, name), log)

    def last_step(self) -> Fields | None:
        """What the latest attempt noted last; None before the first."""
        with suppress(OSError, ValueError), self.record.open("rb") as record:
            record.seek(max(0, record.seek(0, os.SEEK_END) - RECORD_TAIL_BYTES))
            return as_fields(json.loads(record.read().splitlines()[-1]), "record")
        return None

    def steps(self) -> list[Fields]:
        """Everything that the attempts noted."""
        if not self.record.exists():
            return []
        return [as_fields(json.loads(line), "record") for line in self.record.read_bytes().splitlines()]

    def crash(self) -> str:
        """SIGKILL to the worker and to the process group of its command; the last step that its record holds.

        The worker goes first, so that it reports nothing more. It may have got further than the record says.
        """
        self.process.send_signal(signal.SIGKILL)
        for group in [integer(step, "group") for step in self.steps() if step.get("phase") == "begun"][-1:]:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self.process.wait()
        step = self.last_step()
        return "nothing" if step is None else f"{text(step, 'task')} {text(step, 'phase')}"


def record_of(folder: Path, worker: str) -> Path:
    """Where the attempts of a worker note what they do."""
    return folder / f"{worker}.jsonl"


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL to what does not listen."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail_of(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:].strip() if log.exists() else "it left no log"


def environment_of(own: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of another server, and with our own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")} | dict(own)


def _start(arguments: list[str], folder: Path, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "signalbox", *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
