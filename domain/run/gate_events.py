"""What happened at a gate of a run, and to what it waits for: votes, timers, signals."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.pipeline.gate import EvidenceSubject, GateClass
from domain.run.events import Consumed

VoteWord = Literal["approve", "reject", "request_changes"]
GateDecision = Literal["approved", "rejected", "expired", "changes_requested"]
DecidedBy = Literal["quorum", "veto", "request", "expiry", "override", "autopilot"]
TimerKind = Literal["gate", "wait", "deadline", "start", "close", "pickup", "undo", "undo_pickup"]
"""``start``, ``close`` and ``pickup`` are of work: somebody has to have begun, it has to be over, nobody has come.
``undo`` and ``undo_pickup`` are the latter two of what takes back an effect."""


class EvidencePiece(Message):
    """Something that a vote is about, as it is now."""

    name: str
    subject: EvidenceSubject
    value: str
    """JSON text."""
    digest: str
    """``sha256:…`` of it."""


class Ballot(Message):
    """One counted vote."""

    voter: str
    verdict: VoteWord
    human: bool
    roles: tuple[str, ...]


class GateOpened(Event):
    """The question stands; votes are about this evidence."""

    TYPE: ClassVar[str] = "run.gate_opened.v1"
    place: str
    generation: int
    gate_class: GateClass
    question: str
    evidence: tuple[EvidencePiece, ...]
    digest: str
    """Of all of it together: what a vote may name."""
    reads: tuple[Consumed, ...]
    at: Instant


class GateEvidenceChanged(Event):
    """What the votes were about is another: they are void."""

    TYPE: ClassVar[str] = "run.gate_evidence_changed.v1"
    place: str
    generation: int
    evidence: tuple[EvidencePiece, ...]
    digest: str
    voided: tuple[str, ...]
    """Principals whose votes do not count any more."""
    by: str
    at: Instant


class VoteCast(Event):
    """Somebody who may has voted; the latest vote of each counts."""

    TYPE: ClassVar[str] = "run.vote_cast.v1"
    place: str
    generation: int
    voter: str
    verdict: VoteWord
    human: bool
    roles: tuple[str, ...]
    """For which the vote counts."""
    session: str
    """Of the agent that voted; empty for a person."""
    comment: str
    digest: str
    """Of the evidence."""
    at: Instant


class LateVote(Event):
    """A vote behind the decision; it changes nothing."""

    TYPE: ClassVar[str] = "run.late_vote.v1"
    place: str
    generation: int
    voter: str
    verdict: VoteWord
    at: Instant


class GateReminded(Event):
    """It is still open, and those who may vote are reminded."""

    TYPE: ClassVar[str] = "run.gate_reminded.v1"
    place: str
    generation: int
    number: int
    at: Instant


class GateEscalated(Event):
    """Others may vote as well, or other numbers settle it."""

    TYPE: ClassVar[str] = "run.gate_escalated.v1"
    place: str
    generation: int
    rung: int
    """Of its ladder, from 1."""
    because: Literal["time", "out_of_reach"]
    notify: tuple[str, ...]
    at: Instant


class GateDecided(Event):
    """The question is answered, with every vote that counted."""

    TYPE: ClassVar[str] = "run.gate_decided.v1"
    place: str
    generation: int
    decision: GateDecision
    how: DecidedBy
    detail: str
    """The autopilot's mode, or the reason of an override."""
    by: str
    """Whose vote or word decided; empty for time and the autopilot."""
    comment: str
    tally: tuple[Ballot, ...]
    at: Instant
    digest: str = ""
    """Of the evidence on which it was decided."""


class TimerSet(Event):
    """Something is due then, unless it is moot by that time; a later one of the kind takes its place."""

    TYPE: ClassVar[str] = "run.timer_set.v1"
    place: str
    generation: int
    kind: TimerKind
    due: Instant
    at: Instant


class SignalReceived(Event):
    """Somebody sent the run a signal."""

    TYPE: ClassVar[str] = "run.signal_received.v1"
    name: str
    content: str
    """JSON text; empty where it carries nothing."""
    by: str
    at: Instant


class SignalTaken(Event):
    """A phase took a signal that had come before; nobody takes it once more."""

    TYPE: ClassVar[str] = "run.signal_taken.v1"
    place: str
    generation: int
    name: str
    at: Instant
    index: int = 0
    """Of those of the name that wait, from 0: the first that carries what the phase asks for."""


class PhaseWaiting(Event):
    """The phase waits for time to pass, or for a signal."""

    TYPE: ClassVar[str] = "run.phase_waiting.v1"
    place: str
    generation: int
    what: str
    """``timer``, or ``signal`` and its name."""
    reads: tuple[Consumed, ...]
    at: Instant


WaitingEvent = (
    GateOpened
    | GateEvidenceChanged
    | VoteCast
    | LateVote
    | GateReminded
    | GateEscalated
    | GateDecided
    | TimerSet
    | SignalReceived
    | SignalTaken
    | PhaseWaiting
)
