"""Coding clients as the hook sees them: a process for every event, in a folder, with the event on standard input."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.house.sources import ROOT
from tests.support.waiting import SECONDS_MAX

ISOLATED = (sys.executable, "-I", "-S", str(ROOT / "signalbox" / "hook" / "__main__.py"))


@dataclass(frozen=True)
class Said:
    """How one run of the hook ended."""

    code: int
    out: str
    err: str

    @property
    def output(self) -> dict[str, Any]:
        """What is specific to the hook in the JSON that the client gets."""
        told: dict[str, Any] = json.loads(self.out)["hookSpecificOutput"]
        return told


@dataclass(frozen=True)
class Agent:
    """One session of a client that works in a folder."""

    client: str
    session: str
    folder: Path
    cache: Path
    options: tuple[str, ...] = ()
    program: tuple[str, ...] = ISOLATED
    environment: Mapping[str, str] = field(default_factory=dict)

    def fire(self, event: str, **fields: Any) -> Said:
        """One event with the fields that clients send with all of them."""
        common = {"session_id": self.session, "transcript_path": "/t.jsonl", "cwd": str(self.folder)}
        return self.send(json.dumps({**common, "hook_event_name": event, **fields}))

    def send(self, text: str | bytes) -> Said:
        """One run with just this on standard input."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "CLAUDE_"))}
        environment = {**kept, "SIGNALBOX_HOOK_CACHE": str(self.cache), **self.environment}
        done = subprocess.run(
            [*self.program, self.client, *self.options],
            cwd=self.folder,
            env=environment,
            input=text.encode() if isinstance(text, str) else text,
            capture_output=True,
            timeout=SECONDS_MAX,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def edit(self, path: str, **fields: Any) -> Said:
        """The event before a file is written, as the client sends it."""
        match self.client:
            case "codex":
                patch = f"*** Begin Patch\n*** Update File: {path}\n@@\n-a\n+b\n*** End Patch\n"
                return self.fire("PreToolUse", tool_name="apply_patch", tool_input={"command": patch}, **fields)
            case "gemini":
                return self.fire("BeforeTool", tool_name="replace", tool_input={"file_path": path}, **fields)
            case _:
                absolute = str(self.folder / path)
                return self.fire("PreToolUse", tool_name="Edit", tool_input={"file_path": absolute}, **fields)

    def shell(self, line: str, **fields: Any) -> Said:
        """The event before a line of shell is run."""
        if self.client == "gemini":
            return self.fire("BeforeTool", tool_name="run_shell_command", tool_input={"command": line}, **fields)
        return self.fire("PreToolUse", tool_name="Bash", tool_input={"command": line}, **fields)


def repository(folder: Path) -> Path:
    """A git repository with one file that is committed."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.py").write_text("a\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git without any settings of whoever runs the tests."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@example.org",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@example.org",
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
