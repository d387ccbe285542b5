"""A gate: what is asked, of whom, on which evidence, and what follows from each answer and from none."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, Protocol

from pydantic import Field, StringConstraints

from domain.kernel.message import Message
from domain.kernel.pipeline.words import Binding, Duration, Expression, PhaseKey, Word
from domain.kernel.text import Reference

GateClass = Literal["merge", "staging", "production", "strategic"]
"""What is at stake; the project's autopilot says which of these may settle without a person, never ``strategic``."""
APPROVED, EXPIRED = "approved", "expired"
"""Arms of a gate whose expiry is a way of its own."""
EvidenceSubject = Literal["commit", "diff", "plan", "test_report", "review", "artifact", "cost", "output"]
VOTES_MAX = 1_000
ROLES: Final = ("owner", "admin", "operator", "viewer", "worker")
"""Those that a key can have."""


class GateEvidence(Message):
    """What a vote is about: its digest is taken when the gate opens, and a changed one voids the votes."""

    name: Word
    subject: EvidenceSubject
    value: Expression
    """Where it is, such as ``phases.implement.output.commit``."""


class Voter(Message):
    """Who may vote, any of several: people and keys by id, roles, or agents with a capability."""

    who: Literal["principal", "role", "capability"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """An id, a role such as ``operator``, or the name of a capability that is true of the agent's session."""


class RoleMinimum(Message):
    """Of the approvals so many have to come from one role."""

    role: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    approvals: int = Field(ge=1, le=VOTES_MAX)


class Quorum(Message):
    """How many approvals settle the gate."""

    approvals: int = Field(default=1, ge=1, le=VOTES_MAX)
    per_role: tuple[RoleMinimum, ...] = Field(default=(), max_length=16)
    people_min: int = Field(default=1, ge=0, le=VOTES_MAX)
    """Of them so many from people; agents never count here."""


class Escalate(Message):
    """One rung of the ladder: what changes when nobody has decided for so long."""

    after_seconds: Duration
    """Since the gate opened."""
    notify: tuple[Reference, ...] = Field(default=(), max_length=64)
    eligible: tuple[Voter, ...] = Field(default=(), max_length=64)
    """Who may vote from here on as well."""
    quorum: Quorum | None = None
    """What settles the gate from here on, where it is another."""


class Gate(Message):
    """A question to people and agents. ``veto`` is how many rejections settle it: 0 for none, 1 for any."""

    gate_class: GateClass
    question: str = Field(min_length=1, max_length=4_096)
    inputs: tuple[Binding, ...] = Field(default=(), max_length=64)
    """Values for ``${name}`` in the question."""
    evidence: tuple[GateEvidence, ...] = Field(default=(), max_length=32)
    automatic: Expression | None = None
    """What has to hold for the gate to settle by itself where the autopilot lets its class; None is never."""
    eligible: tuple[Voter, ...] = Field(default=(Voter(who="role", name="operator"),), min_length=1, max_length=64)
    quorum: Quorum = Quorum()
    veto: int = Field(default=1, ge=0, le=VOTES_MAX)
    exclude: tuple[Literal["requester", "evidence_author", "session_tree"], ...] = Field(default=(), max_length=3)
    """Who may not vote: who started the run, who made the evidence, and whose session is of the same tree."""
    deadline_seconds: Duration | None = None
    """Since the gate opened; None waits for ever."""
    reminders_seconds: tuple[Duration, ...] = Field(default=(), max_length=16)
    """Since the gate opened, ascending."""
    escalate: tuple[Escalate, ...] = Field(default=(), max_length=16)
    """Ascending."""
    on_expiry: Literal["park", "reject", "approve", "arm"] = "park"
    """``arm``: the gate has the arms ``approved`` and ``expired``."""
    on_reject: Literal["fail", "skip", "rework", "compensate"] = "fail"
    rework: PhaseKey | None = None
    """The phase before the gate that is done anew when changes are asked for, and when ``on_reject`` says so."""
    reworks_max: int = Field(default=10, ge=1, le=100)
    """In one run; the next request for changes parks the gate."""
    keep_locks_seconds: Duration | None = None
    """How long the run's locks are kept while the gate is open; None gives them back when it opens."""


def quorum_of(gate: Gate, rung: int) -> Quorum:
    """What settles the gate on this rung of its ladder."""
    return next((one.quorum for one in reversed(gate.escalate[:rung]) if one.quorum is not None), gate.quorum)


def unknown_roles(eligible: Sequence[Voter], quorum: Quorum | None) -> tuple[str, ...]:
    """Roles that are named and that no key has: for their votes one would wait for ever."""
    minimums = () if quorum is None else quorum.per_role
    named = (*(one.name for one in eligible if one.who == "role"), *(one.role for one in minimums))
    return tuple(role for role in dict.fromkeys(named) if role not in ROLES)


class Approving(Protocol):
    """A vote for something, by whom."""

    @property
    def human(self) -> bool: ...

    @property
    def roles(self) -> tuple[str, ...]: ...


def is_met(quorum: Quorum, votes: Sequence[Approving]) -> bool:
    """Whether votes for the same make up a quorum; agents never count where people are needed."""
    enough = len(votes) >= quorum.approvals and sum(one.human for one in votes) >= quorum.people_min
    return enough and all(sum(one.role in vote.roles for vote in votes) >= one.approvals for one in quorum.per_role)


def eligible_of(gate: Gate, rung: int) -> tuple[Voter, ...]:
    """Who may vote on this rung of its ladder."""
    return (*gate.eligible, *(one for step in gate.escalate[:rung] for one in step.eligible))
