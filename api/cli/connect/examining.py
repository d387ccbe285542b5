"""Examining one client: is it there, is our hook in its settings, may it run, and is an edit really refused."""

import os
import re
import shlex
import shutil
import subprocess
from enum import Enum
from pathlib import Path
from typing import Final

from api.cli.connect.clients import CodingClient, Scope, Version, words_of
from api.cli.connect.finding import Finding
from api.cli.connect.settings_file import Data, data_of, handlers_in
from api.cli.connect.trial import tried
from api.cli.connect.trust import trust_findings
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused, SignalboxError

VERSION_SECONDS_MAX: Final = 20
_VERSION: Final = re.compile(r"(?<![\d.])(\d+)\.(\d+)\.(\d+)")
_SCOPES: Final[tuple[Scope, ...]] = ("project", "user")


class State(Enum):
    """What a client's hooks amount to."""

    ENFORCED = "enforced"
    OBSERVED = "observed only"
    BROKEN = "broken"
    ABSENT = "not connected"


def examined(client: CodingClient, root: Path, terminal: Terminal) -> tuple[State, list[Finding]]:
    """The state of a client in a folder, and what it follows from; never raises for what is wrong there."""
    environment = dict(os.environ)
    found = [_version(client)]
    commands: list[tuple[Path, str]] = []
    for scope in _SCOPES:
        file = client.settings(scope, root, environment)
        try:
            data = data_of(file.read_text(encoding="utf-8") if file.exists() else None, str(file))
        except (Refused, OSError, ValueError) as error:
            return State.BROKEN, [*found, Finding(False, f"{file} cannot be read: {error}", "mend it by hand")]
        ours = [one for one in handlers_in(data, client.edit_event) if client.is_ours(one)]
        if ours:
            commands.append((file, " ".join(map(_quoted, words_of(ours[0])))))
            found += _complete(client, file, data)
    if not commands:
        mend = f"signalbox connect {client.name}"
        return State.ABSENT, [*found, Finding(None, "our hook is in none of its settings", mend)]
    found += trust_findings(client, root, [file for file, _ in commands], environment)
    states: list[State] = []
    for file, line in commands:
        state, finding = _tried(client, root, line, terminal)
        found.append(Finding(finding.good, f"{file}: {finding.words}", finding.mend))
        states.append(state)
    if State.ENFORCED in states and not any(one.good is False for one in found):
        return State.ENFORCED, found
    broken = any(one.good is False for one in found)
    return (State.BROKEN if broken else State.OBSERVED), found


def _tried(client: CodingClient, root: Path, line: str, terminal: Terminal) -> tuple[State, Finding]:
    """A real edit of a file that somebody else has locked, and of the same file once it is free."""
    try:
        trial = tried(client, root, line, terminal)
    except SignalboxError as error:
        return State.BROKEN, Finding(False, f"it cannot be tried out: {error.message}", error.next)
    except (OSError, subprocess.TimeoutExpired) as error:
        mend = f"signalbox connect {client.name}"
        return State.BROKEN, Finding(False, f"the hook cannot be run: {error}", mend)
    if trial.refused:
        if trial.let_through:
            words = "a locked file was refused, a free one was not"
            return State.ENFORCED, Finding(True, f"{words}, in {trial.milliseconds} ms")
        words = f"a free file was refused, too: {trial.said}"
        return State.BROKEN, Finding(False, words, "see that the hook finds the server and the project")
    if trial.observing:
        mend = f"signalbox connect {client.name}, without --observe"
        return State.OBSERVED, Finding(None, "a locked file was told and not refused", mend)
    words = f"a locked file was not refused (exit code {trial.code}): {trial.said or 'nothing was said'}"
    return State.BROKEN, Finding(
        False, words, f"signalbox connect {client.name}, in the folder of the server's project"
    )


def _version(client: CodingClient) -> Finding:
    program = shutil.which(client.name)
    if program is None:
        return Finding(None, f"`{client.name}` is not on the path: only its settings are looked at")
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=VERSION_SECONDS_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(None, f"{program} does not tell its version: {error}")
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    return version_finding(client, program, lines[0][:100] if lines else "no version")


def version_finding(client: CodingClient, program: str, said: str) -> Finding:
    """Whether the client is new enough for what we ask of it, as far as it tells."""
    found = _VERSION.search(said)
    told, mend = f"{program}: {said}", f"update {client.title}"
    if found is None:
        return Finding(None, told)
    version = tuple(map(int, found.groups()))
    if version < client.edits_since:
        words = f"before {_dotted(client.edits_since)} it starts no hook for edits unless told to, or none at all"
        return Finding(False, f"{told}; {words}", mend)
    if version < client.everything_since:
        return Finding(
            None, f"{told}; before {_dotted(client.everything_since)} it does not know all we listen to", mend
        )
    return Finding(True, told)


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def _complete(client: CodingClient, file: Path, data: Data) -> list[Finding]:
    """Every event that we need has our entry, and every entry waits long enough."""
    missing = sorted(
        {group.event for group in client.groups}
        - {group.event for group in client.groups if any(map(client.is_ours, handlers_in(data, group.event)))}
    )
    mend = f"signalbox connect {client.name}"
    if missing:
        return [Finding(False, f"{file} has no entry of ours for {', '.join(missing)}", mend)]
    return [Finding(True, f"{file} has our entry for every event")]


def _quoted(word: str) -> str:
    return shlex.quote(word) if os.name == "posix" else (f'"{word}"' if " " in word else word)
