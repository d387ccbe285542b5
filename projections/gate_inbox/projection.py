"""How the events of a run become the rows of its gates."""

from typing import Any, Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.kernel.pipeline.definition import Definition, GatePhase
from domain.kernel.pipeline.gate import Gate, eligible_of, quorum_of
from domain.run.events import PhaseBlocked, PhaseInvalidated, PhaseParked, PhaseSettled, PhaseSkipped, RunQueued
from domain.run.fork_events import PhaseAdopted
from domain.run.gate_events import (
    GateDecided,
    GateEscalated,
    GateEvidenceChanged,
    GateOpened,
    GateReminded,
    LateVote,
    VoteCast,
)
from domain.run.loop_events import IterationStarted
from domain.run.migrate_events import RunMigrated
from projections.gate_inbox.rows import GateRow
from projections.kernel.projection import Projection, worded
from projections.kernel.rows import entries, json_text

_OfGate = GateOpened | GateEvidenceChanged | VoteCast | LateVote | GateReminded | GateEscalated | GateDecided
_OfPhase = PhaseInvalidated | PhaseParked | PhaseSettled | PhaseSkipped | PhaseBlocked | PhaseAdopted
GateInboxEvent = RunQueued | RunMigrated | IterationStarted | _OfGate | _OfPhase


def keys(recorded: Recorded) -> tuple[str, ...]:
    """Every gate of a run that begins; else the place that the event speaks of, which may be no gate."""
    event = cast(GateInboxEvent, recorded.event)
    if isinstance(event, RunQueued | RunMigrated):
        dropped = event.dropped if isinstance(event, RunMigrated) else ()
        return tuple(f"{recorded.stream}/{key}" for key in (*_gates(event.definition), *dropped))
    if isinstance(event, IterationStarted):
        return tuple(f"{recorded.stream}/{one.place}" for one in event.phases if one.gate is not None)
    if isinstance(event, PhaseInvalidated):
        return tuple(f"{recorded.stream}/{place}" for place in (event.place, *event.gone))
    return (f"{recorded.stream}/{event.place}",)


def evolve(row: GateRow | None, recorded: Recorded, key: str) -> GateRow | None:
    """The row after the event."""
    event = cast(GateInboxEvent, recorded.event)
    if isinstance(event, RunQueued):
        return row or _begun(_gates(event.definition)[key.partition("/")[2]], event.pipeline, recorded, key, 1)
    if isinstance(event, RunMigrated):
        return _migrated(row, event, recorded, key)
    if isinstance(event, IterationStarted):
        return _of_iteration(row, event, recorded, key)
    if row is None or (isinstance(event, PhaseInvalidated) and row.place != event.place):
        return None  # it is no gate, or its iteration is not there any more
    after = _of_phase(row, event) if isinstance(event, _OfPhase) else _of_gate(row, event)
    return after._replace(generation=event.generation, changed_at=event.at)


def _gates(definition: Definition) -> dict[str, Gate]:
    return {phase.key: phase.gate for phase in definition.phases if isinstance(phase, GatePhase)}


def _migrated(row: GateRow | None, event: RunMigrated, recorded: Recorded, key: str) -> GateRow | None:
    """As the version asks it; what was decided stays as it was, and what stands is another only if it begins anew."""
    gate = _gates(event.definition).get(key.partition("/")[2])
    if gate is None:
        return None
    if row is None:
        return _begun(gate, event.definition.name, recorded, key, 1)
    if row.status in ("decided", "closed"):
        return row
    fresh = _begun(gate, row.pipeline, recorded, key, row.generation)
    asks = {name: getattr(fresh, name) for name in ("gate_class", "ladder", "veto", "deadline_seconds")}
    return fresh if row.status == "pending" else row._replace(**asks)


def _of_iteration(row: GateRow | None, event: IterationStarted, recorded: Recorded, key: str) -> GateRow | None:
    """A gate inside of a loop; one that had a row in an earlier generation begins anew."""
    place = key.partition("/")[2]
    inner = next((one for one in event.phases if one.place == place), None)
    if inner is None or inner.gate is None:
        return row
    before = event.generation if row is None else max(event.generation, row.generation + 1)
    return _begun(inner.gate, event.pipeline, recorded, key, inner.generation or before)


