"""What may be asked of runs."""

from typing import ClassVar, Literal

from pydantic import Field

from domain.kernel.ids import Instant
from domain.kernel.message import COUNT_MAX, Message, ProjectCommand
from domain.kernel.pipeline.flow import Concurrency
from domain.kernel.pipeline.words import SignalName, Word
from domain.kernel.text import JsonText, Reference
from domain.kernel.work import Budget, Label
from domain.run.gate_events import TimerKind, VoteWord

GRACE_SECONDS = 30
GRACE_SECONDS_MAX = 3_600


class StartRun(ProjectCommand):
    """Begin a run of a published pipeline. The same idempotency key again answers the run that it began."""

    NAME: ClassVar[str] = "start_run"
    pipeline: Reference
    version: int | None = Field(default=None, ge=1, le=COUNT_MAX)
    """None is the latest that is published."""
    inputs: JsonText = ""
    """A JSON object; empty is one without fields."""
    idempotency_key: str = Field(default="", max_length=200)
    correlation_key: str = Field(default="", max_length=200)
    """What other projects find it by."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Added to that of every task."""
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
    start_at: Instant | None = Field(default=None, ge=0, le=2**53)
    """Microseconds since 1970; not before."""
    concurrency: Concurrency | None = None
    """How many runs with its key there may be at a time; only where the definition says nothing of that."""
    budget: Budget = Budget()
    """What it may spend; where the definition says so, too, the smaller bound counts."""


class RunVerb(ProjectCommand):
    """Something asked of a run that exists."""

    run: Reference
    expected_revision: int | None = Field(default=None, ge=1, le=COUNT_MAX)
    """Refused where the run is at another one; None asks in any case."""
    dry_run: bool = False
    """Only tell what would happen, or why it would be refused; nothing is done."""


class PauseRun(RunVerb):
    """Begin nothing new; live attempts may finish. A paused run stays as it is."""

    NAME: ClassVar[str] = "pause_run"
    reason: str = Field(default="", max_length=500)


class ResumeRun(RunVerb):
    """Go on. A run that is not paused stays as it is."""

    NAME: ClassVar[str] = "resume_run"


class CancelRun(RunVerb):
    """Settle a run as cancelled; live attempts are told, and lose their tokens after a grace."""

    NAME: ClassVar[str] = "cancel_run"
    reason: str = Field(default="", max_length=500)
    grace_seconds: int = Field(default=GRACE_SECONDS, ge=0, le=GRACE_SECONDS_MAX)


class SkipPhase(RunVerb):
    """Settle a phase that has not settled as skipped, so that what follows takes it for not wanted."""

    NAME: ClassVar[str] = "skip_phase"
    phase: Reference
    reason: str = Field(min_length=1, max_length=500)


class ResolvePhase(RunVerb):
    """Settle a parked phase by hand."""

    NAME: ClassVar[str] = "resolve_phase"
    phase: Reference
    outcome: Literal["succeeded", "failed"]
    output: JsonText = ""
    reason: str = Field(min_length=1, max_length=500)


class RetryPhase(RunVerb):
    """Try a parked phase, or failed work, once more in the same generation."""

    NAME: ClassVar[str] = "retry_phase"
    phase: Reference
    reason: str = Field(default="", max_length=500)


class ReworkPhases(RunVerb):
    """Do phases anew, even such that succeeded, and all that took from them; the rest of the run is kept."""

    NAME: ClassVar[str] = "rework_phases"
    phases: tuple[Word, ...] = Field(min_length=1, max_length=500)
    reason: str = Field(min_length=1, max_length=500)
    accept_repeat: str = Field(default="", max_length=500)
    """Why work that may have changed the world may do so once more; without, such a rework is refused."""
    undo: bool = False
    """Take back first what they did, the latest first: what has an undo needs no ``accept_repeat`` then."""


class ForkRun(RunVerb):
    """Begin a run that takes over what still holds of another one, and does the rest anew; that one stays as it is."""

    NAME: ClassVar[str] = "fork_run"
    phases: tuple[Word, ...] = Field(default=(), max_length=500)
    """Done anew in any case, with all that took from them."""
    version: int | None = Field(default=None, ge=1, le=COUNT_MAX)
    """Of the same pipeline; None is the one that the other run keeps to."""
    inputs: JsonText = ""
    """A JSON object of inputs that are others."""


class PhaseMapping(Message):
    """A phase of a run that has another key in another version."""

    before: Word
    after: Word


class AcceptDrift(Message):
    """A settled phase that is to count although the version has it otherwise, or not at all."""

    phase: Word
    reason: str = Field(min_length=1, max_length=500)


