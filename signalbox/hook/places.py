"""Where a file lies: its repository, its place in it, and how the lock service calls that."""

import os

from signalbox.hook.reading import UnreadableError, file_text

_GLOB = "*?[\\"
_UNFIT = frozenset("*?[\\@/")
CLAIMS_MAX = 60
"""Paths in one request; the server takes 64 claims, and checkouts are claimed beside."""
WORKTREE_BYTES_MAX = 400


class Repository:
    """One checkout of a repository; its worktrees and clones of the same name share the name."""

    __slots__ = ("common", "name", "top")

    def __init__(self, top: str, common: str, name: str) -> None:
        self.top = top
        self.common = common
        """The folder that all worktrees share."""
        self.name = name


def repository_of(path: str) -> Repository | None:
    """The repository that the file or folder lies in, None where it lies in none. The path has to be a real one."""
    folder = path
    without_git: Repository | None = None
    while True:
        git = os.path.join(folder, ".git")
        # A folder without HEAD is none of git's: it goes on looking above, and so do we.
        if os.path.exists(git) and (not os.path.isdir(git) or os.path.lexists(os.path.join(git, "HEAD"))):
            common = _common_of(git)
            return Repository(folder, common, name_of(common))
        if without_git is None and os.path.isdir(os.path.join(folder, ".signalbox")):
            # A folder that a server was started in, where nobody uses git.
            without_git = Repository(folder, folder, fit(os.path.basename(folder)))
        above = os.path.dirname(folder)
        if above == folder:
            return without_git
        folder = above


def named(found: Repository, home: Repository | None, name: str) -> Repository:
    """The repository that one works in carries the name that was given for it, if any; others keep their own."""
    if name and home is not None and found.common == home.common:
        return Repository(found.top, found.common, name)
    return found


def real_places(path: str, cwd: str) -> list[str]:
    """Where writing to a path writes: the path with its folders resolved, and what it points to.

    Clients drop ``..`` from the text, the system follows links before it goes up: where they differ, both count.

    Raises UnreadableError for a relative path without a folder to start from.
    """
    if not os.path.isabs(path):
        if not os.path.isabs(cwd):
            raise UnreadableError(f"{path} is relative, and the event names no folder")
        path = os.path.join(cwd, path)
    if "\0" in path:
        raise UnreadableError("the path holds a NUL")
    written, path = os.path.realpath(path), os.path.normpath(path)
    lies_at = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return list(dict.fromkeys((lies_at, os.path.realpath(path), written)))


def path_claim(repository: Repository, path: str, *, folder: bool = False) -> str:
    """``path:name//place`` of a real path inside the repository; a folder with all below it where asked."""
    place = os.path.relpath(path, repository.top).replace(os.sep, "/")
    if place == ".":
        return f"path:{repository.name}//**"
    return f"path:{repository.name}//{escaped(place)}{'/' if folder else ''}"


def escaped(place: str) -> str:
    """Plain names as patterns that match just them, in the form that the lock service takes."""
    if not place.isascii():
        from unicodedata import normalize

        place = normalize("NFC", place)
    return "".join(f"\\{letter}" if letter in _GLOB else letter for letter in place)


def worktree_claim(repository: Repository) -> str:
    """HEAD, index, stash and uncommitted files of this one checkout."""
    place = repository.top.replace(os.sep, "/").lstrip("/")
    place = "/".join(fit(part) for part in place.split("/") if part)
    while len(place.encode()) > WORKTREE_BYTES_MAX or place.count("/") > 30:
        place = place.partition("/")[2] or place[-100:]
    return f"worktree:{fit(host_name())}//{place or 'root'}"


def branch_claim(repository: Repository, branch: str) -> str:
    return f"branch:{repository.name}//{escaped(branch)}"


def host_name() -> str:
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return name[:200] or "localhost"


def joined(claims: list[str]) -> list[str]:
    """At most as many claims as one request takes: beyond that, the folders that the files lie in."""
    while len(claims) > CLAIMS_MAX:
        shorter = list(dict.fromkeys(_above(claim) for claim in claims))
        if shorter == claims:
            raise UnreadableError(f"it writes in more than {CLAIMS_MAX} places; do it in parts")
        claims = shorter
    return claims


def _above(claim: str) -> str:
    kind, slashes, place = claim.partition("//")
    if not claim.startswith("path:"):
        return claim
    folder = place.rstrip("/").rpartition("/")[0]
    return f"{kind}{slashes}{folder}/" if folder else claim


def _common_of(git: str) -> str:
    """The folder that a ``.git`` stands for: itself, or where its file leads to."""
    if os.path.isdir(git):
        return os.path.realpath(git)
    said = (file_text(git, 65_536) or "").strip()
    if not said.startswith("gitdir:"):
        raise UnreadableError(f"{git} leads nowhere")
    folder = os.path.join(os.path.dirname(git), said.removeprefix("gitdir:").strip())
    shared = file_text(os.path.join(folder, "commondir"), 65_536)
    return os.path.realpath(folder if shared is None else os.path.join(folder, shared.strip()))


def name_of(common: str) -> str:
    """What locks call the repository whose worktrees share this folder."""
    folder = os.path.basename(common)
    if folder == ".git":
        folder = os.path.basename(os.path.dirname(common))
    return fit(folder.removesuffix(".git"))


def fit(name: str) -> str:
    """A name without what the lock service would read as more than a name."""
    if not name.isascii():
        from unicodedata import normalize

        name = normalize("NFC", name)
    kept = "".join("-" if letter in _UNFIT or not letter.isprintable() else letter for letter in name)
    return kept if kept.strip(".") else "root"
