"""How phases follow each other: edges, joins, branches, loops, and what is awaited from elsewhere."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import Message
from domain.kernel.pipeline.words import (
    Binding,
    Duration,
    Expression,
    PhaseKey,
    PipelineName,
    SignalName,
    ValueField,
    Word,
)
from domain.kernel.pipeline.work import OnExhausted, Work
from domain.kernel.text import Reference
from domain.kernel.values import ConcurrencyKey, Scalar
from domain.kernel.work import Budget

PhaseOutcome = Literal["succeeded", "failed", "skipped", "blocked", "cancelled"]
JoinRule = Literal["all", "every", "any", "at_least", "settled"]
ITEMS_MAX = 10_000
DEPTH_MAX = 8
"""Runs inside each other."""


class Concurrency(ConcurrencyKey):
    """Runs with the key at a time, over all definitions of the project; those inside of each other count once."""

    when_full: Literal["wait", "refuse", "replace"] = "wait"
    """What becomes of a run that finds no place: it waits in line, is not begun, or those before it are cancelled."""


class Edge(Message):
    """That a phase comes after another one.

    With an arm it is satisfied where that arm was taken, neutral, as if skipped, where the other succeeded without
    taking it, and dead where it failed; without one it is satisfied where the outcome is accepted.
    """

    phase: PhaseKey
    accept: tuple[PhaseOutcome, ...] = Field(default=("succeeded",), min_length=1, max_length=5)
    arm: Word | None = None
    """Of a branch, of a gate whose expiry is an arm, or ``fallback``."""


class Join(Message):
    """When a phase with several edges begins."""

    rule: JoinRule = "all"
    at_least: int = Field(default=1, ge=1, le=1_000)
    """Edges that have to be satisfied, where that is the rule."""
    losers: Literal["let_run", "cancel"] = "let_run"
    """What becomes of inputs that are still open when ``any`` or ``at_least`` has fired."""


class Timer(Message):
    """Wait for time to pass, from when the phase begins."""

    kind: Literal["timer"] = "timer"
    seconds: Duration | None = None
    until: Expression | None = None
    """In place of ``seconds``: an instant as text, ``2031-05-04T12:00:00Z``; one that has passed waits for nothing."""


class Signal(Message):
    """Wait until somebody sends the run a signal of that name; one that came before counts."""

    kind: Literal["signal"] = "signal"
    name: SignalName
    outputs: tuple[ValueField, ...] = Field(default=(), max_length=64)
    """What it carries; a signal with other content is refused."""
    deadline_seconds: Duration | None = None
    on_deadline: Literal["fail", "skip", "park"] = "fail"


class Arm(Message):
    """One way out of a branch."""

    name: Word
    when: Expression


class Axis(Message):
    """One dimension of a matrix: listed values, or an expression that gives a list of texts and numbers."""

    name: Word
    values: tuple[Scalar, ...] = Field(default=(), max_length=1_000)
    over: Expression | None = None


class Coordinate(Message):
    """The value on one axis."""

    axis: Word
    value: Scalar


class Combination(Message):
    """Some axes with their values; what is not named is any."""

    at: tuple[Coordinate, ...] = Field(min_length=1, max_length=16)


class Matrix(Message):
    """The product of its axes, without what is excluded, and with what is included on top. An item is a mapping."""

    axes: tuple[Axis, ...] = Field(min_length=1, max_length=16)
    exclude: tuple[Combination, ...] = Field(default=(), max_length=1_000)
    include: tuple[Combination, ...] = Field(default=(), max_length=1_000)


class Settle(Message):
    """When a map has settled, and how."""

    rule: Literal["all", "tolerate", "first"] = "all"
    """All items succeed; or some may fail; or the first ones that succeed are enough, and the rest is cancelled."""
    items: int | None = Field(default=None, ge=0, le=ITEMS_MAX)
    """How many may fail, or have to succeed."""
    percent: float | None = Field(default=None, ge=0, le=100)
    """In place of ``items``, of those that there are; rounded down where they may fail."""


class Call(Message):
    """A run of another definition of the same project, whose parent is this run."""

    kind: Literal["pipeline"] = "pipeline"
    pipeline: PipelineName
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    """None is the latest that is published."""
    pin: Literal["start", "call"] = "start"
    """Whether the latest is that of the parent's start or that of the call."""
    inputs: tuple[Binding, ...] = Field(default=(), max_length=64)
    budget: Budget = Budget()
    """Carved out of the parent's."""
    deadline_seconds: Duration | None = None
    on_parent_cancel: Literal["cancel", "abandon"] = "cancel"
    on_parent_pause: Literal["cascade", "go_on"] = "cascade"
    recursive_depth_max: int = Field(default=0, ge=0, le=DEPTH_MAX)
    """How often the definition may be among its own ancestors; 0 is never."""


class OtherRun(Message):
    """A run of the other project."""

    kind: Literal["run"] = "run"
    run: Expression
    """Its id."""


class LatestRun(Message):
    """The latest run of a definition of the other project that carries a correlation key."""

    kind: Literal["latest"] = "latest"
    pipeline: PipelineName
    correlation_key: Expression | None = None


class OtherTask(Message):
    """A task of the other project."""

    kind: Literal["task"] = "task"
    task: Expression
    """Its key or id."""


class OtherArtefact(Message):
    """A result that the other project published, in a version that fits."""

    kind: Literal["artefact"] = "artefact"
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    constraint: Annotated[str, StringConstraints(max_length=100)] = ""
    """Such as ``>=1.2,<2``; empty for any."""


class OtherSignal(Message):
    """A signal that the other project sends out."""

    kind: Literal["signal"] = "signal"
    name: SignalName


class External(Message):
    """A fact of another project, frozen here once it is there."""

    project: Reference
    what: Annotated[OtherRun | LatestRun | OtherTask | OtherArtefact | OtherSignal, Field(discriminator="kind")]
    accept: tuple[Literal["succeeded", "failed", "cancelled"], ...] = Field(
        default=("succeeded",), min_length=1, max_length=3
    )
    match: Literal["existing_or_future", "future_only"] = "existing_or_future"
    max_age_seconds: Duration | None = None
    deadline_seconds: Duration | None = None
    on_deadline: Literal["fail", "skip", "park"] = "fail"
    on_revised: Literal["ignore", "attention", "pause", "rework"] = "attention"
    """What follows when the other project takes the fact back or makes it anew."""


class Map(Message):
    """The same for each item of a list, or of a matrix."""

    over: Expression | None = None
    matrix: Matrix | None = None
    """In place of ``over``."""
    item_key: Expression | None = None
    """What names an item, unique and the same whenever it is expanded again; None takes the item, which is then a text,
    a number or a combination of a matrix."""
    each: Annotated[Work | Call, Field(discriminator="kind")]
    max_items: int = Field(default=1_000, ge=1, le=ITEMS_MAX)
    """More are a definition error: the phase is parked."""
    max_parallel: int = Field(default=ITEMS_MAX, ge=1, le=ITEMS_MAX)
    settle: Settle = Settle()
    on_empty: Literal["succeed", "skip"] = "succeed"
    on_exhausted: OnExhausted = "fail"
    """What follows when too many items have failed."""