def _begun(gate: Gate, pipeline: str, recorded: Recorded, key: str, generation: int) -> GateRow:
    event: Any = recorded.event
    place = key.partition("/")[2]
    fresh = GateRow(
        key=key,
        project=recorded.project,
        run=recorded.stream,
        place=place,
        pipeline=pipeline,
        status="pending",
        gate_class=gate.gate_class,
        generation=generation,
        question=gate.question,
        evidence="[]",
        digest="",
        eligible="[]",
        approvals_needed=0,
        people_needed=0,
        ladder=json_text([_rung(gate, rung) for rung in range(len(gate.escalate) + 1)]),
        veto=gate.veto,
        rung=0,
        reminders=0,
        votes="[]",
        voided_total=0,
        late_total=0,
        decision="",
        how="",
        decided_by="",
        comment="",
        deadline_seconds=gate.deadline_seconds,
        opened_at=None,
        decided_at=None,
        changed_at=event.at,
    )
    return _on_rung(fresh, 0)


def _rung(gate: Gate, rung: int) -> dict[str, Any]:
    quorum = quorum_of(gate, rung)
    eligible = [one.model_dump() for one in eligible_of(gate, rung)]
    return {"eligible": eligible, "approvals": quorum.approvals, "people": quorum.people_min}


def _on_rung(row: GateRow, rung: int) -> GateRow:
    """Who may vote there, and what settles it."""
    asked = entries(row.ladder)[rung]
    needed = row._replace(rung=rung, approvals_needed=asked["approvals"], people_needed=asked["people"])
    return needed._replace(eligible=json_text(asked["eligible"]))


def _of_phase(row: GateRow, event: _OfPhase) -> GateRow:
    match event:
        case PhaseInvalidated():
            return row._replace(status="pending", opened_at=None)
        case PhaseParked():
            return row._replace(status="parked") if row.status == "open" else row
        case PhaseAdopted():
            return row._replace(status="closed", comment=f"taken over of {event.run}")
        case PhaseSettled() | PhaseSkipped() | PhaseBlocked():
            return row if row.status == "decided" else row._replace(status="closed")
        case _:
            assert_never(event)


def _of_gate(row: GateRow, event: _OfGate) -> GateRow:
    match event:
        case GateOpened():
            asked = row._replace(status="open", question=event.question, opened_at=event.at, decided_at=None)
            fresh = asked._replace(votes="[]", decision="", how="", decided_by="", comment="", reminders=0)
            return _with_evidence(_on_rung(fresh, 0), event)
        case GateEvidenceChanged():
            void = row.voided_total + len(event.voided)
            return _with_evidence(row._replace(votes="[]", voided_total=void), event)
        case VoteCast():
            return row._replace(votes=_voted(row.votes, event))
        case LateVote():
            return row._replace(late_total=row.late_total + 1)
        case GateReminded():
            return row._replace(reminders=event.number)
        case GateEscalated():
            return _on_rung(row, event.rung)
        case GateDecided():
            answered = row._replace(status="decided", decision=event.decision, how=event.how, decided_at=event.at)
            return answered._replace(decided_by=event.by, comment=event.comment)
        case _:
            assert_never(event)


def _with_evidence(row: GateRow, event: GateOpened | GateEvidenceChanged) -> GateRow:
    return row._replace(evidence=json_text([one.model_dump() for one in event.evidence]), digest=event.digest)


def _voted(votes: str, event: VoteCast) -> str:
    others: list[dict[str, Any]] = [one for one in entries(votes) if one["voter"] != event.voter]
    mine = {name: getattr(event, name) for name in ("voter", "verdict", "human", "comment", "session")}
    return json_text([*others, mine])


GATE_INBOX: Final = Projection(
    name="gate_inbox",
    version=5,
    row=GateRow,
    handles=frozenset(get_args(GateInboxEvent)),
    begins=frozenset({RunQueued, RunMigrated, IterationStarted}),
    keys=keys,
    evolve=evolve,
    words=worded(question="text", evidence="list", votes="list", comment="text"),
    indexes=(("project", "status", "key"), ("status", "opened_at", "key"), ("run", "key")),
)
