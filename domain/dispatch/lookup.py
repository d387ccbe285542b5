"""Reading names and states through the view: many at once, and tasks by id or key, of one project only."""

from collections.abc import Iterable
from typing import Final

from domain.kernel.decider import Aggregate, S, StreamsMissing, View
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import ProjectId, StreamId, is_type_id, with_prefix
from domain.kernel.message import Stamp
from domain.session.decider import SESSION, live, serving
from domain.session.state import Session
from domain.task.decider import TASK
from domain.task.errors import TaskErased
from domain.task.state import Task, TaskState

TASK_KEY: Final = "task"
"""Kind of the unique names of tasks, in the scope of their project."""
UniqueName = tuple[ProjectId, str, str]
"""Scope, kind and name."""


def find_task(view: View, project: ProjectId, name: str) -> tuple[StreamId, Task] | UnknownThing:
    """The task with that id or key; one of another project does not exist here."""
    stream = StreamId(name) if is_type_id(name, "task") else view.key(project, TASK_KEY, name)
    state = None if stream is None else view.read(TASK, stream)
    if stream is None or not isinstance(state, Task) or state.plan.project != project:
        return UnknownThing(kind="task", name=name)
    return stream, state


def find_readable(view: View, project: ProjectId, name: str) -> tuple[StreamId, Task] | UnknownThing | TaskErased:
    """The same for whoever wants to do something with it: not once its words were erased."""
    found = find_task(view, project, name)
    return TaskErased(task=name) if not isinstance(found, UnknownThing) and found[1].erased else found


def find_session(view: View, session: str, incarnation: int, stamp: Stamp) -> Session | Rejection:
    """The live session behind an attempt, if the caller may speak for it, or why not."""
    if not is_type_id(session, "sess"):
        return UnknownThing(kind="session", name=session)
    return live(view.read(SESSION, StreamId(session)), session, incarnation, stamp)


def find_serving(view: View, session: str, incarnation: int, stamp: Stamp) -> Session | Rejection:
    """The live session, if it serves the project and the caller may speak for it."""
    if not is_type_id(session, "sess"):
        return UnknownThing(kind="session", name=session)
    return serving(view.read(SESSION, StreamId(session)), session, incarnation, stamp.project, stamp)


def lock_stream(project: ProjectId) -> StreamId:
    """The stream of a project's lock space."""
    return with_prefix("locks", project)


def keys_of(view: View, wanted: Iterable[UniqueName]) -> dict[UniqueName, StreamId]:
    """The streams of those unique names that exist; what is not in memory is asked for all at once."""
    found: dict[UniqueName, StreamId] = {}
    missing: list[UniqueName] = []
    for name in wanted:
        try:
            stream = view.key(*name)
        except StreamsMissing as needed:
            missing.extend(needed.keys)
            continue
        if stream is not None:
            found[name] = stream
    if missing:
        raise StreamsMissing(keys=tuple(missing))
    return found


def states_of(view: View, streams: Iterable[StreamId]) -> dict[StreamId, TaskState]:
    """The states of many tasks; those that are not in memory are asked for all at once."""
    return read_all(view, TASK, streams)


def sessions_of(view: View, streams: Iterable[StreamId]) -> dict[StreamId, Session]:
    """The sessions that exist among many, read as ``states_of`` reads tasks."""
    states = read_all(view, SESSION, streams)
    return {stream: state for stream, state in states.items() if isinstance(state, Session)}


def read_all(view: View, aggregate: Aggregate[S], streams: Iterable[StreamId]) -> dict[StreamId, S]:
    """The states of many streams of one kind; those that are not in memory are asked for all at once."""
    found: dict[StreamId, S] = {}
    missing: list[StreamId] = []
    for stream in streams:
        try:
            found[stream] = view.read(aggregate, stream)
        except StreamsMissing as needed:
            missing.extend(needed.streams)
    if missing:
        raise StreamsMissing(tuple(missing))
    return found
