"""A whole definition: inputs, phases of all kinds, and what holds for the run."""

from typing import Annotated, Literal

from pydantic import Field

from domain.kernel.message import Message
from domain.kernel.pipeline.flow import Arm, Call, Concurrency, Edge, External, Join, Map, Signal, Timer
from domain.kernel.pipeline.gate import Gate
from domain.kernel.pipeline.words import Binding, Duration, Expression, PhaseKey, PipelineName, ValueField, Word
from domain.kernel.pipeline.work import OnExhausted, Work
from domain.kernel.work import Budget, Label

PHASES_MAX = 500
"""Phases of one definition, those inside of loops included."""


class Phase(Message):
    """What every phase says, whatever its kind."""

    key: PhaseKey
    title: str = Field(default="", max_length=300)
    needs: tuple[Edge, ...] = Field(default=(), max_length=PHASES_MAX)
    """What comes before it; without any it is a root."""
    join: Join = Join()
    when: Expression | None = None
    """Evaluated once per generation when the join fires; false skips the phase."""
    optional: bool = False
    """Whether the run may succeed although this phase failed or was cancelled."""


class WorkPhase(Phase):
    """Creates one task."""

    kind: Literal["work"] = "work"
    work: Work
    point_of_no_return: bool = False
    """Once it has succeeded, nothing before it is undone by itself."""


class GatePhase(Phase):
    """Waits for a decision; holds no worker and no locks."""

    kind: Literal["gate"] = "gate"
    gate: Gate
    point_of_no_return: bool = False


class WaitPhase(Phase):
    """Waits for time to pass, or for a signal."""

    kind: Literal["wait"] = "wait"
    wait: Annotated[Timer | Signal, Field(discriminator="kind")]


class BranchPhase(Phase):
    """Takes the first arm that is true; edges name the arm that they follow."""

    kind: Literal["branch"] = "branch"
    arms: tuple[Arm, ...] = Field(min_length=1, max_length=64)
    default: Word | None = None
    """The arm that is taken where none is true."""
    exhaustive: bool = False
    """Says that one is always true, so that there is no default; should none be, the phase is parked."""


class MapPhase(Phase):
    """Does the same for each item."""

    kind: Literal["map"] = "map"
    map: Map
    point_of_no_return: bool = False


class PipelinePhase(Phase):
    """Runs another definition."""

    kind: Literal["pipeline"] = "pipeline"
    call: Call
    point_of_no_return: bool = False
    on_exhausted: OnExhausted = "fail"
    """What follows when the other run has failed; one that was cancelled is never taken for failed."""


class ExternalPhase(Phase):
    """Waits for a fact of another project."""

    kind: Literal["external"] = "external"
    external: External


class JoinPhase(Phase):
    """Does nothing but join."""

    kind: Literal["join"] = "join"


InnerPhase = Annotated[
    WorkPhase | GatePhase | WaitPhase | BranchPhase | MapPhase | PipelinePhase | ExternalPhase | JoinPhase,
    Field(discriminator="kind"),
]
"""What may stand inside of a loop: all but another loop, which is written as a pipeline of its own."""


class RepeatPhase(Phase):
    """Runs its phases again and again until a condition holds; each time is a scope of its own."""

    kind: Literal["repeat"] = "repeat"
    phases: tuple[InnerPhase, ...] = Field(min_length=1, max_length=100)
    """Their edges stay among themselves; roots begin with the iteration."""
    until: Expression
    """Evaluated when an iteration has settled; it speaks of its phases, and of ``iteration``, from 1."""
    max_iterations: int = Field(ge=1, le=1_000)
    budget: Budget = Budget()
    """Of all iterations together."""
    outputs: tuple[Binding, ...] = Field(default=(), max_length=64)
    """Computed from the last iteration."""
    on_exhausted: OnExhausted = "fail"
    """What follows when the condition does not hold after the last iteration, or an iteration has failed."""


AnyPhase = Annotated[
    WorkPhase
    | GatePhase
    | WaitPhase
    | BranchPhase
    | MapPhase
    | PipelinePhase
    | ExternalPhase
    | JoinPhase
    | RepeatPhase,
    Field(discriminator="kind"),
]


class Definition(Message):
    """A pipeline as data: sound only together with ``checks``, which know what belongs together."""

    name: PipelineName
    title: str = Field(default="", max_length=300)
    description: str = Field(default="", max_length=65_536)
    inputs: tuple[ValueField, ...] = Field(default=(), max_length=64)
    phases: tuple[AnyPhase, ...] = Field(min_length=1, max_length=PHASES_MAX)
    """In the order in which they are considered when several could begin."""
    outputs: tuple[Binding, ...] = Field(default=(), max_length=64)
    """What the run says when it has succeeded: to its parent, and to other projects."""
    failure: Literal["fail_fast", "continue"] = "fail_fast"
    """Whether a failure that no edge accepts ends what has not begun; ``continue`` runs independent branches on."""
    live_attempts: Literal["drain", "cancel"] = "drain"
    """What becomes of work under way when the run fails fast."""
    on_failure: Literal["nothing", "compensate"] = "nothing"
    on_cancel: Literal["nothing", "compensate"] = "nothing"
    undo_parallel: bool = False
    """Whether effects may be taken back at once where neither has used the other."""
    best_effort: bool = False
    """Whether taking back goes on behind an undo that has failed; otherwise it halts and asks for a person."""
    undo_ttl_seconds: Duration | None = None
    """How long after its success a nested run can still be undone; None is for ever."""
    deadline_seconds: Duration | None = None
    """Of the run, from when it may start, its wait for a turn included; pauses are not counted."""
    budget: Budget = Budget()
    """Of a run with all that is inside of it; what would go beyond is parked."""
    budget_soft: Budget = Budget()
    """From which on a person is told; nothing is kept back."""
    concurrency: Concurrency | None = None
    """How many runs there may be at a time. ``${name}`` in the key stands for the run's input of that name."""
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
