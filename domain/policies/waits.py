"""A wait for an instant: whose it is, and what is asked once the instant has come."""

from typing import NamedTuple

from domain.kernel.ids import Instant
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
    derived: Derived