class MigrateRun(RunVerb):
    """Go on by another version of the same pipeline; what has settled stays, and so does what can be taken back.

    The run has to be paused, and nobody at work for it.
    """

    NAME: ClassVar[str] = "migrate_run"
    version: int | None = Field(default=None, ge=1, le=COUNT_MAX)
    """None is the latest that is published."""
    reason: str = Field(min_length=1, max_length=500)
    mapping: tuple[PhaseMapping, ...] = Field(default=(), max_length=500)
    """Of settled phases that have another key there; the same key is the same phase."""
    accept_drift: tuple[AcceptDrift, ...] = Field(default=(), max_length=500)
    """Settled phases that are others there, or not there; without, such a migration is refused."""
    skip: tuple[Word, ...] = Field(default=(), max_length=500)
    """Phases that are skipped: new ones before what has settled would otherwise be refused."""


class RollbackRun(RunVerb):
    """End what is under way, take back all effects, the latest first, and settle the run as cancelled."""

    NAME: ClassVar[str] = "rollback_run"
    reason: str = Field(min_length=1, max_length=500)
    grace_seconds: int = Field(default=GRACE_SECONDS, ge=0, le=GRACE_SECONDS_MAX)
    force: bool = False
    """Also behind a point of no return."""


class ResolveUndo(RunVerb):
    """Decide about an undo that failed: try once more, say that it is done, or leave it."""

    NAME: ClassVar[str] = "resolve_undo"
    phase: Reference
    how: Literal["retry", "done", "skip"]
    reason: str = Field(min_length=1, max_length=500)


class CastVote(RunVerb):
    """Vote at an open gate. A further vote of the same principal takes the place of the one before."""

    NAME: ClassVar[str] = "cast_vote"
    phase: Reference
    verdict: VoteWord
    comment: str = Field(default="", max_length=4_096)
    evidence: str = Field(default="", max_length=200)
    """Digest of what was looked at; refused where the evidence is another by now. Empty for whatever there is."""
    session: Reference | None = None
    """Of the agent that votes; None for a person."""
    incarnation: int = Field(default=1, ge=1, le=COUNT_MAX)


class OverrideGate(RunVerb):
    """Decide a gate past its quorum; it is shown as an override for ever."""

    NAME: ClassVar[str] = "override_gate"
    phase: Reference
    decision: Literal["approved", "rejected"]
    reason: str = Field(min_length=1, max_length=4_096)


class ReviseEvidence(RunVerb):
    """Say that a piece of an open gate's evidence is another now: the votes are void, and counting begins anew."""

    NAME: ClassVar[str] = "revise_evidence"
    phase: Reference
    name: Word
    value: JsonText


class SendSignal(RunVerb):
    """Send the run a signal; a phase that waits for it goes on, or the first that will."""

    NAME: ClassVar[str] = "send_signal"
    name: SignalName
    content: JsonText = ""
    """A JSON object; empty is one without fields."""


class FireTimer(ProjectCommand):
    """What a phase waits for is due (derived)."""

    NAME: ClassVar[str] = "fire_timer"
    run: str
    place: str
    generation: int
    kind: TimerKind


class TellRun(ProjectCommand):
    """Something happened to a task of the run (derived by the policy tell_run)."""

    NAME: ClassVar[str] = "tell_run"
    run: str
    task: str


class BeginChild(ProjectCommand):
    """A phase is done by a run of its own: begin that (derived by the policy begin_children)."""

    NAME: ClassVar[str] = "begin_child"
    run: str
    place: str
    generation: int


class FollowParent(ProjectCommand):
    """Something happened to the parent of the run (derived by the policy steer_children)."""

    NAME: ClassVar[str] = "follow_parent"
    run: str


class TellParent(ProjectCommand):
    """Something happened to a run that this one began (derived by the policy tell_parent)."""

    NAME: ClassVar[str] = "tell_parent"
    run: str
    child: str


class TakeBackChild(ProjectCommand):
    """What a run of a phase has done is taken back by another run (derived by the policy take_back_children)."""

    NAME: ClassVar[str] = "take_back_child"
    run: str
    place: str
    generation: int


class PassRunDeadline(ProjectCommand):
    """The time of a run is over (derived)."""

    NAME: ClassVar[str] = "pass_run_deadline"
    run: str


class TellNeed(ProjectCommand):
    """Something happened to a fact that the run waits for, or has taken (derived by the policy tell_needs)."""

    NAME: ClassVar[str] = "tell_need"
    run: str
    source: str
    """Id of the other run, or of the topic."""
    owner: str
    """Id of the project that it belongs to."""


class ReachRunStart(ProjectCommand):
    """The earliest start of a run has come (derived)."""

    NAME: ClassVar[str] = "reach_run_start"
    run: str
