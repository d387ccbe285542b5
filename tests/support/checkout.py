"""Real git repositories for tests: short words for what people do in them, without any setting of the machine."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.waiting import SECONDS_MAX


@dataclass
class Checkout:
    """A working tree, or a bare repository."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    """Beside what every program inherits; SIGNALBOX_… of this process is left out."""

    def git(self, *arguments: str) -> str:
        """What git prints; it has to succeed."""
        done = self.tried(*arguments)
        assert done.returncode == 0, f"git {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def refused(self, *arguments: str) -> str:
        """What git says on standard error; it must not succeed."""
        done = self.tried(*arguments)
        assert done.returncode != 0, f"git {arguments} succeeded: {done.stdout}{done.stderr}"
        return done.stderr

    def tried(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SIGNALBOX_"))}
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
        people = {f"GIT_{who}_{what}": "t@t.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**inherited, **own, **people, **self.environment},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            stdin=subprocess.DEVNULL,
        )

    def write(self, **files: str) -> None:
        """Files by their names, with ``__`` for a slash."""
        for name, text in files.items():
            file = self.folder / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def commit(self, message: str = "work", **files: str) -> str:
        """A commit of everything that differs, past every hook; its name."""
        self.write(**files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


def a_hub(folder: Path, **files: str) -> tuple[Checkout, Checkout]:
    """A bare repository with one commit on main, and a clone of it."""
    hub = Checkout(folder / "hub.git")
    Checkout(folder).git("init", "--quiet", "--bare", "--initial-branch=main", str(hub.folder))
    clone = a_clone(hub, "clone")
    clone.git("checkout", "--quiet", "-b", "main")
    clone.commit("first", **files)
    clone.git("push", "--quiet", "origin", "main")
    clone.git("remote", "set-head", "origin", "main")
    return hub, clone


def a_clone(hub: Checkout, name: str) -> Checkout:
    clone = Checkout(hub.folder.parent / name)
    Checkout(hub.folder.parent).git("clone", "--quiet", str(hub.folder), name)
    return clone
