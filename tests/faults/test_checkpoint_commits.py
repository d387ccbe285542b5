"""Copied checkpoints are committed in a real git repository, and a repository that refuses holds nobody up."""

import os
import subprocess
from pathlib import Path

import pytest

from infrastructure.ledger.copies import CheckpointCopies, read_copies
from infrastructure.ledger.git_commits import CheckpointCommits, environment_of, words_of
from infrastructure.ledger.outlet import OutletError
from infrastructure.ledger.port import SignedCheckpoint

AT = 1_700_000_000_000_000


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=someone", "-c", "user.email=someone@localhost", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment_of(os.environ), check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree, whose hooks refuse everything and whose folder of copies ignores itself."""
    folder = tmp_path / "tree"
    (folder / "copies").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=", ".")
    (folder / "copies" / ".gitignore").write_text("*\n")
    (folder / ".git" / "hooks").mkdir()
    for name in ("pre-commit", "commit-msg", "post-commit", "pre-push"):
        hook = folder / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {folder}/ran\nexit 1\n")
        hook.chmod(0o700)
    git(folder, "config", "commit.gpgSign", "true")
    return folder


def copied(tree: Path, size: int, at: int = AT) -> SignedCheckpoint:
    checkpoint = SignedCheckpoint(size, at, f"note {size}")
    assert CheckpointCopies(tree / "copies").keep(checkpoint, at_once=True)
    return checkpoint


def test_the_files_of_all_days_are_committed_and_nothing_else(tree: Path) -> None:
    (tree / "staged").write_text("by somebody")
    git(tree, "add", "staged")
    commits = CheckpointCommits(tree / "copies")
    copied(tree, 1)
    commits(copied(tree, 2, AT + 86_400_000_000))
    commits(copied(tree, 3, AT + 86_400_000_001))
    assert git(tree, "log", "--format=%an <%ae> %cn %s").splitlines() == [
        "Signalbox <signalbox@localhost> Signalbox Checkpoint of 3 events",
        "Signalbox <signalbox@localhost> Signalbox Checkpoint of 2 events",
    ]
    assert git(tree, "ls-tree", "-r", "--name-only", "HEAD").splitlines() == [
        "copies/2023-11-14.jsonl",
        "copies/2023-11-15.jsonl",
    ]
    assert git(tree, "diff", "--cached", "--name-only") == "staged"
    assert not (tree / "ran").exists()


def test_nothing_new_is_no_commit(tree: Path) -> None:
    commits = CheckpointCommits(tree / "copies")
    checkpoint = copied(tree, 1)
    commits(checkpoint)
    commits(checkpoint)
    assert git(tree, "rev-list", "--count", "HEAD") == "1"


def test_a_remote_gets_what_was_committed_while_it_was_away(tree: Path, tmp_path: Path) -> None:
    git(tree, "remote", "add", "vault", str(tmp_path / "vault.git"))
    commits = CheckpointCommits(tree / "copies", "vault")
    checkpoint = copied(tree, 1)
    with pytest.raises(OutletError, match=r"git push: fatal: .*vault\.git"):
        commits(checkpoint)
    git(tmp_path, "init", "--quiet", "--bare", "--template=", "vault.git")
    commits(checkpoint)
    git(tmp_path, "clone", "--quiet", "--branch=main", "vault.git", "auditor")
    assert read_copies(tmp_path / "auditor" / "copies") == [checkpoint]


def test_a_folder_in_no_working_tree_and_a_locked_one_are_told(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(OutletError, match="git add: fatal: not a git repository"):
        CheckpointCommits(tmp_path / "plain")(copied(tree, 1))
    (tree / ".git" / "index.lock").touch()
    with pytest.raises(OutletError, match=r"git add: fatal: Unable to create .*index\.lock"):
        CheckpointCommits(tree / "copies")(copied(tree, 2))
    with pytest.raises(OutletError, match="git cannot be started: No such file"):
        CheckpointCommits(tmp_path / "gone")(copied(tree, 3))


def test_git_knows_no_secret_of_ours_and_tells_none() -> None:
    given = {
        "SIGNALBOX_SECRET": "x",
        "GIT_DIR": "/other",
        "SSH_ASKPASS": "ask",
        "GIT_SSH_COMMAND": "ssh -i key",
        "HOME": "/h",
    }
    known = environment_of(given)
    assert {name for name in given if name in known} == {"GIT_SSH_COMMAND", "HOME"}
    said = b"remote: what the other side says\nfatal: unable to access 'https://me:token@host/x'\nfatal: more\n"
    assert words_of(said, 128) == "fatal: unable to access 'https://host/x'"
    assert words_of(b"remote: no", 1) == "it ended with 1"
