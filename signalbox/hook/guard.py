"""Before a tool runs: whether what it is about to write is the agent's to write."""

import os

from signalbox.hook.event import EDIT_TOOLS, SHELL_TOOLS, Event, edited_paths
from signalbox.hook.memory import Memory
from signalbox.hook.options import Options
from signalbox.hook.places import (
    Repository,
    branch_claim,
    joined,
    named,
    path_claim,
    real_places,
    repository_of,
    worktree_claim,
)
from signalbox.hook.reading import UnreadableError

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from signalbox.hook.desk import Desk
    from signalbox.hook.writes import Writes


LINE_CHARACTERS_MAX = 1_048_576
"""Of a line of shell; no system takes more in one word."""


class Wanted:
    """What a tool needs: claim -> mode, in words, and which of it only while the tool runs."""

    def __init__(self) -> None:
        self.claims: dict[str, str] = {}
        self.while_running: dict[str, str] = {}
        self.places: dict[str, str] = {}
        """Claim on a path -> where that lies on this machine."""
        self.what = ""

    @property
    def is_nothing(self) -> bool:
        return not self.claims and not self.while_running


def wanted_by(event: Event, options: Options, environment: "dict[str, str]") -> Wanted:
    """What the tool of the event is about to write, as far as it lies in a repository. Raises UnreadableError."""
    wanted = Wanted()
    if event.tool in EDIT_TOOLS:
        paths = edited_paths(event)
        _want_paths(wanted, dict.fromkeys(paths, False), event, options, environment)
        first = next(iter(wanted.places), paths[0]).partition("//")[2] or paths[0]
        wanted.what = f"{event.tool} of {first}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
    elif event.tool in SHELL_TOOLS and event.command:
        _want_shell(wanted, event, options, environment)
    return wanted


def is_known(wanted: Wanted, memory: Memory, event: Event, options: Options) -> bool:
    """Whether what is remembered and still fresh covers all of it."""
    return (
        not wanted.while_running
        and bool(memory.session)
        and memory.is_of(event.process)
        and options.project in ("", memory.project)
        and memory.is_fresh
        and not memory.has_below
        and all(memory.holds(f"{mode} {claim}") for claim, mode in wanted.claims.items())
    )


def refusal(wanted: Wanted, desk: "Desk", *, queue: bool) -> str:
    """Take what is wanted; empty where it was given, else why not.

    Raises RefusedError, NoAnswerError, TakenOverError.
    """
    from signalbox.hook.words import refused_by_below, refused_edit

    desk.ready()
    lasting = _not_held(wanted, desk.memory)
    if not lasting and wanted.claims and not desk.memory.is_fresh:
        # All is held as far as is remembered: one question confirms it, and what has ended is taken anew.
        desk.beat()
        lasting = _not_held(wanted, desk.memory)
    if desk.memory.has_below:
        blockers = desk.kept_from([claim for claim, mode in wanted.claims.items() if mode == "exclusive"])
        if blockers:
            return refused_by_below(wanted.what, blockers)
        lasting = _not_held(wanted, desk.memory)
    for claims, passing in ((lasting, False), (wanted.while_running, True)):
        if not claims:
            continue
        answer = desk.acquire(claims, f"{desk.event.client}: {wanted.what}", queue=queue).fields
        if answer.get("outcome") == "waiting":
            return refused_edit(wanted.what, answer, desk)
        if passing and answer.get("outcome") == "granted":
            desk.memory.after_tool.append(f"{answer.get('token')} {desk.event.call}")
    desk.memory.remember(wanted.places)
    return ""


def _not_held(wanted: Wanted, memory: Memory) -> "dict[str, str]":
    return {claim: mode for claim, mode in wanted.claims.items() if not memory.holds(f"{mode} {claim}")}


def _want_paths(
    wanted: Wanted, paths: "dict[str, bool]", event: Event, options: Options, environment: "dict[str, str]"
) -> None:
    """Every file exclusively, and its checkout shared with the others who edit there."""
    home = home_of(event, environment)
    for path, folder in paths.items():
        for place in real_places(path, event.cwd):
            # A checkout that one works in lies in itself where all of it is written.
            within = folder and f"{os.path.realpath(event.cwd)}/".startswith(f"{place}/")
            repository = repository_of(place if within else os.path.dirname(place))
            if repository is None:
                # Nobody's to lock: scratch files, the client's own notes.
                continue
            repository = named(repository, home, options.repository)
            wanted.places[path_claim(repository, place, folder=folder)] = place
            wanted.claims[worktree_claim(repository)] = "shared"
    wanted.claims |= dict.fromkeys(joined(list(wanted.places)), "exclusive")


def _want_shell(wanted: Wanted, event: Event, options: Options, environment: "dict[str, str]") -> None:
    writes = _shell_writes(event)
    home = home_of(event, environment)
    wanted.what = f"{event.tool} `{' '.join(event.command.split())[:120]}`"
    _want_paths(wanted, writes.paths, event, options, environment)
    for folder, mode in writes.trees.items():
        repository = _repository_at(folder, home, options)
        if repository is not None:
            wanted.while_running[worktree_claim(repository)] = mode
    for folder, branch in writes.branches:
        repository = _repository_at(folder, home, options)
        if repository is not None:
            wanted.while_running[branch_claim(repository, branch)] = "exclusive"


def _shell_writes(event: Event) -> "Writes":
    if len(event.command) > LINE_CHARACTERS_MAX:
        raise UnreadableError(f"the line has more than {LINE_CHARACTERS_MAX} characters; do it in parts")
    if event.tool == "PowerShell" or (os.name == "nt" and event.tool == "run_shell_command"):
        from signalbox.hook.powershell import powershell_writes

        return powershell_writes(event.command, event.cwd)
    from signalbox.hook.shell import shell_writes

    return shell_writes(event.command, event.cwd)


def _repository_at(folder: str, home: Repository | None, options: Options) -> Repository | None:
    found = repository_of(os.path.realpath(folder))
    return None if found is None else named(found, home, options.repository)


def home_of(event: Event, environment: "dict[str, str]") -> Repository | None:
    """The repository that the client was started in."""
    folder = environment.get("CLAUDE_PROJECT_DIR") or environment.get("GEMINI_PROJECT_DIR") or event.cwd
    return repository_of(os.path.realpath(folder)) if os.path.isabs(folder) else None
