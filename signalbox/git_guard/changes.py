"""What a change to a branch touches: the files that it makes differ, told apart from what it merely brings along.

Merging is not writing: where a branch takes over, file by file, just what another branch had made of the same state,
those files are not the pusher's work. What merges into a branch is everything that its server knew before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from signalbox.client.errors import Refused
from signalbox.git_guard.git import Difference, Differences, Git

SOURCES_MAX: Final = 64
"""Known commits that one change is looked at for having merged."""
PATHS_MAX: Final = 20_000
"""Files that one change may touch."""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that is about to be made, or a branch that is about to move."""

    branch: str
    kind: Literal["commit", "advance", "rewrite", "delete"]
    paths: tuple[str, ...] = ()
    """Files that differ by the change itself."""
    merged: tuple[str, ...] = ()
    """Files that it brings along from branches other than the default one."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the other side of a push has already."""

    branches: tuple[str, ...]
    """Arguments of rev-list that name all its branches."""
    default: str | None
    """The commit at the end of its default branch."""
    default_name: str | None


def moved(git: Git, branch: str, old: str, new: str, known: Known) -> Change:
    """A branch that goes from one commit to another. Raises Refused, GitFailed."""
    differing = git.differences(old, new)
    sources = _sources(git, new, known)
    free = () if known.default is None or branch == known.default_name else _within(git, sources, known.default)
    own = _without(differing, _brought(git, old, free))
    rest = _without(own, _brought(git, old, [one for one in sources if one not in free]))
    kind: Literal["advance", "rewrite"] = "advance" if git.is_ancestor(old, new) else "rewrite"
    return Change(branch, kind, names(rest), names(own.keys() - rest.keys()))


def created(git: Git, branch: str, new: str, known: Known) -> Change:
    """A branch that was not there; whatever the other side knows may be the beginning of it."""
    sources = _sources(git, new, known)
    old = None if known.default is None else git.merge_base(known.default, new)
    old = old or next(iter(sources), None) or git.empty_tree()
    rest = _without(git.differences(old, new), _brought(git, old, sources))
    return Change(branch, "advance", names(rest))


def deleted(git: Git, branch: str, old: str, others: Known) -> Change:
    """A branch that goes: what no other branch has is undone."""
    if branch == others.default_name:
        others = Known(others.branches, None, None)
    return Change(branch, "delete", created(git, branch, old, others).paths)


def names(paths: Iterable[bytes]) -> tuple[str, ...]:
    """The paths as text. Raises Refused where one is no text, or where they are too many."""
    found = sorted(paths)
    if len(found) > PATHS_MAX:
        raise Refused(
            "too_many_files", f"the change touches {len(found)} files, more than {PATHS_MAX}", "Push in smaller parts."
        )
    try:
        return tuple(path.decode() for path in found)
    except UnicodeDecodeError as error:
        raise Refused(
            "not_unicode", f"the name {error.object!r} is not UTF-8, so no lock can name it", "Rename the file."
        ) from error


def merged_in(git: Git, old: str, differing: Differences, sources: Iterable[str]) -> Differences:
    """What differs and was not just taken over from one of the sources."""
    return _without(differing, _brought(git, old, sources))


def _sources(git: Git, new: str, known: Known) -> list[str]:
    """The known commits that the new ones were put upon; the new one itself where it is known."""
    lines = git.text("rev-list", "--boundary", new, "--not", *known.branches).split()
    found = [line.removeprefix("-") for line in lines if line.startswith("-")] if lines else [new]
    if len(found) > SOURCES_MAX:
        raise Refused(
            "too_many_merges", f"the change merges more than {SOURCES_MAX} known commits", "Push in smaller parts."
        )
    return found


def _within(git: Git, commits: Iterable[str], tip: str) -> list[str]:
    return [one for one in commits if git.is_ancestor(one, tip)]


def _brought(git: Git, old: str, sources: Iterable[str]) -> dict[bytes, set[Difference]]:
    """What each source had made of the state that it shares with the old one, file by file."""
    found: dict[bytes, set[Difference]] = {}
    for source in sources:
        base = git.merge_base(old, source)
        if base is None or base == source:
            continue
        for path, difference in git.differences(base, source).items():
            found.setdefault(path, set()).add(difference)
    return found


def _without(differing: Differences, brought: dict[bytes, set[Difference]]) -> Differences:
    return {path: one for path, one in differing.items() if one not in brought.get(path, ())}
