"""Worktrees that attempts take turns in: one folder for each unit of a pool, and never two attempts in one.

The unit is a lock of the attempt, so it ends when the attempt is settled, and not before. The folder has a lock of the
operating system besides, which every process of the attempt's command holds: a former command that goes on running,
because its worker was stopped or its machine lost the server, keeps its folder to itself.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from signalbox.client.errors import Refused
from signalbox.git_guard.git import Git, GitFailed

LEFT: Final = "refs/signalbox/left"
"""Below it lies what attempts left in their worktrees without committing it to a branch."""
_NOBODY: Final = ("-c", "user.name=signalbox", "-c", "user.email=signalbox@localhost", "-c", "commit.gpgsign=false")
_HALF_DONE: Final = ("index.lock", "HEAD.lock", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG")
_HALF_DONE_FOLDERS: Final = ("rebase-merge", "rebase-apply", "sequencer")


@dataclass(frozen=True, slots=True)
class Worktrees:
    """Where they are made, and of what."""

    repository: Path
    """Any checkout of it, or a bare one."""
    pool: str
    """The pool whose units they are; its members' names are the folders' names."""
    folder: Path
    base: str
    """Where each attempt begins: a branch, a tag or a commit."""

    @property
    def claim(self) -> str:
        """One unit of the pool."""
        return f"pool:{self.pool}"


def beside(repository: Path) -> Path:
    """The folder for worktrees of a repository where no other is named."""
    return repository.with_name(f"{repository.name.removesuffix('.git')}.worktrees")


@dataclass(slots=True)
class Worktree:
    """One folder that is ours until it is let go."""

    place: Path
    lock: int
    """Descriptor of the locked file, which the command inherits: the lock lasts as long as anybody has it open."""


def checked(worktrees: Worktrees) -> None:
    """Raises Refused where there is no such repository, or no such base in it."""
    git = Git(str(worktrees.repository))
    try:
        git.text("rev-parse", "--verify", "--quiet", f"{worktrees.base}^{{commit}}")
    except GitFailed as failed:
        raise Refused(
            "no_base",
            f"{worktrees.repository} is no git repository with a commit {worktrees.base}",
            "Start the worker in the repository, or name it with --repository, and a commit of it with --base.",
        ) from failed


def entered(worktrees: Worktrees, member: str) -> Worktree | None:
    """Ours from now on; None while processes of a former attempt still run in it."""
    # Only where there are such locks; who merely names worktrees runs everywhere.
    import fcntl

    worktrees.folder.mkdir(parents=True, exist_ok=True)
    file = os.open(worktrees.folder / f"{member}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return Worktree(worktrees.folder / member, file)


def prepared(worktrees: Worktrees, tree: Worktree, task: str, attempt: int) -> str | None:
    """Put the folder where an attempt at a task, or a life of a session, begins. What a former one had left is kept:
    the name of that ref.

    Files that git ignores stay, such as caches of builds. What is no worktree is put aside: it may be somebody's work,
    and git would look for a repository above it. Raises GitFailed, OSError.
    """
    left = keep_left(worktrees, tree)
    if tree.place.exists() and not _is_worktree(tree):
        tree.place.rename(_aside(tree.place))
    elif tree.place.exists():
        with suppress(GitFailed):
            _reset(tree.place, worktrees.base)
            _note(tree, task, attempt)
            return left
        with suppress(GitFailed):
            Git(str(worktrees.repository)).text("worktree", "remove", "--force", "--force", str(tree.place))
        shutil.rmtree(tree.place, ignore_errors=True)
    git = Git(str(worktrees.repository))
    git.text("worktree", "prune")
    git.text("worktree", "add", "--quiet", "--force", "--detach", str(tree.place), worktrees.base)
    _note(tree, task, attempt)
    return left


def keep_left(worktrees: Worktrees, tree: Worktree) -> str | None:
    """Give what lies in the folder and on no branch a name, after the attempt that left it; None where nothing does.

    Raises GitFailed: then it lies there still, and the folder is not used again before it could be read.
    """
    if not _is_worktree(tree):
        return None
    noted, git = _noted(tree), Git(str(tree.place))
    _clear_half_done(git)
    git.output("add", "--all")
    files, head = git.text("write-tree"), git.text("rev-parse", "HEAD")
    if files != git.text("rev-parse", "HEAD^{tree}"):
        head = git.text(
            *_NOBODY, "commit-tree", "-p", head, "-m", f"Left in the worktree by {noted or 'somebody'}", files
        )
    elif git.maybe("rev-list", "-1", head, "--not", "--branches", "--remotes", "--tags", worktrees.base) is None:
        return None
    # Without a note a worker died before the attempt began, or a person made the worktree.
    name = f"{LEFT}/{noted or f'{tree.place.name}-{head}'}"
    git.text("update-ref", name, head)
    return name


def let_go(tree: Worktree) -> None:
    """Ours no more; a process of the command that has outlived it still keeps it."""
    with suppress(OSError):
        os.close(tree.lock)


def _is_worktree(tree: Worktree) -> bool:
    return (tree.place / ".git").is_file()


def _aside(place: Path) -> Path:
    """The first name beside it that is free."""
    return next(one for number in count(1) if not (one := place.with_name(f"{place.name}.aside-{number}")).exists())


def _reset(place: Path, base: str) -> None:
    git = Git(str(place))
    _clear_half_done(git)
    git.text("checkout", "--quiet", "--force", "--detach", base)
    git.text("reset", "--quiet", "--hard")
    git.text("clean", "--quiet", "-ffd")


def _clear_half_done(git: Git) -> None:
    """Nobody works here: what a killed git left half way is nobody's any more."""
    folder = Path(git.text("rev-parse", "--absolute-git-dir"))
    for name in _HALF_DONE:
        (folder / name).unlink(missing_ok=True)
    for name in _HALF_DONE_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)


def _note(tree: Worktree, task: str, attempt: int) -> None:
    """Who works in it, for whoever finds what is left when that one has died."""
    told = json.dumps({"task": task, "attempt": attempt})
    tree.place.with_name(f"{tree.place.name}.json").write_text(told, encoding="utf-8")


def _noted(tree: Worktree) -> str | None:
    try:
        told = json.loads(tree.place.with_name(f"{tree.place.name}.json").read_text(encoding="utf-8"))
        return f"{told['task']}-{int(told['attempt'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return None
