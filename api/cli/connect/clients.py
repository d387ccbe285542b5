"""The three clients: which of their files hold hooks, for which events they call ours, and how they find it."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

import signalbox.hook
from signalbox.hook.options import SECONDS, WORKTREE_SECONDS

Scope = Literal["project", "user"]
Version = tuple[int, int, int]
MARGIN_SECONDS: Final = 7
"""A client waits so much longer for the hook than the hook takes at most: it goes on without an answer."""
LEAVING_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Group:
    """One event of a client, for the tools that the matcher names."""

    event: str
    matcher: str | None = None
    background: bool = False
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class CodingClient:
    """One program that agents work in."""

    name: str
    title: str
    folder: str
    """Of its settings, in a project and in the home of a user."""
    file: str
    home_variable: str
    """Names another folder for the user's settings."""
    project_variable: str
    """In which it tells its hooks the project's folder; empty where it does not."""
    edit_event: str
    groups: tuple[Group, ...]
    worktree_groups: tuple[Group, ...] = ()
    """Which it calls for a folder to work in, where a pool was named; it makes its own where these are missing."""
    timeout_factor: int = 1
    """Units of a timeout in a second."""
    edits_since: Version = (0, 0, 0)
    """Older ones start no hook for an edit, or none at all unless they are told to."""
    everything_since: Version = (0, 0, 0)
    """Older ones do not know all events that we write."""

    def settings(self, scope: Scope, root: Path, environment: Mapping[str, str]) -> Path:
        """The file that holds the hooks of the scope."""
        if scope == "project":
            return root / self.folder / self.file
        said = environment.get(self.home_variable) if self.home_variable else None
        return (Path(said) if said else Path.home() / self.folder) / self.file

    def groups_for(self, command: str) -> tuple[Group, ...]:
        """The events that the command is called for."""
        return (*self.groups, *self.worktree_groups) if "--worktrees=" in command else self.groups

    def handler(self, command: str, group: Group) -> dict[str, object]:
        """The entry that calls the hook, and waits longer for it than its command lets it take."""
        seconds = LEAVING_SECONDS if group.event == "SessionEnd" else _seconds_in(command) + MARGIN_SECONDS
        if group in self.worktree_groups:
            seconds = WORKTREE_SECONDS + MARGIN_SECONDS
        made: dict[str, object] = {"type": "command", "command": command, "timeout": seconds * self.timeout_factor}
        if self.name == "gemini":
            made["name"] = "signalbox"
        if group.background:
            made["async"] = True
        return made

    def is_ours(self, handler: Mapping[str, object]) -> bool:
        """Whether an entry calls our hook for this client."""
        words = words_of(handler)
        if self.name not in words:
            return False
        before = words[: words.index(self.name)]
        by_name = len(before) >= 2 and before[-1] == "hook" and Path(before[-2]).stem == "signalbox"
        return by_name or (bool(before) and Path(before[-1]).parts[-3:] == ("signalbox", "hook", "__main__.py"))


def words_of(handler: Mapping[str, object]) -> list[str]:
    """The command of an entry, word by word; none where it is not written as a shell would read it."""
    args = handler.get("args")
    more = [str(one) for one in cast("list[object]", args)] if isinstance(args, list) else []
    try:
        return [*shlex.split(str(handler.get("command", ""))), *more]
    except ValueError:
        return []


def hook_command(client: str, options: Sequence[str], *, portable: bool) -> str:
    """How a client starts the hook.

    By the path of this installation's interpreter, isolated from what the project offers to import; portable: by the
    name of our program, as everybody has it on their path.
    """
    start = ["signalbox", "hook"] if portable else [sys.executable, "-I", "-S", str(_program())]
    words = [*start, client, *options]
    return shlex.join(words) if os.name == "posix" else " ".join(f'"{word}"' if " " in word else word for word in words)


def _seconds_in(command: str) -> int:
    """How long the hook may take, as its command says."""
    said = [word.partition("=")[2] for word in command.split() if word.startswith("--seconds=")]
    return int(said[-1]) if said and said[-1].isdigit() else SECONDS


def _program() -> Path:
    return Path(signalbox.hook.__file__).with_name("__main__.py")


_ENDS: Final = (Group("SubagentStart"), Group("SubagentStop"), Group("Stop"), Group("StopFailure"))

CLAUDE: Final = CodingClient(
    name="claude",
    title="Claude Code",
    folder=".claude",
    file="settings.json",
    home_variable="CLAUDE_CONFIG_DIR",
    project_variable="CLAUDE_PROJECT_DIR",
    edit_event="PreToolUse",
    groups=(
        Group("SessionStart"),
        Group("UserPromptSubmit", background=True),
        Group("PreToolUse", "Edit|MultiEdit|Write|NotebookEdit|Bash|PowerShell"),
        Group("PreToolUse", "mcp__signalbox__.*"),
        Group("PostToolUse", background=True),
        Group("PostToolUseFailure", background=True),
        *_ENDS,
        Group("TeammateIdle"),
        Group("TaskCreated", background=True),
        Group("TaskCompleted"),
        Group("PermissionRequest", background=True),
        Group("Elicitation", background=True),
        Group("PreCompact"),
        Group("FileChanged", background=True),
        Group("Notification", background=True),
        Group("SessionEnd"),
    ),
    worktree_groups=(Group("WorktreeCreate"), Group("WorktreeRemove")),
    # The latest of the events came with this one: TaskCreated.
    everything_since=(2, 1, 84),
)
CODEX: Final = CodingClient(
    name="codex",
    title="Codex CLI",
    folder=".codex",
    file="hooks.json",
    home_variable="CODEX_HOME",
    project_variable="",
    edit_event="PreToolUse",
    groups=(
        Group("SessionStart"),
        Group("UserPromptSubmit"),
        Group("PreToolUse", "apply_patch|Edit|Write|Bash|mcp__signalbox__.*"),
        Group("PermissionRequest"),
        Group("PostToolUse"),
        Group("PreCompact"),
        *_ENDS,
    ),
    # openai/codex issue 16732: up to 0.118 no hook was started for a patch; it has been since 0.136 at the latest.
    edits_since=(0, 119, 0),
    everything_since=(0, 136, 0),
)
GEMINI: Final = CodingClient(
    name="gemini",
    title="Gemini CLI",
    folder=".gemini",
    file="settings.json",
    home_variable="",
    project_variable="GEMINI_PROJECT_DIR",
    edit_event="BeforeTool",
    groups=(
        Group("SessionStart"),
        Group("BeforeAgent"),
        Group("BeforeTool", "write_file|replace|run_shell_command|mcp_+signalbox_.*"),
        Group("AfterTool"),
        Group("AfterAgent"),
        Group("PreCompress"),
        Group("Notification"),
        Group("SessionEnd"),
    ),
    timeout_factor=1_000,
    # Hooks are on by default from this one on.
    edits_since=(0, 26, 0),
    everything_since=(0, 26, 0),
)
CODING_CLIENTS: Final[Mapping[str, CodingClient]] = {one.name: one for one in (CLAUDE, CODEX, GEMINI)}
