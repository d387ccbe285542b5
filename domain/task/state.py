"""What a task is, as its decisions see it."""

from dataclasses import dataclass

from immutables import Map

from domain.kernel.ids import Instant, Token
from domain.kernel.work import Budget
from domain.task.commands import NOTHING_USED, Artifact, Outcome, Usage
from domain.task.events import TaskPlanned
from domain.task.terms import Bid, ReadyReason


@dataclass(frozen=True, slots=True)
class Absent:
    """No such task."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One assignment: who, fenced by what, since when."""

    number: int
    session: str
    incarnation: int
    token: Token
    at: Instant
    started_at: Instant | None = None
    """When it was acknowledged; None while the task is only assigned."""
    host: str = ""
    model: str = ""
    usage: Usage = NOTHING_USED
    """What its holder said that it spent so far."""
    stalls_at: Instant | None = None
    """When it ends unless it has said something new; None where it need not."""
    said: str = ""
    """Digest of what it said last."""
    extended_seconds: float = 0.0
    """By which its holder has prolonged its timeout."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Something is not yet met."""


@dataclass(frozen=True, slots=True)
class Ready:
    """May be claimed."""

    since: Instant


@dataclass(frozen=True, slots=True)
class Assigned:
    """Offered to a session, not yet acknowledged."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Running:
    """A session works on it."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits until an instant, then becomes ready for the reason given."""

    until: Instant
    then: ReadyReason


@dataclass(frozen=True, slots=True)
class Parked:
    """A person must look."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Between an attempt's end and what follows in the same decision."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Completed, failed or cancelled. Only a failed task may begin again."""

    outcome: Outcome
    token: Token | None = None
    """Token of the completing attempt, so that completing twice is a success."""
    leaving: Attempt | None = None
    """The attempt of a cancelled task that may still report and still holds its locks."""
    revoked_at: Instant | None = None
    """Until when it may."""
    summary: str = ""
    """What the completing attempt said, as ``output``; kept for the run that the task belongs to."""
    output: str = ""
    at: Instant | None = None
    """When; None where that was forgotten."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that failed, for whom to avoid and for who comes next."""

    session: str
    host: str
    model: str
    kind: str


@dataclass(frozen=True, slots=True)
class Part:
    """A task that is a part of this one."""

    settled: bool = False
    usage: Usage = NOTHING_USED
    """What it and its own parts spent until it settled last."""


Phase = Pending | Ready | Assigned | Running | Backoff | Parked | Ended | Settled


@dataclass(frozen=True, slots=True)
class Task:
    """A task that exists."""

    plan: TaskPlanned
    phase: Phase
    unmet: Map[str, bool]
    """Needs that are not satisfied: task id -> whether it settled in a way that is not accepted."""
    dependants: tuple[str, ...] = ()
    awaited_by: Map[str, str] = Map()
    """Runs that wait for how it ends, or have taken that for a fact, with their projects."""
    generation: int = 1
    attempts: int = 0
    """Attempts ever started."""
    begun: bool = False
    """Whether somebody has acknowledged an attempt of this generation."""
    consumed: int = 0
    """Attempts of this generation that count against the retry rule."""
    lost: int = 0
    """Attempts of this generation that ended as session_lost."""
    checkpoint: str | None = None
    handover: str = ""
    """Note of the latest holder that gave the task back."""
    failure: str = ""
    """Reason of the latest attempt that ended otherwise."""
    tried_by: tuple[str, ...] = ()
    """Sessions that tried, latest last, at most 16."""
    tokens: tuple[tuple[Token, str], ...] = ()
    """Tokens of the latest attempts with their sessions, at most 16: whose a late report is."""
    discarded: Map[str, bool] = Map()
    """Late reports already recorded: ``token/report``."""
    foreign: Map[str, str] = Map()
    """Project of each dependant that belongs to another one."""
    parts: Map[str, Part] = Map()
    """Tasks that are a part of this one; those that are not settled are among the unmet."""
    attention: Map[str, str] = Map()
    """Why it needs a person: topic -> reason."""
    settled_because: str = ""
    """The need for whose sake it was cancelled."""
    failed: tuple[Tried, ...] = ()
    """Attempts of this generation that failed, latest last, at most 16."""
    used_up: Map[str, int] = Map()
    """How many of this generation that count against the retry rule ended in which way."""
    artifacts: tuple[Artifact, ...] = ()
    """What attempts have left, latest last, at most 64."""
    budget: Budget = Budget()
    """What this generation may spend."""
    spent: Usage = NOTHING_USED
    """What the ended attempts of this generation spent."""
    spent_seconds: float = 0.0
    """How long they held the task, together."""
    used: Usage = NOTHING_USED
    """What all ended attempts of all generations spent."""
    reserved_for: str | None = None
    """Session that alone may claim it for a while."""
    reassigned: int = 0
    bids: Map[str, Bid] = Map()
    """What sessions offer to do it for while it is ready, by session."""
    erasure_asked_by: str = ""
    """Who wants its words erased; empty where nobody does."""
    erased: bool = False
    """Whether they are: nothing more is done with it."""


TaskState = Absent | Task
