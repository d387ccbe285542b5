"""Who may vote at a gate: people and agents by their keys and sessions, and whom the gate leaves out."""

from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

from domain.kernel.decider import View
from domain.kernel.ids import StreamId, is_type_id
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import GatePhase
from domain.kernel.pipeline.gate import Gate, Quorum, Voter, eligible_of
from domain.principal.allow import allow, principal_of
from domain.principal.decider import KEY
from domain.principal.state import Key
from domain.run.commands import OverrideGate
from domain.run.state import GateState, Run
from domain.session.decider import SESSION
from domain.session.hierarchy import ancestors
from domain.session.state import Session
from domain.task.decider import TASK
from domain.task.state import Task

_HUMAN_ROLES: Final = frozenset({"viewer", "operator", "admin", "owner"})
"""Those that the owner of a local installation holds all."""


class Voting(NamedTuple):
    """Somebody at a gate."""

    principal: str
    role: str
    human: bool
    session: str
    """Of an agent; empty for a person."""
    capabilities: frozenset[str]
    """Of the session, those that are true of it."""
    family: frozenset[str]
    """The session and those above it."""


def voting(view: View, stamp: Stamp, session: tuple[str, Session] | None) -> Voting:
    """Who asks, as the key and the session say."""
    key = view.read(KEY, StreamId(stamp.principal)) if is_type_id(stamp.principal, KEY.prefix) else KEY.initial
    role = key.issued.role if isinstance(key, Key) else ""
    if session is None:
        return Voting(stamp.principal, role, role in _HUMAN_ROLES, "", frozenset(), frozenset())
    name, state = session
    able = frozenset(one for one, value in state.opened.capabilities.items() if value is True)
    family = frozenset((name, *ancestors(view, StreamId(name))))
    return Voting(stamp.principal, role, False, name, able, family)


def may_pass(view: View, stamp: Stamp) -> bool:
    """Whether who asks may go past the quorum of a gate."""
    key = view.read(KEY, StreamId(stamp.principal)) if is_type_id(stamp.principal, KEY.prefix) else KEY.initial
    if not isinstance(key, Key):
        return False
    return allow(principal_of(stamp.principal, key), OverrideGate.NAME, stamp.project) is None


def barred(who: Voting, run: Run, phase: GatePhase, gate: GateState, view: View) -> str | None:
    """Why somebody may not vote; None for those who may."""
    if not any(matches(one, who) for one in eligible_of(phase.gate, gate.rung)):
        return "the gate does not name you, your role, or what your session can do"
    for left_out in phase.gate.exclude:
        match left_out:
            case "requester":
                if who.principal == run.queued.by:
                    return "whoever started the run is left out"
            case "evidence_author":
                if who.principal in _authors(run, phase, view)[0]:
                    return "whoever made the evidence is left out"
            case "session_tree":
                if who.family & _authors(run, phase, view)[1]:
                    return "your session is of the family that made the evidence"
            case _:
                assert_never(left_out)
    return None


def roles_of(who: Voting, gate: Gate) -> tuple[str, ...]:
    """Roles of the gate's minimums for which a vote counts."""
    return roles_in(who, _quorums(gate))


def roles_in(who: Voting, quorums: Iterable[Quorum]) -> tuple[str, ...]:
    """Roles of the minimums for which a vote counts."""
    named = dict.fromkeys(one.role for quorum in quorums for one in quorum.per_role)
    return tuple(role for role in named if _holds(role, who))


def _quorums(gate: Gate) -> list[Quorum]:
    return [gate.quorum, *(one.quorum for one in gate.escalate if one.quorum is not None)]


def matches(voter: Voter, who: Voting) -> bool:
    """Whether that names somebody."""
    match voter.who:
        case "principal":
            return voter.name == who.principal
        case "role":
            return _holds(voter.name, who)
        case "capability":
            return voter.name in who.capabilities
        case _:
            assert_never(voter.who)


def _holds(role: str, who: Voting) -> bool:
    return not who.session and (role == who.role or (who.role == "owner" and role in _HUMAN_ROLES))


def _authors(run: Run, phase: GatePhase, view: View) -> tuple[frozenset[str], frozenset[str]]:
    """Principals and families of the sessions that did the work which the gate looks at; whoever said what it is."""
    principals: set[str] = set()
    families: set[str] = set()
    places = [place for used in run.phase(phase.key).consumed for place in run.places(used.place)]
    principals |= {run.phase(place).resolved_by for place in places} - {""}
    for name in (run.phase(place).task for place in places if not run.phase(place).resolved_by):
        task = view.read(TASK, StreamId(name)) if name else None
        if not isinstance(task, Task) or not task.tried_by:
            continue
        session = StreamId(task.tried_by[-1])
        state = view.read(SESSION, session)
        if isinstance(state, Session):
            principals.add(state.opened.owner)
            families |= {session, *ancestors(view, session)}
    return frozenset(principals), frozenset(families)
