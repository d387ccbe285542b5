"""What can be erased: whose words are under one key, what has to have settled before, and what goes with it."""

from collections.abc import Iterable
from typing import NamedTuple

from domain.dispatch.lookup import find_task, read_all, states_of
from domain.dispatch.proposal_rules import find_proposal
from domain.dispatch.run_verbs import find_run
from domain.fact.decider import TOPIC, topic_of
from domain.kernel.decider import View, Write
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import ProjectId, StreamId, is_type_id
from domain.kernel.message import Stamp
from domain.kernel.sealing import ERASED, blank
from domain.proposal.decider import PROPOSAL
from domain.proposal.errors import ProposalUnsettled
from domain.proposal.state import Proposal
from domain.run.errors import RunInside, RunUnsettled
from domain.run.evolve import RUN
from domain.run.state import TERMINAL, Run
from domain.session.decider import SESSION, is_live
from domain.session.errors import SessionOfOthers, SessionUnsettled
from domain.session.state import Session
from domain.task.aggregate import rests
from domain.task.decider import phase_name
from domain.task.errors import TaskUnsettled, WordsOfRun
from domain.task.state import Task


class Subject(NamedTuple):
    """Somebody or something of which words are kept under a key."""

    stream: StreamId
    asked_by: str
    """Who wanted it erased first; empty where nobody did."""
    erased: bool
    under_key: bool
    """False where words of it were stored before there were keys for its kind."""


class Going(NamedTuple):
    """What is erased in one append."""

    streams: tuple[StreamId, ...]
    """Subjects, the one that was named first."""
    copies: tuple[Write, ...] = ()
    """What is said once more where others look, without the words."""


def subject_of(name: str, stamp: Stamp, view: View) -> Subject | Rejection:
    """The subject with that id, or the task with that key; one that was never of the project does not exist here."""
    stream = StreamId(name)
    if is_type_id(name, RUN.prefix):
        run = find_run(view, name, stamp)
        if isinstance(run, UnknownThing):
            return run
        return Subject(stream, run.erasure_asked_by, run.erased, run.queued.under_key)
    if is_type_id(name, PROPOSAL.prefix):
        asked = find_proposal(view, name, stamp)
        if isinstance(asked, UnknownThing):
            return asked
        return Subject(stream, asked.erasure_asked_by, asked.erased, asked.opened.under_key)
    if is_type_id(name, SESSION.prefix):
        session = view.read(SESSION, stream)
        if not isinstance(session, Session) or stamp.project not in session.served:
            return UnknownThing(kind="session", name=name)
        return Subject(stream, session.erasure_asked_by, session.erased, session.opened.under_key)
    found = find_task(view, stamp.project, name)
    if isinstance(found, UnknownThing):
        return found
    stream, task = found
    return Subject(stream, task.erasure_asked_by, task.erased, task.plan.under_key)


def going(subject: Subject, name: str, stamp: Stamp, view: View) -> Going | Rejection:
    """What goes, once nobody may need it any more."""
    if is_type_id(subject.stream, RUN.prefix):
        return _of_run(subject.stream, stamp, view)
    if is_type_id(subject.stream, PROPOSAL.prefix):
        return _of_proposal(subject.stream, view)
    if is_type_id(subject.stream, SESSION.prefix):
        return _of_session(subject.stream, stamp, view)
    return _of_task(subject.stream, name, stamp, view)


def _of_task(stream: StreamId, name: str, stamp: Stamp, view: View) -> Going | Rejection:
    found = find_task(view, stamp.project, stream)
    if isinstance(found, UnknownThing):
        return found
    task = found[1]
    if task.plan.origin is not None:
        return WordsOfRun(task=name, run=_outermost(StreamId(task.plan.origin.run), view))
    if not rests(task):
        return TaskUnsettled(task=name, status=phase_name(task))
    return Going((stream,))


def _of_proposal(stream: StreamId, view: View) -> Going | Rejection:
    proposal = view.read(PROPOSAL, stream)
    is_open = isinstance(proposal, Proposal) and not proposal.outcome
    return ProposalUnsettled(proposal=stream) if is_open else Going((stream,))


def _of_session(stream: StreamId, stamp: Stamp, view: View) -> Going | Rejection:
    """The session with its messages in every project, so it takes somebody who administers all of them."""
    session = view.read(SESSION, stream)
    if isinstance(session, Session) and stamp.sees is not None and not stamp.sees.issuperset(session.served):
        return SessionOfOthers(session=stream)
    if isinstance(session, Session) and is_live(session):
        return SessionUnsettled(session=stream, status=session.status)
    return Going((stream,))


def _of_run(stream: StreamId, stamp: Stamp, view: View) -> Going | Rejection:
    """The run with its tasks, the runs inside of it, and those that took back what they did: each has copies."""
    root = _outermost(stream, view)
    if root != stream:
        return RunInside(run=stream, root=root)
    runs = _family(stream, view)
    open_run = next(((name, run) for name, run in runs.items() if run.status not in TERMINAL), None)
    if open_run is not None:
        return RunUnsettled(run=stream, part=f"The run {open_run[0]}", status=open_run[1].status)
    tasks = states_of(view, (StreamId(name) for name in _sorted(task for run in runs.values() for task in run.tasks)))
    left = {name: task for name, task in tasks.items() if isinstance(task, Task) and not task.erased}
    open_task = next(((name, task) for name, task in left.items() if not rests(task)), None)
    if open_task is not None:
        return RunUnsettled(run=stream, part=f"Its task {open_task[0]}", status=phase_name(open_task[1]))
    inside = (name for name, run in runs.items() if name != stream and not run.erased)
    return Going((stream, *inside, *left), tuple(_unsaid(runs, stamp, view)))


def _outermost(stream: StreamId, view: View) -> StreamId:
    """The run that nobody began, and that takes nothing back."""
    run = view.read(RUN, stream)
    if isinstance(run, Run) and run.queued.parent is not None:
        return _outermost(StreamId(run.queued.parent.root), view)
    if isinstance(run, Run) and run.queued.rolls_back:
        return _outermost(StreamId(run.queued.rolls_back), view)
    return stream


def _family(stream: StreamId, view: View) -> dict[StreamId, Run]:
    """The run and all runs inside of it or that took it back, level by level; what was never begun is not there."""
    found: dict[StreamId, Run] = {}
    level: tuple[StreamId, ...] = (stream,)
    while level:
        states = read_all(view, RUN, level)
        runs = {name: state for name, state in states.items() if isinstance(state, Run)}
        found |= runs
        names = _sorted(name for run in runs.values() for name in (*run.children, run.rolled_back_by) if name)
        level = tuple(StreamId(name) for name in names if StreamId(name) not in found)
    return found


def _unsaid(runs: dict[StreamId, Run], stamp: Stamp, view: View) -> Iterable[Write]:
    """The topics that still say what one of the runs has said, without it."""
    for name, run in runs.items():
        for key in dict.fromkeys(("", run.queued.correlation_key)):
            topic = topic_of(run.queued.project, run.queued.pipeline, key)
            latest = view.read(TOPIC, topic).latest
            if latest is not None and latest.run == name and latest.output:
                bare = latest.model_copy(update={"output": blank("json", ERASED), "at": stamp.time})
                yield Write(topic, (bare,), ProjectId(run.queued.project))


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(set(names))
