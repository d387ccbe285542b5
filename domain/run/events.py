"""What happened to a run."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.flow import Concurrency
from domain.run.budget_events import RunBudget
from domain.run.child_events import ParentRun, Pin

Outcome = Literal["succeeded", "failed", "cancelled"]
Rollback = Literal["none", "complete", "partial"]
SkipReason = Literal[
    "condition_false", "inputs_skipped", "branch_not_taken", "operator", "exhausted", "rejected", "deadline", "empty"
]


class Consumed(Message):
    """An input with the generation in which it was taken: whoever took an older one than there is now is stale."""

    place: str
    generation: int


class RunQueued(Event):
    """The run exists. It holds all that decides its course: what is published later changes nothing for it."""

    TYPE: ClassVar[str] = "run.queued.v1"
    run: str
    """Its own id."""
    project: str
    """Id of the project it belongs to; any other project is told that there is no such run."""
    pipeline: str
    version: int
    digest: str
    """Of the definition."""
    engine_semantics: int
    """Number of the rules by which it is walked; a run keeps its own."""
    definition: Definition
    inputs: str
    """JSON text: an object."""
    labels: tuple[str, ...]
    priority: int
    idempotency_key: str
    correlation_key: str
    """What other projects find it by."""
    start_at: Instant
    """Not before."""
    by: str
    at: Instant
    parent: ParentRun | None = None
    """That began it; None where somebody did."""
    pins: tuple[Pin, ...] = ()
    """Of the pipelines that it may call."""
    deadline_seconds: float | None = None
    """That its parent gives it, from its start; of two deadlines the earlier counts."""
    forked_from: str = ""
    """Id of the run of which it took over what still holds; empty where it began by itself."""
    rolls_back: str = ""
    """Id of the run whose effects it takes back; empty for a run that goes forward."""
    concurrency: Concurrency | None = None
    """The key under which it has or waits for its turn, with nothing left to fill in; None where it needs none."""
    budget: RunBudget = RunBudget()
    """What it may spend, with all that is inside of it."""
    under_key: bool = False
    """Whether its words are kept under its key; those of runs from before there were keys for runs are not."""


class RunStarted(Event):
    """The roots are looked at from here on."""

    TYPE: ClassVar[str] = "run.started.v1"
    at: Instant


class RunPaused(Event):
    """Nothing new begins; what is under way may end and is recorded."""

    TYPE: ClassVar[str] = "run.paused.v1"
    reason: str
    by: str
    at: Instant


class RunResumed(Event):
    """It goes on where it was; what came due meanwhile is looked at, in the order of the definition."""

    TYPE: ClassVar[str] = "run.resumed.v1"
    by: str
    paused_seconds: float
    """By so much deadlines of gates, waits and the run move."""
    at: Instant
    deadline: Instant | None = None
    """Of the run from now on; None where it has none."""


class RunFailing(Event):
    """A phase failed that nothing accepts: what has not begun is not begun any more, but finalisers."""

    TYPE: ClassVar[str] = "run.failing.v1"
    because: str
    """Place of the phase."""
    at: Instant


class RunCancelRequested(Event):
    """Not wanted any more: what has not begun is settled as cancelled, what is under way is told."""

    TYPE: ClassVar[str] = "run.cancel_requested.v1"
    reason: str
    by: str
    grace_seconds: int
    at: Instant
    leaves_effects: bool = True
    """Whether a run that is held is told with it to leave what it did; otherwise it stays held, and asks."""


class RunSettled(Event):
    """Nothing of the run is open."""

    TYPE: ClassVar[str] = "run.settled.v1"
    outcome: Outcome
    rollback: Rollback
    because: tuple[str, ...]
    """Places of the phases that decided it; empty for a success."""
    at: Instant
    outputs: str = ""
    """JSON text: an object of what its definition says of a success; empty where it says nothing."""
    untold: tuple[str, ...] = ()
    """Outputs that could not be told, each with the reason."""


class JoinFired(Event):
    """The inputs of a phase are there; at most once in each of its generations."""

    TYPE: ClassVar[str] = "run.join_fired.v1"
    place: str
    generation: int
    satisfied_by: tuple[Consumed, ...]
    at: Instant


class ConditionEvaluated(Event):
    """Whether a phase is wanted was looked at, once in each of its generations."""

    TYPE: ClassVar[str] = "run.condition_evaluated.v1"
    place: str
    generation: int
    expression: str
    reads: tuple[Consumed, ...]
    result: Literal["true", "false", "error"]
    detail: str
    """Why it could not be told; empty where it could."""
    at: Instant


class PhaseReady(Event):
    """Its work may be given out."""

    TYPE: ClassVar[str] = "run.phase_ready.v1"
    place: str
    generation: int
    input: str
    """JSON text: an object of what its definition hands to the work, computed here, once."""
    reads: tuple[Consumed, ...]
    at: Instant


class PhaseOffered(Event):
    """Its task exists; from here on the task is the only machine of attempts, retries, timeouts and tokens."""

    TYPE: ClassVar[str] = "run.phase_offered.v1"
    place: str
    generation: int
    task: str
    at: Instant


class PhaseParked(Event):
    """A person must look: its work is out of tries, or the definition says what cannot be done."""

    TYPE: ClassVar[str] = "run.phase_parked.v1"
    place: str
    generation: int
    kind: Literal["task", "definition", "gate", "deadline", "run", "budget"]
    reason: str
    at: Instant


class PhaseReleased(Event):
    """It goes on with the plan that it had."""

    TYPE: ClassVar[str] = "run.phase_released.v1"
    place: str
    generation: int
    at: Instant


class PhaseDropped(Event):
    """What it feeds went on without it: it settles as soon as nobody works on it."""

    TYPE: ClassVar[str] = "run.phase_dropped.v1"
    place: str
    generation: int
    because: str
    at: Instant


class PhaseSkipped(Event):
    """Settled: not wanted."""

    TYPE: ClassVar[str] = "run.phase_skipped.v1"
    place: str
    generation: int
    reason: SkipReason
    detail: str
    arm: str
    """That is taken all the same: ``fallback`` of work that gave up; empty for none."""
    at: Instant


class PhaseBlocked(Event):
    """Settled: what it needs went wrong."""

    TYPE: ClassVar[str] = "run.phase_blocked.v1"
    place: str
    generation: int
    causes: tuple[str, ...]
    at: Instant


class PhaseSettled(Event):
    """Settled by its work, one way or the other."""

    TYPE: ClassVar[str] = "run.phase_settled.v1"
    place: str
    generation: int
    outcome: Outcome
    reason: str
    arm: str
    """That a branch or gate took; empty for none."""
    summary: str
    output: str
    """JSON text; empty where it has none."""
    by: str
    """Principal that resolved it by hand; empty where its work did."""
    at: Instant


class RunReworked(Event):
    """Phases are done anew; a run that had failed or was cancelled goes on."""

    TYPE: ClassVar[str] = "run.reworked.v1"
    phases: tuple[str, ...]
    """Keys of those that were named."""
    reason: str
    accepted_repeat: str
    """Why what may change the world is done once more; empty where nothing of that kind is."""
    by: str
    at: Instant
    gate: str = ""
    """Place of the gate that asked for it; empty where a person did."""
    deadline: Instant | None = None
    """Of a run that goes on although it had ended, from now on; None where it stays as it was."""


class PhaseInvalidated(Event):
    """What came of it does not count any more; a next generation begins."""

    TYPE: ClassVar[str] = "run.phase_invalidated.v1"
    place: str
    generation: int
    """That has ended."""
    because: str
    at: Instant
    changes: str = ""
    """What is to be done otherwise, in the words of whoever asked at a gate."""
    gone: tuple[str, ...] = ()
    """Places of its items, or of its iterations, that do not count any more either."""


class PhaseRetried(Event):
    """Its work is tried once more, in the same generation."""

    TYPE: ClassVar[str] = "run.phase_retried.v1"
    place: str
    generation: int
    at: Instant


class EffectRegistered(Event):
    """The world may be changed from here on: an entry of the ledger by which a run is undone."""

    TYPE: ClassVar[str] = "run.effect_registered.v1"
    place: str
    generation: int
    task: str
    """Or the run that does the work of the place."""
    at: Instant
