"""Who may vote at a gate: people and agents by their keys and sessions, and whom the gate leaves out."""

from collections import deque
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
from domain.run.evolve import RUN
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
                if not who.human and not who.session:
                    return "an agent has to say which session it votes with"
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
    hands, tasks = _made_by(run, (used.place for used in run.phase(phase.key).consumed), view)
    principals, families = set(hands), set[str]()
    for name in sorted(tasks):
        task = view.read(TASK, StreamId(name))
        if not isinstance(task, Task) or not task.tried_by:
            continue
        session = StreamId(task.tried_by[-1])
        state = view.read(SESSION, session)
        if isinstance(state, Session):
            principals.add(state.opened.owner)
            families |= {session, *ancestors(view, session)}
    return frozenset(principals), frozenset(families)


def _made_by(run: Run, places: Iterable[str], view: View) -> tuple[set[str], set[str]]:
    """Principals who said by hand what places are, and tasks that made them: in whichever run that was done."""
    hands, tasks = set[str](), set[str]()
    ways = deque((run, place) for place in places)
    while ways:
        here, around = ways.popleft()
        for place in here.places(around):
            state = here.phase(place)
            voted = state.gate is not None and bool(state.gate.decision)
            if state.resolved_by and not voted:
                hands.add(state.resolved_by)
                continue
            tasks |= {state.task} - {""}
            child = view.read(RUN, StreamId(state.child)) if state.child else None
            if isinstance(child, Run):
                ways += ((child, one.key) for one in child.queued.definition.phases)
            source = view.read(RUN, StreamId(state.adopted_from)) if state.adopted_from else None
            if isinstance(source, Run):
                there = source.now_at(state.adopted_as or place)
                ways.append((source, there))
                # It may have been done anew there since: whoever ever worked on it counts.
                tasks |= {task for task, one in source.tasks.items() if one.partition("/")[0] == there}
    return hands, tasks
