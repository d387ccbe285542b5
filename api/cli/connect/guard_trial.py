"""The git guard tried out: a commit of a file that somebody else has locked, and of the same file once it is free."""

import os
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.cli.connect.examining import State
from api.cli.connect.finding import Finding
from api.cli.terminal import Terminal
from signalbox.client.errors import SignalboxError
from signalbox.client.fields import Fields, text
from signalbox.git_guard.git import Git, GitFailed
from signalbox.git_guard.hooks import Mode
from signalbox.git_guard.installing import guard_words, installed, mode_of

RUN_SECONDS_MAX: Final = 90
INSTALL: Final = "signalbox git-guard install"


@dataclass(frozen=True, slots=True)
class _Stage:
    """A staged file that is nowhere but in an index of its own."""

    root: Path
    git: Git
    project: str
    repository: str
    name: str
    index: Path

    def claim(self, name: str) -> str:
        return f"path:{self.repository}//{name}"

    def environment(self, pusher: Mapping[str, str]) -> dict[str, str]:
        left_out = ("GIT_", "SIGNALBOX_SESSION", "SIGNALBOX_INCARNATION", "SIGNALBOX_TOKEN", "CLAUDE_CODE_SESSION_ID")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return {**kept, **pusher, "GIT_INDEX_FILE": str(self.index)}

    def stage(self) -> None:
        """Put one new file beside what is committed. Raises CalledProcessError."""
        self._run(
            "read-tree", "--empty" if self.git.maybe("rev-parse", "--verify", "--quiet", "HEAD") is None else "HEAD"
        )
        blob = self.git.output("hash-object", "-w", "--stdin", stdin=b"trial of the doctor\n").decode().strip()
        self._run("update-index", "--add", "--cacheinfo", f"100644,{blob},{self.name}")

    def _run(self, *arguments: str) -> None:
        command = ["git", *arguments]
        subprocess.run(command, cwd=self.root, env=self.environment({}), capture_output=True, check=True)


def guard_findings(root: Path, terminal: Terminal) -> tuple[State, list[Finding]]:
    """What the guard of the repository amounts to; nothing is committed, and what was locked is given back."""
    git = Git(str(root))
    try:
        top = git.maybe("rev-parse", "--show-toplevel")
    except GitFailed as failed:
        return State.ABSENT, [Finding(None, f"there is nothing to guard: {failed.message}")]
    if top is None:
        return State.ABSENT, [Finding(None, "this is no checkout of git: there is nothing to guard")]
    here = installed(git)
    if not here.hooks:
        words = "it is not installed here: what slips past the clients' hooks is committed and pushed"
        return State.ABSENT, [Finding(None, words, INSTALL)]
    missing = {"pre-commit", "pre-push"} - set(here.hooks)
    found = [Finding(not missing, f"{', '.join(here.hooks)} in {here.folder}", INSTALL if missing else "")]
    off = [hook for hook in here.hooks if not os.access(here.folder / hook, os.X_OK)]
    if off:
        found.append(Finding(False, f"{', '.join(off)} cannot be run: git passes over it", INSTALL))
    state, finding = _tried(git, root, here.folder / "pre-commit", terminal)
    broken = any(one.good is False for one in (*found, finding))
    return (State.BROKEN if broken else state), [*found, finding]


def _tried(git: Git, root: Path, script: Path, terminal: Terminal) -> tuple[State, Finding]:
    project, repository, mode = git.setting("project"), git.setting("repository"), mode_of(script)
    if project is None or repository is None or mode is None:
        return State.BROKEN, Finding(False, "it does not say whose locks it asks for", INSTALL)
    name = f".signalbox-doctor-{secrets.token_hex(6)}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            stage = _Stage(root, git, project, repository, name, Path(folder) / "index")
            stage.stage()
            return _played(stage, script, mode, terminal)
    except SignalboxError as error:
        return State.BROKEN, Finding(False, f"it cannot be tried out: {error.message}", error.next)
    except (OSError, subprocess.SubprocessError) as error:
        return State.BROKEN, Finding(False, f"it cannot be run: {error}", INSTALL)


def _played(stage: _Stage, script: Path, mode: Mode, terminal: Terminal) -> tuple[State, Finding]:
    client = terminal.client
    lives: list[Fields] = []

    def take(life: Fields, name: str) -> str:
        claims = [{"claim": stage.claim(name), "mode": "exclusive"}]
        wish = {"project": stage.project, **life, "claims": claims, "purpose": "trial of the doctor"}
        return text(client.command("acquire_locks", **wish).answer, "token")

    try:
        for _ in range(2):
            opened = client.command("open_session", projects=[stage.project], name="doctor", tool="doctor").answer
            lives.append({"session": opened["session"], "incarnation": opened["incarnation"]})
        holder, pusher = lives
        foreign, own = take(holder, stage.name), take(pusher, f"{stage.name}-own")
        named = {
            "SIGNALBOX_SESSION": str(pusher["session"]),
            "SIGNALBOX_INCARNATION": str(pusher["incarnation"]),
            "SIGNALBOX_TOKEN": own,
        }
        # What else stands in the hook is not run: in strict mode it comes only after us.
        words = [str(script)] if mode == "strict" else guard_words("pre-commit", mode)
        locked = _run(words, stage, named)
        client.command("release_locks", project=stage.project, **holder, token=foreign)
        take(pusher, stage.name)
        free = _run(guard_words("pre-commit", mode), stage, named)
    finally:
        for life in lives:
            with suppress(SignalboxError):
                client.command("end_session", **life)
    return _judged(locked, free, mode)


def _run(words: list[str], stage: _Stage, named: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words,
        cwd=stage.root,
        env=stage.environment(named),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )


def _judged(
    locked: "subprocess.CompletedProcess[str]", free: "subprocess.CompletedProcess[str]", mode: Mode
) -> tuple[State, Finding]:
    said = locked.stderr.strip()
    if free.returncode != 0:
        return State.BROKEN, Finding(False, f"a file of one's own was refused, too: {free.stderr.strip()}", INSTALL)
    if mode == "observe":
        if "would be refused" in said:
            return State.OBSERVED, Finding(None, "a locked file was told and not refused", f"{INSTALL} --mode strict")
        return State.BROKEN, Finding(False, f"a locked file was not told: {said or 'nothing was said'}", INSTALL)
    if locked.returncode == 0 or "held by" not in said:
        words = f"a commit of a locked file was not refused for that: {said or 'nothing was said'}"
        return State.BROKEN, Finding(False, words, INSTALL)
    return State.ENFORCED, Finding(True, "a commit of a locked file was refused, one of one's own was not")
