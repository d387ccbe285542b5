"""Where what was said of a subject is kept beside its own stream, by the kind of the subject."""

from collections.abc import Iterable, Iterator, Sequence

import orjson

from domain.fact.decider import topic_of
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection
from domain.kernel.ids import ProjectId, StreamId, is_type_id
from domain.note.decider import board_stream, inbox_stream
from domain.proposal.decider import PROPOSAL
from domain.proposal.errors import ProposalErased
from domain.run.errors import RunErased
from domain.run.events import RunQueued
from domain.run.evolve import RUN
from domain.session.decider import SESSION
from domain.session.errors import SessionErased
from domain.session.events import SessionOpened
from domain.task.errors import TaskErased
from domain.task.events import TaskPlanned
from infrastructure.log.port import LogRow


def other_streams(subject: str, own: Iterable[LogRow]) -> Sequence[str]:
    """Streams beside its own that may say something of it, as its own events tell; in order, each once."""
    return tuple(dict.fromkeys(_others(subject, own)))


def _others(subject: str, own: Iterable[LogRow]) -> Iterator[str]:
    if is_type_id(subject, RUN.prefix):
        for row in own:
            if row.type == RunQueued.TYPE:
                said = orjson.loads(row.state)
                yield from (topic_of(said["project"], said["pipeline"], key) for key in ("", said["correlation_key"]))
        return
    if is_type_id(subject, SESSION.prefix):
        opened = (orjson.loads(row.state) for row in own if row.type == SessionOpened.TYPE)
        for project in dict.fromkeys(ProjectId(project) for one in opened for project in one["projects"]):
            yield from (inbox_stream(project, subject), board_stream(project))
        return
    if is_type_id(subject, PROPOSAL.prefix):
        return
    yield board_stream(StreamId(subject))
    yield from sorted({orjson.loads(row.state)["session"] for row in own if row.type == "task.claimed.v1"})


def asked_as(events: Iterable[Recorded]) -> Iterator[str]:
    """Names of the subject beside its id by which a command may have asked for it and changed nothing."""
    for one in events:
        if isinstance(one.event, TaskPlanned):
            yield one.event.key
        elif isinstance(one.event, RunQueued) and one.event.idempotency_key:
            yield one.event.idempotency_key


def erased(subject: str) -> Rejection:
    """What a repeat of a command is answered whose words went with the subject."""
    if is_type_id(subject, RUN.prefix):
        return RunErased(run=subject)
    if is_type_id(subject, SESSION.prefix):
        return SessionErased(session=subject)
    if is_type_id(subject, PROPOSAL.prefix):
        return ProposalErased(proposal=subject)
    return TaskErased(task=subject)
