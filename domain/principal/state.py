"""What an API key is, as its decisions see it."""

from dataclasses import dataclass

from domain.principal.events import KeyIssued


@dataclass(frozen=True, slots=True)
class Absent:
    """No such key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was issued."""

    issued: KeyIssued
    revoked: bool = False


KeyState = Absent | Key
