"""Putting the guard into a repository and taking it out again; hooks that were there before go on working."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signalbox.client.errors import Refused
from signalbox.git_guard.git import Git
from signalbox.git_guard.hooks import HOOKS, Hook, Mode
from signalbox.hook.places import name_of

MARK: Final = "# Written by `signalbox git-guard install`; `signalbox git-guard uninstall` takes it away again."
KEPT: Final = ".before-signalbox"
"""Added to the name of a hook that was there before."""
SETTINGS: Final = ("project", "repository", "url", "data", "keyfile", "pushervariable")
_OPTIONS_SETTING: Final = "receive.advertisePushOptions"
_READING: Final = """lines=$(cat)
printf '%s\\n' "$lines" | {guard} "$@" || {failed}
if [ -x "$0{kept}" ]; then printf '%s\\n' "$lines" | "$0{kept}" "$@"; fi
"""
_SILENT: Final = """{guard} "$@" || {failed}
if [ -x "$0{kept}" ]; then exec "$0{kept}" "$@"; fi
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What was written, or taken away."""

    folder: Path
    """Where git looks for hooks."""
    hooks: tuple[Hook, ...]


def install(git: Git, mode: Mode, settings: Mapping[str, str | None]) -> Installed:
    """Write the hooks that fit the repository, and what they have to know. Doing it again replaces what it wrote.

    Raises Refused where this is no repository, or where its hooks are also those of others.
    """
    _own_hooks(git)
    folder, is_bare = hooks_folder(git), git.text("rev-parse", "--is-bare-repository") == "true"
    hooks: tuple[Hook, ...] = ("pre-receive",) if is_bare else ("pre-commit", "pre-push")
    folder.mkdir(parents=True, exist_ok=True)
    for name in SETTINGS:
        value = settings.get(name)
        if value:
            git.output("config", f"signalbox.{name}", value)
        elif git.setting(name) is not None:
            git.output("config", "--unset-all", f"signalbox.{name}")
    if is_bare and git.maybe("config", "--get", _OPTIONS_SETTING) is None:
        git.output("config", _OPTIONS_SETTING, "true")
        git.output("config", "signalbox.tookpushoptions", "true")
    for hook in hooks:
        _write(folder / hook, _script(hook, mode))
    return Installed(folder, hooks)


def uninstall(git: Git) -> Installed:
    """Take away what ``install`` wrote and put back what it had moved."""
    folder = hooks_folder(git)
    ours: tuple[Hook, ...] = tuple(hook for hook in HOOKS.values() if _is_ours(folder / hook))
    for hook in ours:
        file, kept = folder / hook, folder / f"{hook}{KEPT}"
        file.unlink()
        if kept.exists():
            kept.rename(file)
    for name in SETTINGS:
        if git.setting(name) is not None:
            git.output("config", "--unset-all", f"signalbox.{name}")
    if git.setting("tookpushoptions") is not None:
        git.output("config", "--unset-all", "signalbox.tookpushoptions")
        if git.maybe("config", "--get", _OPTIONS_SETTING) is not None:
            git.output("config", "--unset-all", _OPTIONS_SETTING)
    return Installed(folder, ours)


def installed(git: Git) -> Installed:
    """The hooks of ours that are in force."""
    folder = hooks_folder(git)
    return Installed(folder, tuple(hook for hook in HOOKS.values() if _is_ours(folder / hook)))


def _own_hooks(git: Git) -> None:
    """Raises Refused where hooks of all repositories would be written: those without a guard would stand still."""
    scope, _, folder = (git.maybe("config", "--show-scope", "--get", "core.hooksPath") or "").partition("\t")
    if scope in ("global", "system"):
        raise Refused(
            "hooks_of_all",
            f"core.hooksPath leads to {folder}, whose hooks run in every repository",
            'Run `git config core.hooksPath "$(git rev-parse --absolute-git-dir)/hooks"` in the main checkout for hooks'
            " of its own, and install again.",
        )


def hooks_folder(git: Git) -> Path:
    """Where git looks for hooks: of the whole repository, whatever worktree this is. Raises Refused."""
    found = git.text("rev-parse", "--path-format=absolute", "--git-path", "hooks")
    return Path(found)


def repository_name(git: Git) -> str:
    """What scopes are likely to call it, as the hook of agents does: by the folder that all its worktrees share."""
    common = os.path.realpath(git.text("rev-parse", "--path-format=absolute", "--git-common-dir"))
    return name_of(common)


def guard_words(hook: Hook, mode: Mode) -> list[str]:
    """How a hook starts the guard. Isolated: a repository's own folders and PYTHONPATH=. must not become the guard."""
    start = "from signalbox.git_guard.hooks import main; main()"
    return [sys.executable, "-I", "-c", start, hook, mode]


def mode_of(file: Path) -> Mode | None:
    """In which mode an installed hook asks; None where it is not one of ours."""
    if not _is_ours(file):
        return None
    written = file.read_text(encoding="utf-8", errors="replace")
    return "observe" if f" {file.name} observe " in written else "strict"


def _script(hook: Hook, mode: Mode) -> str:
    failed = "exit 1" if mode == "strict" else ":"
    words = shlex.join(guard_words(hook, mode))
    return f"#!/bin/sh\n{MARK}\n" + (_SILENT if hook == "pre-commit" else _READING).format(
        guard=words, failed=failed, kept=KEPT
    )


def _write(file: Path, script: str) -> None:
    if file.exists() and not _is_ours(file):
        kept = file.with_name(f"{file.name}{KEPT}")
        if kept.exists():
            raise Refused(
                "hook_in_the_way",
                f"both {file} and {kept} are hooks of somebody else",
                "Join the two, or remove the one that is not needed, and install again.",
            )
        file.rename(kept)
    fresh = file.with_name(f"{file.name}.signalbox-new")
    fresh.write_text(script, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(file)


def _is_ours(file: Path) -> bool:
    try:
        return MARK in file.read_text(encoding="utf-8", errors="replace").split("\n", 3)[:2]
    except OSError:
        return False
