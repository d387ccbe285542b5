"""What exists already of that which a plan names: its own tasks, what they need, and tasks of other projects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from domain.dispatch.lookup import TASK_KEY, keys_of, states_of
from domain.dispatch.projects import known_projects
from domain.kernel.decider import View
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Stamp
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.task.commands import Need, PlannedTask
from domain.task.state import Task

LIKENESS: Final = "likeness"
"""Kind of the unique names of work beyond plans (``idempotency_key``), in the scope of their project."""


class Needed(NamedTuple):
    """A task that exists and is needed; ``project`` is empty for the plan's own."""

    stream: StreamId
    task: Task
    project: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that the plan names and that exists."""

    ids: Mapping[str, StreamId]
    """By key, of this project."""
    tasks: Mapping[str, Task]
    """By key, of this project; a task of the plan whose work was planned before stands here as that task."""
    likenesses: frozenset[str] = frozenset()
    """Keys of the plan that stand for work which was planned before under the same idempotency key."""
    foreign: Mapping[tuple[str, str], Needed] = field(default_factory=dict[tuple[str, str], Needed])
    """By what the plan calls the project and by key."""
    projects: Mapping[str, str] = field(default_factory=dict[str, str])
    """Ids of the other projects, as the plan calls them."""

    def needed(self, need: Need) -> Needed | None:
        """What exists of a need; None where it is yet to be planned or unknown."""
        if need.project:
            return self.foreign.get((need.project, need.task))
        task = self.tasks.get(need.task)
        return None if task is None else Needed(self.ids[need.task], task)


def own_tasks(tasks: Sequence[PlannedTask], project: ProjectId, name: str) -> tuple[PlannedTask, ...]:
    """The tasks with needs on the plan's own project said as such."""
    own = {str(project), name}
    if not any(need.project in own for task in tasks for need in task.needs):
        return tuple(tasks)
    return tuple(task.model_copy(update={"needs": tuple(_own(need, own) for need in task.needs)}) for task in tasks)


def _own(need: Need, own: set[str]) -> Need:
    return need.model_copy(update={"project": ""}) if need.project in own else need


def known_to(tasks: Sequence[PlannedTask], stamp: Stamp, view: View) -> Known:
    """What exists; whatever is not in memory is asked for in few rounds."""
    project = stamp.project
    named = [task.key for task in tasks]
    named += [need.task for task in tasks for need in task.needs if not need.project]
    named += [task.parent for task in tasks if task.parent is not None]
    alike = {task.idempotency_key: task.key for task in tasks if task.idempotency_key}
    projects = _granted(tasks, stamp, view)
    asked = [
        *((project, TASK_KEY, name) for name in dict.fromkeys(named)),
        *((project, LIKENESS, name) for name in alike),
        *_foreign_keys(tasks, projects),
    ]
    found = keys_of(view, asked)
    states = states_of(view, dict.fromkeys(found.values()))
    tasks_by_stream = {stream: state for stream, state in states.items() if isinstance(state, Task)}
    ids = {name: found[project, TASK_KEY, name] for name in named if (project, TASK_KEY, name) in found}
    like = {key: found[project, LIKENESS, name] for name, key in alike.items() if (project, LIKENESS, name) in found}
    # Work under another key: the plan's key leads to the task that was planned first.
    renamed = {key: stream for key, stream in like.items() if key not in ids}
    ids |= renamed
    return Known(
        ids=ids,
        tasks={name: tasks_by_stream[stream] for name, stream in ids.items() if stream in tasks_by_stream},
        likenesses=frozenset(renamed),
        foreign={
            (name, key): Needed(found[owner, TASK_KEY, key], tasks_by_stream[found[owner, TASK_KEY, key]], owner)
            for name, owner in projects.items()
            for key in _keys_in(tasks, name)
            if (owner, TASK_KEY, key) in found and found[owner, TASK_KEY, key] in tasks_by_stream
        },
        projects=projects,
    )


def _granted(tasks: Sequence[PlannedTask], stamp: Stamp, view: View) -> dict[str, ProjectId]:
    """Other projects that the plan names and that let this one need their tasks; the rest might as well not exist."""
    names = dict.fromkeys(need.project for task in tasks for need in task.needs if need.project)
    known = known_projects(view, names)
    return {name: owner for name, owner in known.items() if _grants(view, owner, stamp.project)}


def _grants(view: View, owner: ProjectId, asking: ProjectId) -> bool:
    state = view.read(PROJECT, StreamId(owner))
    return isinstance(state, Project) and asking in state.needs_granted


def _foreign_keys(tasks: Sequence[PlannedTask], projects: Mapping[str, ProjectId]) -> list[tuple[ProjectId, str, str]]:
    return [(owner, TASK_KEY, key) for name, owner in projects.items() for key in _keys_in(tasks, name)]


def _keys_in(tasks: Sequence[PlannedTask], project: str) -> dict[str, None]:
    return dict.fromkeys(need.task for task in tasks for need in task.needs if need.project == project)
