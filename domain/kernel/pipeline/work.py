"""What a phase lets somebody do: the task that it creates, what comes out, and how its effect is taken back."""

from typing import Literal

from pydantic import Field

from domain.kernel.message import Message
from domain.kernel.pipeline.words import Binding, Duration, ValueField
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import Avoided, Budget, Escalation, EvidenceKind, Label, RetryPace

OnExhausted = Literal["fail", "park", "skip", "fallback"]
"""What follows when the attempts are used up. ``fallback``: the phase is skipped and its arm ``fallback`` is taken."""
FALLBACK = "fallback"
"""The arm of a phase that gave up and left its work to another phase."""
SideEffect = Literal["pure", "idempotent", "effectful"]
"""What doing it once more changes: it only reads, it leaves the same world, it leaves another world."""


class TaskSpec(Message):
    """The task that is created; the fields are those of a planned task, under the same names.

    In ``title``, ``body``, ``scope`` (of claims), ``labels`` and ``concurrency_key`` the text ``${name}`` stands for
    the input of that name, see ``texts``. ``run`` is taken as it is: the inputs are in its environment.
    """

    title: str = Field(min_length=1, max_length=300)
    body: str = Field(default="", max_length=65_536)
    kind: str = Field(default="code", min_length=1, max_length=60)
    priority: int = Field(default=0, ge=-100, le=100)
    scope: tuple[ScopeClaim, ...] = Field(default=(), max_length=64)
    requires: tuple[Requirement, ...] = Field(default=(), max_length=64)
    retry: RetryPace = RetryPace()
    max_lost: int = Field(default=3, ge=1, le=100)
    """Sessions that may be lost over the task; with the last of them it is parked."""
    timeout_seconds: float | None = Field(default=None, gt=0, le=7 * 86_400)
    """Of one attempt, from start to close."""
    stall_seconds: float | None = Field(default=None, gt=0, le=7 * 86_400)
    """Within which an attempt has to report something new."""
    extend_seconds_max: float | None = Field(default=None, gt=0, le=7 * 86_400)
    """By how much the holder of an attempt may prolong its timeout."""
    run: str | None = Field(default=None, max_length=8_192)
    evidence: tuple[EvidenceKind, ...] = Field(default=(), max_length=16)
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
    budget: Budget = Budget()
    concurrency_key: str = Field(default="", max_length=200)
    concurrency_limit: int = Field(default=1, ge=1, le=10_000)
    escalate: tuple[Escalation, ...] = Field(default=(), max_length=16)
    avoid: tuple[Avoided, ...] = Field(default=(), max_length=3)


class Undo(Message):
    """How an effect is taken back. The task gets inputs, output and checkpoint of what it undoes."""

    task: TaskSpec
    when: Literal["started", "succeeded"] = "started"
    """From when on there is something to take back: once it may have begun, or only once it has succeeded."""
    close_within_seconds: Duration | None = None
    """Of all attempts together, from when it is due."""


class Work(Message):
    """One piece of work: its task with everything that belongs to the effect of it."""

    kind: Literal["work"] = "work"
    task: TaskSpec
    inputs: tuple[Binding, ...] = Field(default=(), max_length=64)
    """Computed once per generation, when the phase begins; handed to the task."""
    outputs: tuple[ValueField, ...] = Field(default=(), max_length=64)
    """What a completion says; one that lacks a required field, or says it in another type, is an invalid result."""
    effect: SideEffect = "effectful"
    undo: Undo | None = None
    start_within_seconds: Duration | None = None
    """From ready until somebody has begun; None waits for ever."""
    on_start_late: Literal["park", "fail", "extend"] = "park"
    """``extend`` asks for a person and waits as long again."""
    close_within_seconds: Duration | None = None
    """From ready until the last attempt has ended; None is without bound."""
    on_exhausted: OnExhausted = "fail"
