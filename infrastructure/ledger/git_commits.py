"""Commits the folder of copied checkpoints in the git repository around it, and pushes to a remote that is named."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infrastructure.ledger.outlet import OutletError
from infrastructure.ledger.port import SignedCheckpoint

BETWEEN_SECONDS: Final = 60.0
GIT_SECONDS_MAX: Final = 60.0
ENDING_SECONDS_MAX: Final = 5.0
"""For git to take its lock files away, when it took too long."""
WORDS_MAX: Final = 200
AUTHOR: Final = "Signalbox"
ADDRESS: Final = "signalbox@localhost"
FILES: Final = ":(glob)*.jsonl"
_SURELY: Final = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", "-c", "core.askPass="),
    *("-c", "commit.gpgSign=false", "-c", "push.gpgSign=false", "-c", "credential.interactive=false"),
)
"""No program of the repository's hooks runs, and nobody is asked for anything."""
_REACHING: Final = ("GIT_SSH", "GIT_SSH_COMMAND")
_CREDENTIALS: Final = re.compile(r"//[^/\s]*@")


class CheckpointCommits:
    """Commits the files of one folder and nothing else, whatever is staged beside them. Used by one thread."""

    def __init__(self, folder: Path, remote: str = "") -> None:
        self._folder: Final = folder
        self._remote: Final = remote

    def __call__(self, checkpoint: SignedCheckpoint) -> None:
        """Commit what is new, and push. Raises OutletError."""
        # The data folder ignores itself in git; that does not hold for what the operator wants to have committed.
        self._git("add", "--force", "--", FILES)
        if self._git("status", "--porcelain", "--untracked-files=no", "--", FILES):
            message = f"Checkpoint of {checkpoint.size} events"
            self._git("commit", "--quiet", "--no-verify", "--only", "--message", message, "--", FILES)
        if self._remote:
            self._git("push", "--quiet", "--no-verify", "--no-follow-tags", self._remote, "HEAD")

    def _git(self, *arguments: str) -> bytes:
        try:
            # In a session of its own there is no terminal on which ssh could ask.
            process = subprocess.Popen(
                ["git", *_SURELY, *arguments],
                cwd=self._folder,
                env=environment_of(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise OutletError(f"git cannot be started: {error.strerror}") from error
        with process:
            try:
                printed, said = process.communicate(timeout=GIT_SECONDS_MAX)
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise OutletError(f"git {arguments[0]} took longer than {GIT_SECONDS_MAX:.0f} s") from error
        if process.returncode != 0:
            raise OutletError(f"git {arguments[0]}: {words_of(said, process.returncode)}")
        return printed


def environment_of(surroundings: Mapping[str, str]) -> dict[str, str]:
    """What git may know: neither our secrets, nor another repository, nor a program that asks for passwords."""
    ours = {
        name: value
        for name, value in surroundings.items()
        if name in _REACHING or not name.startswith(("GIT_", "SIGNALBOX_", "SSH_ASKPASS"))
    }
    names = {f"GIT_{role}_NAME": AUTHOR for role in ("AUTHOR", "COMMITTER")}
    addresses = {f"GIT_{role}_EMAIL": ADDRESS for role in ("AUTHOR", "COMMITTER")}
    return {**ours, **names, **addresses, "GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}


def words_of(said: bytes, code: int) -> str:
    """Git's own reason, without what a remote said and without credentials of an address."""
    lines = said.decode(errors="replace").splitlines()
    reasons = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return _CREDENTIALS.sub("//", reasons[0])[:WORDS_MAX] if reasons else f"it ended with {code}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End git with what it started; asked first, so that it leaves no lock behind."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.kill()
        try:
            process.communicate(timeout=ENDING_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            continue
        return
