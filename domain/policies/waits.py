"""A wait for an instant: whose it is, and what is asked once the instant has come."""

from collections.abc import Callable
from typing import NamedTuple

from domain.kernel.ids import Instant
from domain.kernel.message import Command
from domain.kernel.policy import Cause, Derived


class Subject(NamedTuple):
    """One policy's interest in one thing; at most one wait runs for it, a later start replaces it."""

    policy: str
    thing: str
    """The task's stream, or the lock space's with the token or the request."""


class Wait(NamedTuple):
    """A command to ask once an instant has come."""

    subject: Subject
    at: Instant
    cause: Cause
    ask: Callable[[], Command]
    """Makes the command: most waits end before their instant, and nobody ever looks at what they would have asked."""

    @property
    def derived(self) -> Derived:
        """The command with its target."""
        return Derived(self.ask(), self.cause.stream, self.cause.project)
