"""What each of git's hooks does: read what is about to happen, ask the server, and tell what it said."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, NamedTuple

from signalbox.client.endpoint import Endpoint, find_endpoint
from signalbox.client.errors import Refused, SignalboxError
from signalbox.client.fields import Fields, objects, optional_object
from signalbox.client.synchronous import Client
from signalbox.git_guard.changes import Change, Known, created, deleted, merged_in, moved, names
from signalbox.git_guard.git import Git, raw
from signalbox.git_guard.pusher import Pusher, key_of, pusher_of, pusher_of_push

Hook = Literal["pre-commit", "pre-push", "pre-receive"]
Mode = Literal["strict", "observe"]
HOOKS: Final[Mapping[str, Hook]] = {
    "pre-commit": "pre-commit", "pre-push": "pre-push", "pre-receive": "pre-receive"
}  # fmt: skip
"""By what git calls them."""
PATHS_AT_ONCE_MAX: Final = 256
PATIENCE_SECONDS: Final = 5.0
BRANCHES: Final = "refs/heads/"
TAGS: Final = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A repository that is guarded, as its configuration says."""

    git: Git
    project: str
    repository: str
    endpoint: Endpoint
    pusher: Pusher
    on_behalf: bool = False
    """Whether this is the receiving end, which asks with a key of its own."""
    key: str = ""
    """Of the pusher, where the git host tells it."""


def main() -> None:
    """What an installed hook runs: its own name, the mode, and what git gave it are the arguments."""
    hook = HOOKS[sys.argv[1]]
    mode: Mode = "observe" if sys.argv[2] == "observe" else "strict"
    lines = () if hook == "pre-commit" else (line for line in sys.stdin if line.strip())
    sys.exit(run_hook(hook, mode, tuple(sys.argv[3:]), lines))


def run_hook(hook: Hook, mode: Mode, arguments: tuple[str, ...], lines: Iterable[str]) -> int:
    """Git's answer: 0 lets it go on, 1 stops it. What goes wrong stops it in strict mode, and never in the other."""
    try:
        _look(hook, arguments, lines)
    except SignalboxError as error:
        print(words_of(error, mode), file=sys.stderr)
    except Exception as error:  # Whatever it is, git must not go on as if we had agreed.
        print(f"signalbox: fault: {type(error).__name__}: {error}", file=sys.stderr)
    else:
        return 0
    return 0 if mode == "observe" else 1


def words_of(error: SignalboxError, mode: Mode) -> str:
    """What is told to whoever runs git, the files one by one."""
    told = [f"signalbox: {'refused' if mode == 'strict' else 'warning, would be refused'}: {error.message}"]
    if "faults" in error.data:
        told += [f"  {_fault_line(one)}" for one in objects(error.data, "faults")]
    return "\n".join([*told, f"next: {error.next}"])


def guarded(git: Git, environment: Mapping[str, str], *, receiving: bool) -> Guarded:
    """What the configuration and the surroundings say. Raises Refused, ServerUnavailable."""
    project, repository = git.setting("project"), git.setting("repository")
    if project is None or repository is None:
        raise Refused(
            "not_installed",
            "the repository does not say whose locks guard it",
            "Run `signalbox git-guard install --project PROJECT --repository NAME` in it.",
        )
    if receiving:
        endpoint = endpoint_of(git, {})
        key = key_of(environment, git.setting("pushervariable"))
        return Guarded(git, project, repository, endpoint, pusher_of_push(environment), on_behalf=True, key=key)
    top = git.maybe("rev-parse", "--show-toplevel") or ""
    return Guarded(git, project, repository, endpoint_of(git, environment), pusher_of(environment, top))


def endpoint_of(git: Git, environment: Mapping[str, str]) -> Endpoint:
    """Where the server is. The receiving end passes no surroundings: a pusher may not choose who judges the push."""
    keyfile, data = git.setting("keyfile"), git.setting("data")
    key = environment.get("SIGNALBOX_KEY") or (None if keyfile is None else _secret(Path(keyfile)))
    url = environment.get("SIGNALBOX_URL") or git.setting("url")
    folder = Path(git.text("rev-parse", "--absolute-git-dir"))
    named = environment.get("SIGNALBOX_DATA") or data
    return find_endpoint(url=url, key=key, data=Path(named) if named else None, environment={}, folder=folder)


def ask(asked: Guarded, changes: Iterable[Change]) -> None:
    """Ask about every change. Raises Refused at the first that may not be, else what says that there is no answer."""
    with Client(asked.endpoint, patience_seconds=PATIENCE_SECONDS) as client:
        for change in changes:
            for paths, merged in _parts(change):
                client.command(
                    "check_push",
                    project=asked.project,
                    session=asked.pusher.session,
                    incarnation=asked.pusher.incarnation,
                    token=asked.pusher.token,
                    repository=asked.repository,
                    branch=change.branch,
                    change=change.kind,
                    paths=paths,
                    merged=merged,
                    on_behalf=asked.on_behalf,
                    pusher=asked.key,
                )


def staged(git: Git) -> Change | None:
    """The commit that is about to be made; None where it changes no file."""
    old = git.maybe("rev-parse", "--verify", "--quiet", "HEAD^{commit}") or git.empty_tree()
    differing = git.differences(old, git.text("write-tree"))
    merging = (git.maybe("rev-parse", "--verify", "--quiet", "MERGE_HEAD") or "").split()
    paths = names(merged_in(git, old, differing, merging))
    return Change(branch_of(git), "commit", paths) if paths else None


