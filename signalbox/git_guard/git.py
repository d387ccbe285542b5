"""Asking git, in the repository and with the surroundings of the hook that runs; bytes in, names out."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from signalbox.client.errors import Refused

GIT_SECONDS_MAX: Final = 120


class Entry(NamedTuple):
    """What a tree has at a path: mode and object; zeros where it has nothing."""

    mode: bytes
    content: bytes


class Difference(NamedTuple):
    """One path, before and after."""

    before: Entry
    after: Entry


Differences = dict[bytes, Difference]


class GitFailed(Refused):
    """Git did not do what the guard cannot do without."""

    def __init__(self, arguments: tuple[str, ...], said: str) -> None:
        super().__init__(
            "git_failed",
            f"git {arguments[0]} failed: {said.strip()[:500] or 'it said nothing'}",
            "See that this is a git repository, that it is whole, and that what is pushed on was fetched before.",
        )


@dataclass(frozen=True, slots=True)
class Git:
    """A repository, by the folder that git is started in; None is the working directory."""

    folder: str | None = None

    def output(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What git prints. Raises GitFailed."""
        found = self._run(arguments, stdin)
        if found.returncode != 0:
            raise GitFailed(arguments, found.stderr.decode(errors="replace"))
        return found.stdout

    def text(self, *arguments: str) -> str:
        """The same as text, without the last line's end."""
        return self.output(*arguments).decode(errors="replace").rstrip("\n")

    def maybe(self, *arguments: str) -> str | None:
        """The same, None where git says no or prints nothing."""
        found = self._run(arguments, b"")
        return found.stdout.decode(errors="replace").rstrip("\n") or None if found.returncode == 0 else None

    def setting(self, name: str) -> str | None:
        """A value of the repository's own configuration: one of a user must not redirect the guard."""
        return self.maybe("config", "--local", "--get", f"signalbox.{name}")

    def empty_tree(self) -> str:
        """Its name depends on the repository's kind of digest."""
        return self.output("hash-object", "-t", "tree", "--stdin").decode().strip()

    def differences(self, before: str, after: str) -> Differences:
        """Every path that differs between two trees. A renamed file counts as two: its old and its new name."""
        return dict(raw(self.output("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-commit-id", before, after)))

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor; None where there is none."""
        return self.maybe("merge-base", one, other)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether all of the one is in the other."""
        return self._run(("merge-base", "--is-ancestor", older, newer), b"").returncode == 0

    def has_commit(self, name: str) -> bool:
        """Whether the object is here and is a commit."""
        return self._run(("cat-file", "-e", f"{name}^{{commit}}"), b"").returncode == 0

    def is_file_or_tree(self, name: str) -> bool:
        """Whether the object is here and, once tags are followed to what they name, is no commit."""
        return self.maybe("cat-file", "-t", f"{name}^{{}}") in ("blob", "tree")

    def _run(self, arguments: tuple[str, ...], stdin: bytes) -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(
                # A pusher may bring refs/replace: they would show the guard another commit than the branch gets.
                ["git", "--no-replace-objects", *arguments],
                cwd=self.folder,
                input=stdin,
                capture_output=True,
                timeout=GIT_SECONDS_MAX,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitFailed(arguments, str(error)) from error


def raw(text: bytes) -> Iterator[tuple[bytes, Difference]]:
    """The entries of git's raw format with NULs, without renames."""
    fields = text.split(b"\0")
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old, new, _ = head.removeprefix(b":").split(b" ")
        yield path, Difference(Entry(old_mode, old), Entry(new_mode, new))
