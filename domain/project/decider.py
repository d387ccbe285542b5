"""What a project decides: that it exists under a name of its own, and whether it is frozen."""

from dataclasses import replace
from typing import Final, assert_never

from domain.kernel.decider import Aggregate, Decision, View, Write, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import FLEET, ProjectId, StreamId, derived_id
from domain.kernel.message import Answer, Event, KeyRow, Stamp
from domain.project.commands import CreateProject, FreezeProject, UnfreezeProject
from domain.project.errors import ProjectNameTaken
from domain.project.events import ProjectCreated, ProjectFrozen, ProjectUnfrozen
from domain.project.state import Absent, Project, ProjectState

NAME_KIND: Final = "project"
"""Kind of the unique names of projects."""

ProjectEvent = ProjectCreated | ProjectFrozen | ProjectUnfrozen


class ProjectNamed(Answer):
    """The project that carries the name."""

    project: str
    created: bool


def evolve(state: ProjectState, event: ProjectEvent) -> ProjectState:
    """The project after the event."""
    match event:
        case ProjectCreated():
            return Project(event.name, event.lock_delay_seconds, event.at)
        case ProjectFrozen():
            return state if isinstance(state, Absent) else replace(state, frozen=True)
        case ProjectUnfrozen():
            return state if isinstance(state, Absent) else replace(state, frozen=False)
        case _:
            assert_never(event)


PROJECT: Final[Aggregate[ProjectState]] = Aggregate(
    prefix="proj", initial=Absent(), evolve=evolve, state_type=ProjectState, snapshot_every=1_000
)


def create(command: CreateProject, stamp: Stamp, view: View) -> Decision:
    """A project under a free name; the same settings again change nothing."""
    taken = view.key(FLEET, NAME_KIND, command.name)
    if taken is not None:
        return _existing(command, taken, view)
    stream = derived_id("proj", stamp.time, (stamp.command_id,))
    created = ProjectCreated(name=command.name, lock_delay_seconds=command.lock_delay_seconds, at=stamp.time)
    return Decision(
        writes=(Write(stream, (created,), ProjectId(stream)),),
        answer=ProjectNamed(project=stream, created=True),
        keys=(KeyRow(scope=FLEET, kind=NAME_KIND, name=command.name, stream=stream),),
    )


def _existing(command: CreateProject, stream: StreamId, view: View) -> Decision:
    project = view.read(PROJECT, stream)
    if isinstance(project, Project) and project.lock_delay_seconds == command.lock_delay_seconds:
        return Decision(answer=ProjectNamed(project=stream, created=False))
    return refuse(ProjectNameTaken(name=command.name))


def freeze(command: FreezeProject, stamp: Stamp, view: View) -> Decision:
    """Nothing new is dispatched from here on; a frozen project stays as it is."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    return _written(stamp, () if project.frozen else (ProjectFrozen(reason=command.reason, at=stamp.time),))


def unfreeze(_: UnfreezeProject, stamp: Stamp, view: View) -> Decision:
    """Dispatch goes on; a project that is not frozen stays as it is."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    return _written(stamp, (ProjectUnfrozen(at=stamp.time),) if project.frozen else ())


def read_project(stamp: Stamp, view: View) -> Project | UnknownThing:
    """The project that the stamp names."""
    state = view.read(PROJECT, StreamId(stamp.project))
    return UnknownThing(kind="project", name=stamp.project) if isinstance(state, Absent) else state


def _written(stamp: Stamp, events: tuple[Event, ...]) -> Decision:
    return Decision(writes=(Write(StreamId(stamp.project), events, stamp.project),)) if events else Decision()