def unstaged(git: Git) -> Change | None:
    """The same of the working tree as it is, files that git does not know yet included."""
    old = git.maybe("rev-parse", "--verify", "--quiet", "HEAD^{commit}") or git.empty_tree()
    known = dict(raw(git.output("diff-index", "-r", "-z", "--raw", "--no-renames", old)))
    fresh = git.output("ls-files", "-z", "--others", "--exclude-standard", ":/").split(b"\0")
    paths = names({*known, *(path for path in fresh if path)})
    return Change(branch_of(git), "commit", paths) if paths else None


def branch_of(git: Git) -> str:
    """The branch that is checked out; HEAD where none is."""
    return git.maybe("symbolic-ref", "--short", "--quiet", "HEAD") or "HEAD"


def _look(hook: Hook, arguments: tuple[str, ...], lines: Iterable[str]) -> None:
    git = Git()
    if hook == "pre-commit":
        change = staged(git)
        changes = iter(() if change is None else (change,))
    else:
        remote = arguments[0] if arguments else "origin"
        changes = received(git, lines) if hook == "pre-receive" else _pushed(git, remote, lines)
    first = next(changes, None)
    if first is not None:
        asked = guarded(git, os.environ, receiving=hook == "pre-receive")
        ask(asked, (first, *changes))


def received(git: Git, lines: Iterable[str]) -> Iterator[Change]:
    """What the names that a push moves here would change. Raises Refused, GitFailed."""
    default = git.maybe("symbolic-ref", "--quiet", "HEAD")
    moves = [Move(name, old, new) for old, new, name in (line.rstrip("\n").split(" ", 2) for line in lines)]
    yield from _looked_at(git, moves, BRANCHES, default)


def _pushed(git: Git, remote: str, lines: Iterable[str]) -> Iterator[Change]:
    # A push to an address knows what all remotes have.
    prefix = f"refs/remotes/{remote}/" if git.maybe("config", "--get", f"remote.{remote}.url") else "refs/remotes/"
    default = git.maybe("symbolic-ref", "--quiet", f"{prefix}HEAD") or next(_usual(git, prefix), None)
    moves = [Move(name, old, new) for _, new, name, old in (line.rstrip("\n").split(" ", 3) for line in lines)]
    yield from _looked_at(git, moves, prefix, default)


class Move(NamedTuple):
    """A name that a push moves, creates or takes away."""

    name: str
    old: str
    new: str


def _looked_at(git: Git, moves: list[Move], prefix: str, default: str | None) -> Iterator[Change]:
    """Branches, and tags as if they were branches named ``tags/…``; other names are left alone.

    ``prefix`` is where the other side's branches are. What the branches of the same push bring in is looked at with
    them, so that a tag of it brings nothing more.
    """
    everything = f"--glob={prefix}*"
    brought = tuple(one.new for one in moves if one.name.startswith(BRANCHES) and not _is_none(one.new))
    for name, old, new in moves:
        if name.startswith(BRANCHES):
            branch = name.removeprefix(BRANCHES)
            others = (f"--exclude={prefix}{branch}",) if _is_none(new) else ()
            yield _change(git, branch, old, new, _known(git, (*others, everything), default, prefix))
        elif name.startswith(TAGS):
            known = _known(git, (everything, *brought), default, prefix)
            change = _change(git, f"tags/{name.removeprefix(TAGS)}", old, new, known)
            # A tag that moves no longer says what it said, wherever it goes.
            yield replace(change, kind="rewrite") if change.kind == "advance" and not _is_none(old) else change


def _usual(git: Git, prefix: str) -> Iterator[str]:
    """The default branch of a remote that was added by hand and never asked for it."""
    for name in (f"{prefix}main", f"{prefix}master"):
        if git.maybe("rev-parse", "--verify", "--quiet", name) is not None:
            yield name


def _known(git: Git, branches: tuple[str, ...], default: str | None, prefix: str) -> Known:
    tip = None if default is None else git.maybe("rev-parse", "--verify", "--quiet", f"{default}^{{commit}}")
    return Known(branches, tip, None if default is None else default.removeprefix(prefix))


def _change(git: Git, branch: str, old: str, new: str, known: Known) -> Change:
    if _is_none(new):
        return Change(branch, "delete") if git.is_file_or_tree(old) else deleted(git, branch, old, known)
    if git.is_file_or_tree(new):
        # A tag may name any object; one that is no commit brings nothing onto a branch.
        return Change(branch, "advance")
    if _is_none(old) or git.is_file_or_tree(old):
        return created(git, branch, new, known)
    if not git.has_commit(old):
        raise Refused(
            "not_fetched",
            f"what {branch} has at the other side is not known here",
            "Run `git fetch` and look at what others pushed, then push again.",
        )
    return moved(git, branch, old, new, known)


def _parts(change: Change) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """At least one: the branch itself is asked about, too."""
    longest = max(len(change.paths), len(change.merged), 1)
    for start in range(0, longest, PATHS_AT_ONCE_MAX):
        end = start + PATHS_AT_ONCE_MAX
        yield change.paths[start:end], change.merged[start:end]


def _fault_line(fault: Fields) -> str:
    blocker = optional_object(fault, "blocker")
    work = f" for {blocker['task']}" if blocker.get("task") else ""
    holder = blocker.get("session") or "a task that is next"
    return f"{fault.get('resource')}: " + (f"held by {holder}{work}" if blocker else "free")


def _is_none(name: str) -> bool:
    return not name.strip("0")


def _secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refused("no_key", f"the key file {file} cannot be read: {error}", "Name another one.") from error
