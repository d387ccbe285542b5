"""What a worker is told when it starts."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from signalbox.worktrees import Worktrees

Capability = bool | int | float | str
CLAIM_WAIT_SECONDS: Final = 20.0
"""How long one claim waits at the server."""
CLAIM_WAIT_SECONDS_UNTIL_IDLE: Final = 2.0
"""The same where the worker also has to notice that everything is done."""
_NUMBER: Final = re.compile(r"[+-]?(\d+)(\.\d+)?([eE][+-]?\d+)?")


class BadCapabilityError(ValueError):
    """A capability that is not written ``key=value``."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """One worker of one project."""

    project: str
    command: str | None
    """Run by the shell for every task that brings no ``run`` of its own; None takes only what such tasks say."""
    name: str = ""
    host: str = ""
    tool: str = "shell"
    model: str = ""
    role: str = ""
    worktree: str = ""
    parent: str | None = None
    """Id of the session above it."""
    credential_pool: str | None = None
    capacity: int = 1
    capabilities: Mapping[str, Capability] = field(default_factory=dict[str, Capability])
    ttl_seconds: int = 60
    until_idle: bool = False
    worktrees: Worktrees | None = None
    """Where each attempt gets a worktree of its own; None runs all in the worker's folder."""
    push: bool = False
    """Wait for work that the server gives, instead of asking for it."""
    grace_seconds: float = 30.0
    """How long running work may go on after SIGTERM."""
    term_seconds: float = 5.0
    """Between SIGTERM and SIGKILL of work that has to stop."""
    start_patience_seconds: float = 15.0
    """How long the server may be absent when the worker starts."""

    @property
    def claim_wait_seconds(self) -> float:
        """How long one claim waits for work."""
        return CLAIM_WAIT_SECONDS_UNTIL_IDLE if self.until_idle else CLAIM_WAIT_SECONDS

    @property
    def margin_seconds(self) -> float:
        """The work stops so long before the lease can have run out at the server."""
        return min(self.ttl_seconds / 4, max(1.0, self.ttl_seconds / 10) + self.term_seconds)


def capabilities_of(pairs: Iterable[str]) -> dict[str, Capability]:
    """``key=value`` pairs: true and false, numbers, everything else as text (quotes keep a number text).

    Raises BadCapabilityError.
    """
    found: dict[str, Capability] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise BadCapabilityError(f"{pair!r} is not key=value")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Capability:
    if text in ("true", "false"):
        return text == "true"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if _NUMBER.fullmatch(text) is None:
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else number
