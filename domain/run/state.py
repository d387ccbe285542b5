"""What a run is, as its decisions see it."""

from dataclasses import dataclass, field
from typing import Final, Literal

from immutables import Map

from domain.kernel.ids import SECOND, Instant, prefix
from domain.kernel.pipeline.work import Work
from domain.kernel.work import Budget
from domain.run.account import Account
from domain.run.events import Consumed, RunQueued
from domain.run.gate_events import Ballot, GateOpened, TimerKind
from domain.run.map_events import MapItem
from domain.run.migrate_events import KnownPhase
from domain.run.need_events import ExternalNeedRegistered, ExternalNeedResolved
from domain.run.outline import Outline
from domain.run.tally import NO_TALLY, Tally

RunStatus = Literal["queued", "running", "paused", "cancelling", "compensating", "succeeded", "failed", "cancelled"]
Settlement = Literal["succeeded", "failed", "skipped", "blocked", "cancelled"]
PhaseStatus = Literal["pending", "fired", "ready", "offered", "waiting", "parked", Settlement]
SETTLED: Final[frozenset[PhaseStatus]] = frozenset({"succeeded", "failed", "skipped", "blocked", "cancelled"})
TERMINAL: Final[frozenset[RunStatus]] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Absent:
    """No such run."""


LATE_VOTES_MAX: Final = 64
"""That one gate records."""


@dataclass(frozen=True, slots=True)
class GateState:
    """A question that stands or stood in one generation of a gate."""

    opened: GateOpened
    begun_at: Instant
    """When it was opened, moved on by pauses: its reminders, ladder and deadline run from here."""
    votes: Map[str, Ballot] = Map()
    """The latest of each voter."""
    comments: Map[str, str] = Map()
    """What each said with it."""
    rung: int = 0
    reminders: int = 0
    decision: str = ""
    late: int = 0
    how: str = ""
    """What decided: the quorum, a veto, time, an override, the autopilot; empty before."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a phase waits for of another project, and what it has taken."""

    registered: ExternalNeedRegistered
    fact: ExternalNeedResolved | None = None
    rolled_back: bool = False
    """Whether what was taken has been taken back since."""
    asks: bool = False
    """Whether a person has to look, since it was revised, and none has said so."""

    @property
    def was_waited_for(self) -> bool:
        """Whether what was taken was not there yet when the phase asked for it."""
        return self.fact is not None and self.fact.at > self.registered.at


@dataclass(frozen=True, slots=True)
class PhaseState:
    """One place of a run in its current generation."""

    generation: int = 1
    status: PhaseStatus = "pending"
    consumed: tuple[Consumed, ...] = ()
    """What it took when its join fired, with what its condition read."""
    task: str = ""
    offered_at: Instant | None = None
    """Since when its task may be taken; moved on by pauses."""
    child: str = ""
    """Run that does its work."""
    reason: str = ""
    """Why it is as it is, where there is more to say than the status."""
    summary: str = ""
    arm: str = ""
    input: str = ""
    output: str = ""
    dropped: str = ""
    """For whose sake it is not needed any more."""
    gate: GateState | None = None
    need: Need | None = None
    timers: Map[TimerKind, Instant] = Map()
    """What is due, by kind."""
    items: tuple[MapItem, ...] = ()
    """Of a map that has expanded."""
    iteration: int = 0
    """That a loop is in or was in last; 0 before the first."""
    inside: tuple[str, ...] = ()
    """Places of that iteration."""
    settled_as: int = 0
    """How many settled before it in this run, and itself; 0 while it is open."""
    fired_at: Instant | None = None
    settled_at: Instant | None = None
    resolved_by: str = ""
    """Principal that settled it by hand; empty where its work did."""
    changes: str = ""
    """What a gate asks to be done otherwise this time."""
    parked_for: str = ""
    """Kind of what it was parked for last."""
    adopted_from: str = ""
    """Run that it was taken over from, as it had settled there."""
    adopted_generation: int = 0
    """In which it was taken over."""
    adopted_as: str = ""
    """Its key there, where it has another one here by now."""

    @property
    def is_out(self) -> bool:
        """Whether a task or a run of its own is open."""
        if self.child:
            return self.status == "waiting"
        return self.status == "offered" or (self.status == "parked" and bool(self.task))


@dataclass(frozen=True, slots=True)
class Effect:
    """An entry of the ledger: a place that may have changed the world in one of its generations."""

    place: str
    generation: int
    task: str
    """Or the run that did the work."""
    settled_as: int = 0
    """When it settled among all phases of the run; 0 while it has not."""
    outcome: str = ""
    undo: Literal["", "undoing", "undone", "failed", "skipped"] = ""
    undo_task: str = ""
    undo_due: Instant | None = None
    """Until when that task has to be over; None without bound."""
    undo_pickup: Instant | None = None
    """When a person is asked for, should nobody have come for that task."""
    tries: int = 0
    left: bool = False
    """Whether something of it stays in the world although it is over."""
    work: Work | None = None
    """What had the effect, where the run has gone over to another version since; None is as the definition says."""
    is_earlier: bool = False
    """Whether it was done by another version, so that the definition does not tell who has used it."""

    @property
    def is_run(self) -> bool:
        """Whether a run of its own did the work, so that another run takes it back."""
        return prefix(self.task) == "run"

    @property
    def key(self) -> str:
        """What the ledger keeps it under."""
        return effect_key(self.place, self.generation)


