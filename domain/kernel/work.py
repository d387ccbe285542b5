"""What any work may say of how it is done: what proves it, what it may cost, how often it is tried, who does it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import Message
from domain.kernel.values import Requirement

EvidenceKind = Literal["commit", "test_report", "review", "artifact", "note"]
"""What a completion may have to carry; ``note`` is a sentence of whoever did the work."""
Avoided = Literal["session", "host", "model"]
"""Whom a further attempt should avoid: the session that failed, or everything on its host or of its model."""
Jitter = Literal["full", "equal", "none"]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Budget(Message):
    """What all attempts of one generation may spend together; None is without bound."""

    tokens: int | None = Field(default=None, ge=1, le=10**15)
    """Input and output tokens."""
    cost_microdollars: int | None = Field(default=None, ge=1, le=10**15)
    wall_seconds: float | None = Field(default=None, gt=0, le=30 * 86_400)
    """Sum of the attempts' times from assignment to end."""


class Escalation(Message):
    """What a session must have on top once a task has used up attempts."""

    after: int = Field(ge=1, le=100)
    """Attempts of the generation that count against the retry rule."""
    requires: tuple[Requirement, ...] = Field(min_length=1, max_length=16)


class KindPace(Message):
    """What holds otherwise for attempts that failed in one way."""

    kind: Literal["timeout", "agent", "invalid_result", "rate_limited"]
    max_attempts: int | None = Field(default=None, ge=1, le=16)
    """That may fail so; ``rate_limited`` uses up none."""
    backoff_seconds_first: float | None = Field(default=None, ge=0, le=86_400)
    backoff_seconds_max: float | None = Field(default=None, ge=0, le=86_400)


class RetryPace(Message):
    """How often and after what pause a failed attempt is repeated: up to ``first x factor^n``, capped."""

    max_attempts: int = Field(default=3, ge=1, le=100)
    backoff_seconds_first: float = Field(default=5.0, ge=0, le=86_400)
    backoff_factor: float = Field(default=2.0, ge=1, le=10)
    backoff_seconds_max: float = Field(default=300.0, ge=0, le=86_400)
    jitter: Jitter = "full"
    """Anywhere between now and then, in its second half, or just then."""
    kinds: tuple[KindPace, ...] = Field(default=(), max_length=4)
    """What is otherwise for some failures; the first of a kind counts."""


class RetryRule(RetryPace):
    """The same, what follows when a task has used up its attempts, and what is no attempt of its own."""

    on_exhausted: Literal["fail", "park", "cancel"] = "fail"
    max_lost: int = Field(default=3, ge=1, le=100)
    """Sessions that may be lost over the task in one generation; with the last of them it is parked."""
