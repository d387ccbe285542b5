"""Votes at the gates of runs: who may, on which evidence, and what follows in the same append."""

from domain.dispatch.lookup import find_serving
from domain.dispatch.run_answer import do_anew
from domain.dispatch.run_verbs import asked, unfit_phase
from domain.dispatch.run_voters import Voting, barred, roles_of, voting
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.message import Answer, Stamp
from domain.kernel.pipeline.definition import GatePhase
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.gate import quorum_of
from domain.run.answers import decided
from domain.run.commands import CastVote, OverrideGate, ReviseEvidence
from domain.run.errors import EvidenceMoved, NoReworkHere, PhaseNotInState, RunNotInState, VoteRefused
from domain.run.gate_events import GateEvidenceChanged, LateVote, VoteCast
from domain.run.gates import answer_of, digest_of, escalated, is_out_of_reach, piece
from domain.run.loops import placed
from domain.run.state import LATE_VOTES_MAX, GateState, Run


class VoteCounted(Answer):
    """The vote is counted, or recorded as late."""

    decision: str
    """What the gate has decided by now; empty while it has not."""
    late: bool
    """Whether it came behind the decision and changed nothing."""
    approvals: int
    rejections: int
    needed: int
    """Approvals that settle the gate."""


def vote(command: CastVote, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Count a vote of somebody who may; the deciding one decides in the same append."""
    who = _voter(command, stamp, view)
    if isinstance(who, Rejection):
        return refuse(who)
    found = _gate(command.phase, command, stamp, view)
    if isinstance(found, Rejection):
        return refuse(found)
    run, phase, gate = found
    reason = barred(who, run, phase, gate, view)
    if reason is not None:
        return refuse(VoteRefused(run=command.run, phase=command.phase, reason=reason))
    walk = RunWalk(run, stamp, view, expressions)
    if gate.decision:
        return _late(walk, command, phase, gate, stamp)
    if command.evidence and command.evidence != gate.opened.digest:
        return refuse(EvidenceMoved(run=command.run, phase=command.phase, digest=gate.opened.digest))
    if command.verdict == "request_changes" and phase.gate.rework is None:
        return refuse(NoReworkHere(run=command.run, phase=command.phase))
    cast = _cast(command, who, phase, gate, run, stamp)
    if not _repeats(cast, gate):
        walk.put(cast)
    judged = _judge(walk, phase, command, stamp)
    walk.go_on()
    return walk.decision(answer=_counted(judged, phase, late=False))


def override(command: OverrideGate, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Decide past the quorum, with a reason."""
    found = _gate(command.phase, command, stamp, view)
    if isinstance(found, Rejection):
        return refuse(found)
    run, phase, gate = found
    if gate.decision:
        return refuse(_over(run, command.run, command.phase, "overriding it"))
    walk = RunWalk(run, stamp, view, expressions)
    by, why = stamp.principal, command.reason
    walk.put(*decided(phase, run, gate, command.decision, "override", stamp.time, by=by, comment=why, detail=why))
    do_anew(walk, phase.key, stamp, command.reason)
    walk.go_on()
    return walk.decision()


def revise(command: ReviseEvidence, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Another piece of evidence voids the votes; the same one changes nothing."""
    found = _gate(command.phase, command, stamp, view)
    if isinstance(found, Rejection):
        return refuse(found)
    run, phase, gate = found
    if gate.decision:
        return refuse(_over(run, command.run, command.phase, "revising its evidence"))
    before = next((one for one in gate.opened.evidence if one.name == command.name), None)
    if before is None:
        return refuse(UnknownThing(kind="evidence", name=command.name))
    now = piece(before.name, before.subject, command.value)
    if now.digest == before.digest:
        return Decision()
    pieces = tuple(now if one.name == now.name else one for one in gate.opened.evidence)
    changed = GateEvidenceChanged(
        place=phase.key,
        generation=run.phase(phase.key).generation,
        evidence=pieces,
        digest=digest_of(pieces),
        voided=tuple(sorted(gate.votes)),
        by=stamp.principal,
        at=stamp.time,
    )
    walk = RunWalk(run, stamp, view, expressions)
    walk.put(changed)
    return walk.decision()


def _gate(
    place: str, command: CastVote | OverrideGate | ReviseEvidence, stamp: Stamp, view: View
) -> tuple[Run, GatePhase, GateState] | Rejection:
    """The gate, open or decided; one that was never opened has no question yet."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return run
    state = run.phase(place)
    phase = placed(run, place)
    if not isinstance(phase, GatePhase):
        return UnknownThing(kind="gate", name=place)
    if state.gate is None or not (state.gate.decision or state.status in ("waiting", "parked")):
        return _over(run, command.run, place, "voting")
    if run.status == "compensating" and not state.gate.decision and not isinstance(command, ReviseEvidence):
        # What is owed then is a list that was made before: an answer that has phases done anew would drop it.
        return RunNotInState(run=command.run, status=run.status, action="answering its gates")
    return run, phase, state.gate


def _over(run: Run, name: str, place: str, action: str) -> Rejection:
    found = unfit_phase(run, name, place, ("waiting", "parked"), action)
    return found or PhaseNotInState(run=name, phase=place, status="decided", action=action)


def _voter(command: CastVote, stamp: Stamp, view: View) -> Voting | Rejection:
    if command.session is None:
        return voting(view, stamp, None)
    session = find_serving(view, command.session, command.incarnation, stamp)
    return session if isinstance(session, Rejection) else voting(view, stamp, (command.session, session))


def _cast(command: CastVote, who: Voting, phase: GatePhase, gate: GateState, run: Run, stamp: Stamp) -> VoteCast:
    return VoteCast(
        place=phase.key,
        generation=run.phase(phase.key).generation,
        voter=who.principal,
        verdict=command.verdict,
        human=who.human,
        roles=roles_of(who, phase.gate),
        session=who.session,
        comment=command.comment,
        digest=gate.opened.digest,
        at=stamp.time,
    )


def _repeats(cast: VoteCast, gate: GateState) -> bool:
    """Whether the voter has said just that already: whoever asks again and again is counted once."""
    before = gate.votes.get(cast.voter)
    if before is None or gate.comments.get(cast.voter) != cast.comment:
        return False
    return (before.verdict, before.human, before.roles) == (cast.verdict, cast.human, cast.roles)


def _judge(walk: RunWalk, phase: GatePhase, command: CastVote, stamp: Stamp) -> GateState | None:
    """The gate with its answer, if the votes give one on this rung of the ladder, or on the first on which they can."""
    while (gate := walk.run.phase(phase.key).gate) is not None:
        state = walk.run.phase(phase.key)
        answer = answer_of(phase.gate, gate)
        if answer is not None:
            by, comment = stamp.principal, command.comment
            walk.put(*decided(phase, walk.run, gate, *answer, stamp.time, by=by, comment=comment))
            judged = walk.run.phase(phase.key).gate
            do_anew(walk, phase.key, stamp, comment)
            return judged
        if gate.rung >= len(phase.gate.escalate) or not is_out_of_reach(phase.gate, gate, walk.run.queued.by):
            break
        walk.put(escalated(phase, state.generation, gate.rung + 1, "out_of_reach", stamp.time))
    return gate


def _late(walk: RunWalk, command: CastVote, phase: GatePhase, gate: GateState, stamp: Stamp) -> Decision:
    """Behind the decision: recorded, as long as there are not too many, and nothing else."""
    if gate.late < LATE_VOTES_MAX:
        generation = walk.run.phase(phase.key).generation
        voter, verdict = stamp.principal, command.verdict
        walk.put(LateVote(place=phase.key, generation=generation, voter=voter, verdict=verdict, at=stamp.time))
    return walk.decision(answer=_counted(gate, phase, late=True))


def _counted(gate: GateState | None, phase: GatePhase, *, late: bool) -> VoteCounted:
    votes = () if gate is None else tuple(gate.votes.values())
    return VoteCounted(
        decision="" if gate is None else gate.decision,
        late=late,
        approvals=sum(one.verdict == "approve" for one in votes),
        rejections=sum(one.verdict == "reject" for one in votes),
        needed=quorum_of(phase.gate, 0 if gate is None else gate.rung).approvals,
    )
