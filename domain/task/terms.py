"""What a plan may say of a task beside its content: what proves it, what it may cost, when, and who should do it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.kernel.ids import Instant
from domain.kernel.message import Message
from domain.kernel.values import Requirement

EvidenceKind = Literal["commit", "test_report", "review", "artifact", "note"]
"""What a completion may have to carry; ``note`` is a sentence of whoever did the work."""
OnNeedFailed = Literal["block", "cancel", "proceed"]
"""What follows when a need can no longer be met: wait for a person, settle as cancelled, or begin all the same."""
Avoided = Literal["session", "host", "model"]
"""Whom a further attempt should avoid: the session that failed, or everything on its host or of its model."""
Topic = Literal["parked", "blocked", "overdue", "budget", "stranded"]
"""Why a task needs a person. ``stranded``: it settled because of a need that began anew since."""
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


class Evidence(Message):
    """A proof that a completion carries; what each kind has to say is told by ``flaw_of``."""

    kind: EvidenceKind
    ref: str = Field(default="", max_length=2_000)
    """Of a commit its hash, of a report or artifact where it is kept, of a review who gave it."""
    digest: str = Field(default="", max_length=200)
    verdict: Literal["", "passed", "failed", "approved", "rejected"] = ""
    """Of a test report ``passed`` or ``failed``, of a review ``approved`` or ``rejected``."""
    passed: int = Field(default=0, ge=0, le=10**9)
    """Tests of the report that passed."""
    failed: int = Field(default=0, ge=0, le=10**9)
    text: str = Field(default="", max_length=4_096)


class Bid(Message):
    """What a life of a session offers to do a task for."""

    incarnation: int
    cost_microdollars: int
    confidence_percent: int
    at: Instant


class Loser(Message):
    """A session that was weighed for the task and did not get it."""

    session: str
    score: int
    """As its winner's in ``Choice``."""
    reason: str


class Choice(Message):
    """Why a session got just this task: what ranked it, and what was passed over."""

    effective_priority: int
    """The priority with what waiting added."""
    path_length: int
    affinity: int
    """Areas of the task where the session had worked before."""
    ready: int
    """Tasks of the project that looked ready."""
    unmatched: int
    """Of these, those that require what the session lacks."""
    locked: int
    """Of these, better ranked ones whose locks were not free."""
    merit: int = 0
    """Sum of the weights of what the task wishes for and the session has."""
    score: int = 0
    """What the strategy weighed the session with, for this task; 0 where it took whoever asked."""
    sessions: int = 1
    """Sessions that were weighed, this one included."""
    losers: tuple[Loser, ...] = ()
    """Of the others that could have had it the best, at most 8."""
