"""What a plan may say of a task beside its content: what proves it, what it may cost, when, and who should do it."""

from typing import Literal

from pydantic import Field

from domain.kernel.ids import Instant
from domain.kernel.message import Message
from domain.kernel.work import EvidenceKind

OnNeedFailed = Literal["block", "cancel", "proceed"]
"""What follows when a need can no longer be met: wait for a person, settle as cancelled, or begin all the same."""
Topic = Literal["parked", "blocked", "overdue", "budget", "stranded", "unclaimed"]
"""Why a task needs a person. ``stranded``: it settled because of a need that began anew since. ``unclaimed``: nobody
has come for it although its run waits."""
ReadyReason = Literal[
    "planned",
    "needs_met",
    "retry_due",
    "released",
    "lock_delay_over",
    "retried",
    "lost_delivery",
    "start_reached",
    "parts_settled",
    "reassigned",
    "resumed",
]


class Origin(Message):
    """The phase of a run whose work a task is; such a task is made, held and told of by its run."""

    run: str
    place: str
    """Of the phase in its run: its key, and where it stands in a map or a loop."""
    generation: int
    purpose: Literal["work", "undo"] = "work"
    changes: str = ""
    """What a gate asked to be done otherwise; empty where none did."""
    keeps_locks_seconds: float | None = None
    """How long its locks stay shut at most once it is done, for a gate that judges it; None where none keeps them."""


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
