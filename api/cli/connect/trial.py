"""A trial: the hook as the client's settings call it, an edit, and a lock of somebody else on the file."""

import json
import os
import secrets
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.cli.connect.clients import CodingClient
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from signalbox.client.errors import SignalboxError
from signalbox.hook.options import BadOptionsError, Options, options_of
from signalbox.hook.places import Repository, path_claim, repository_of

RUN_SECONDS_MAX: Final = 90


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it."""

    refused: bool
    """The edit of the locked file, with a reason, as the client wants to be told."""
    observing: bool
    """It was told and not refused, and the hook was asked for no more."""
    let_through: bool
    """The edit of the same file once it was free."""
    code: int
    said: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where the trial is played."""

    client: CodingClient
    root: Path
    line: str
    file: Path
    session: str
    environment: Mapping[str, str]

    def fire(self, event: str, **fields: object) -> "subprocess.CompletedProcess[bytes]":
        common = {"session_id": self.session, "transcript_path": None, "cwd": str(self.root), "hook_event_name": event}
        return subprocess.run(
            self.line,
            shell=True,
            cwd=self.root,
            env=dict(self.environment),
            input=json.dumps(common | fields).encode(),
            capture_output=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )

    def edit(self) -> "subprocess.CompletedProcess[bytes]":
        if self.client.name == "codex":
            patch = f"*** Begin Patch\n*** Add File: {self.file.name}\n+x\n*** End Patch\n"
            return self.fire(self.client.edit_event, tool_name="apply_patch", tool_input={"command": patch})
        tool = "write_file" if self.client.name == "gemini" else "Write"
        asked = {"file_path": str(self.file), "content": "x\n"}
        return self.fire(self.client.edit_event, tool_name=tool, tool_input=asked)


def tried(client: CodingClient, root: Path, line: str, terminal: Terminal) -> Trial:
    """Play it against the real server; nothing is written but locks, which are given back.

    Raises SignalboxError, OSError, TimeoutExpired.
    """
    options = _options(client, line)
    project = options.project or project_of(terminal.client, None)
    folder = Path(os.path.realpath(root))
    repository = repository_of(str(folder)) or Repository(str(folder), str(folder), folder.name)
    if options.repository:
        repository = Repository(repository.top, repository.common, options.repository)
    file = folder / f".signalbox-doctor-{secrets.token_hex(6)}"
    opened = terminal.client.command("open_session", projects=[project], name="doctor", tool="doctor").answer
    life = {"session": opened["session"], "incarnation": opened["incarnation"]}
    with tempfile.TemporaryDirectory() as cache:
        stage = _Stage(
            client, folder, line, file, f"doctor-{secrets.token_hex(6)}", _surroundings(client, folder, cache)
        )
        try:
            claims = [{"claim": path_claim(repository, str(file)), "mode": "exclusive"}]
            asked = {"project": project, **life, "claims": claims, "purpose": "trial of the doctor"}
            token = terminal.client.command("acquire_locks", **asked).answer["token"]
            began = time.monotonic()
            locked = stage.edit()
            milliseconds = int(1_000 * (time.monotonic() - began))
            terminal.client.command("release_locks", project=project, **life, token=token)
            free = stage.edit()
            with suppress(OSError, subprocess.TimeoutExpired):
                stage.fire("SessionEnd", reason="other")
        finally:
            with suppress(SignalboxError):
                terminal.client.command("end_session", **life)
    said = locked.stderr.decode(errors="replace").strip()
    return Trial(
        refused=locked.returncode == 2 and bool(said) and not locked.stdout.strip(),
        observing=locked.returncode == 0 and not options.strict and bool(said),
        let_through=free.returncode == 0 and not free.stdout.strip(),
        code=locked.returncode,
        said=said or free.stderr.decode(errors="replace").strip(),
        milliseconds=milliseconds,
    )


def _options(client: CodingClient, line: str) -> Options:
    words = shlex.split(line)
    try:
        return options_of(words[words.index(client.name) :], dict(os.environ))
    except BadOptionsError:
        return options_of([client.name], dict(os.environ))


def _surroundings(client: CodingClient, root: Path, cache: str) -> dict[str, str]:
    """What the client's hooks find in their environment; not what a worker gave to whoever runs the doctor."""
    left_out = {"SIGNALBOX_SESSION", "SIGNALBOX_INCARNATION"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    if client.project_variable:
        environment[client.project_variable] = str(root)
    return {**environment, "SIGNALBOX_HOOK_CACHE": cache}
