"""The repository of the demo: a bare one that all share, one clone for each worker, and its history as plain data."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GIT_SECONDS_MAX: Final = 60
_COMMIT: Final = "\x1e"
_DETACHED: Final = "import os, sys; os.setsid(); os.execvp('git-receive-pack', ['git-receive-pack', *sys.argv[1:]])"


class GitFailedError(Exception):
    """Fault: git did not do what the demo cannot do without."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that some task made."""

    task: str
    changes: tuple[tuple[int, int, str], ...]
    """Lines added, lines removed, file."""


@dataclass(frozen=True, slots=True)
class History:
    """What the shared repository holds in the end."""

    commits: tuple[Commit, ...]
    """In the order in which they lie on the branch, the first one first."""
    files: dict[str, str]
    merges: int


def make_repository(folder: Path, files: Sequence[str]) -> Path:
    """A bare repository with one commit, in which each file counts nothing yet. Raises GitFailedError."""
    bare, first = folder / "shared.git", folder / "first"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    for setting in ("gc.auto=0", "receive.autogc=false", "core.fsync=none"):
        git(bare, "config", *setting.split("="))
    make_clone(bare, first)
    git(first, "checkout", "--quiet", "-b", "main")
    for name in files:
        file = first / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("count: 0\n")
    git(first, "add", "--all")
    git(first, "commit", "--quiet", "--message", "Files that count nothing yet")
    git(first, "push", "--quiet", "origin", "main")
    shutil.rmtree(first)
    return bare


def make_clone(bare: Path, clone: Path) -> None:
    """A clone with an author of its own. Raises GitFailedError."""
    git(bare.parent, "clone", "--quiet", "--no-hardlinks", str(bare), str(clone))
    settings = {
        "user.name": clone.name,
        "user.email": f"{clone.name}@demo.invalid",
        "gc.auto": "0",
        "commit.gpgsign": "false",
        "remote.origin.receivepack": _receiver(),
    }
    for name, value in settings.items():
        git(clone, "config", name, value)


def history_of(bare: Path) -> History:
    """Read from the repository alone. Raises GitFailedError."""
    log = git(bare, "log", "--reverse", "--topo-order", "--numstat", f"--format={_COMMIT}%B", "main")
    commits = (_commit(text) for text in log.split(_COMMIT)[1:])
    names = git(bare, "ls-tree", "-r", "--name-only", "main").split()
    return History(
        commits=tuple(one for one in commits if one is not None),
        files={name: git(bare, "show", f"main:{name}") for name in names},
        merges=int(git(bare, "rev-list", "--count", "--merges", "main")),
    )


def git(folder: Path, *arguments: str) -> str:
    """What git prints. Raises GitFailedError."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {**inherited, "LC_ALL": "C", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS_MAX,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise GitFailedError(f"git cannot be started: {error}") from error
    if done.returncode != 0:
        raise GitFailedError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _receiver() -> str:
    """A push's receiving end stands for a git server: it does not die with the worker whose process group is killed."""
    detach = shutil.which("setsid")
    if detach is not None:
        return f"{shlex.quote(detach)} git-receive-pack"
    return shlex.join([sys.executable, "-I", "-S", "-c", _DETACHED])


def _commit(text: str) -> Commit | None:
    task = re.search(r"^Task: (\S+)$", text, flags=re.MULTILINE)
    changes = re.findall(r"^(\d+)\t(\d+)\t(\S+)$", text, flags=re.MULTILINE)
    if task is None:
        return None
    return Commit(task.group(1), tuple((int(added), int(removed), name) for added, removed, name in changes))