def effect_key(place: str, generation: int) -> str:
    """The same from its parts."""
    return f"{place}@{generation}"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that exists."""

    queued: RunQueued
    status: RunStatus = "queued"
    paused_from: RunStatus = "queued"
    """Status that a pause goes back to."""
    paused_at: Instant | None = None
    paused_by: str = ""
    phases: Map[str, PhaseState] = Map()
    """By place; a phase that nothing happened to yet is not there."""
    settled_total: int = 0
    failing: str = ""
    """Place of the phase for whose sake nothing further begins."""
    cancel_reason: str = ""
    cancel_grace_seconds: int = 0
    signals: Map[str, tuple[str, ...]] = Map()
    """Contents of signals that came and that no phase has taken, by name."""
    ledger: Map[str, Effect] = Map()
    rollback_requested: bool = False
    rollback_forced: bool = False
    held: tuple[str, ...] = ()
    """Points of no return behind which a person has to decide about its effects."""
    left: bool = False
    """Whether that was to leave them as they are."""
    moved_deadline: Instant | None = None
    """The deadline, where it is another than from its start."""
    owed: tuple[str, ...] = ()
    """Entries of the ledger that are taken back, in order; empty before that begins."""
    then: RunStatus = "cancelled"
    """How it ends once everything is taken back."""
    redo: tuple[str, ...] = ()
    """Phases that are done anew once everything is taken back."""
    because: tuple[str, ...] = ()
    tasks: Map[str, str] = Map()
    """Place by task, for every task that the run ever made."""
    reworks: Map[str, int] = Map()
    """How often phases were done anew because a gate asked for it, by the key of the gate."""
    children: Map[str, Consumed] = Map()
    """Place and generation by run, for every run that this one ever began."""
    outputs: str = ""
    """What it said when it succeeded, as JSON text."""
    settled_at: Instant | None = None
    awaited_by: Map[str, str] = Map()
    """Runs that wait for how this one ends, or have taken it for a fact, with their projects."""
    rolled_back_by: str = ""
    """Run that takes back, or took back, what this one did."""

    account: Account = Account()
    """What is set aside and spent of its budget; nothing is counted where neither it nor a loop has one."""
    tallies: Map[str, Tally] = Map()
    """By the place of a map."""
    annotations: int = 0
    """Remarks of people and agents."""
    begun_as: RunQueued | None = None
    """What it began with, where it has gone over to another version since."""
    former: Map[str, KnownPhase] = Map()
    """Settled phases by key as they were when they settled, where the version of now has them otherwise or not."""
    moved: Map[str, str] = Map()
    """Key that a phase was moved to, by the one that it had; of a phase moved twice, one after the other."""
    erasure_asked_by: str = ""
    """Who wants its words erased; empty where nobody does."""
    erased: bool = False
    kept_outline: Outline | None = field(default=None, init=False, compare=False, repr=False)
    """What its definition says of its phases, once somebody has asked for it (``outline_now``)."""

    @property
    def limit(self) -> Budget:
        """What it may spend."""
        return self.queued.budget.hard if self.account.limit is None else self.account.limit

    @property
    def deadline_seconds(self) -> float | None:
        """Time that it has from its start, by its definition and by its parent; None is without bound."""
        bounds = (self.queued.definition.deadline_seconds, self.queued.deadline_seconds)
        return min((one for one in bounds if one is not None), default=None)

    @property
    def deadline(self) -> Instant | None:
        """When it is cancelled if it has not ended; pauses have moved it. None is never."""
        seconds = self.deadline_seconds
        if self.moved_deadline is not None or seconds is None:
            return self.moved_deadline
        return Instant(self.queued.start_at + int(seconds * SECOND))

    def now_at(self, key: str) -> str:
        """The key that a phase has now which had this one."""
        for _ in self.moved:
            if key in self.phases or key not in self.moved:
                break
            key = self.moved[key]
        return key

    def scope(self, key: str) -> tuple[str, ...]:
        """The place of a phase, then those of the iteration that it is in, without the items of maps."""
        return (key, *(place for one in self.phase(key).inside for place in self.scope(one)))

    def tally(self, place: str) -> Tally:
        """How the items of a place stand together; empty for one that has none."""
        found = self.tallies.get(place)
        return found if found is not None and self.phase(place).items else NO_TALLY

    def next_generation(self, place: str, least: int) -> int:
        """Of a place inside of a loop, which a gate there may have had done anew: no task of it comes twice."""
        before = self.phases.get(place)
        return least if before is None else max(least, before.generation + 1)

    def places(self, key: str) -> tuple[str, ...]:
        """The place of a phase, then those of its items, or of the iteration that it is in with their items."""
        phase = self.phase(key)
        inside = (place for one in phase.inside for place in self.places(one))
        return (key, *(item.place for item in phase.items), *inside)

    def phase(self, place: str) -> PhaseState:
        """The phase as it stands."""
        return self.phases.get(place, PENDING)


PENDING: Final = PhaseState()
RunState = Absent | Run
