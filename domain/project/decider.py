"""What a project decides: that it exists under a name of its own, and whether it is frozen."""

from typing import Final, assert_never

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate, Decision, View, Write, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import FLEET, ProjectId, StreamId, derived_id
from domain.kernel.message import Answer, Event, KeyRow, Stamp
from domain.kernel.values import Spend
from domain.project.commands import (
    CreateProject,
    FreezeProject,
    RemoveBookmark,
    SetBookmark,
    UnfreezeProject,
    UpdateProject,
)
from domain.project.errors import BookmarksLimited, GrantsLimited, ProjectNameTaken, SettingsUnfit
from domain.project.events import (
    ProjectBookmarkRemoved,
    ProjectBookmarkSet,
    ProjectBudgetNoticed,
    ProjectCreated,
    ProjectFrozen,
    ProjectNeedsGranted,
    ProjectNeedsRevoked,
    ProjectSet,
    ProjectUnfrozen,
)
from domain.project.settings import ProjectSettings
from domain.project.state import Absent, Project, ProjectState

NAME_KIND: Final = "project"
"""Kind of the unique names of projects."""

GRANTS_MAX: Final = 1_000
"""Projects that one project may let need its tasks."""

BOOKMARKS_MAX: Final = 1_000
"""Names for positions in one project."""

ProjectEvent = (
    ProjectCreated
    | ProjectFrozen
    | ProjectUnfrozen
    | ProjectSet
    | ProjectBudgetNoticed
    | ProjectNeedsGranted
    | ProjectNeedsRevoked
    | ProjectBookmarkSet
    | ProjectBookmarkRemoved
)


class ProjectNamed(Answer):
    """The project that carries the name."""

    project: str
    created: bool


def evolve(state: ProjectState, event: ProjectEvent) -> ProjectState:
    """The project after the event."""
    if isinstance(event, ProjectCreated):
        return Project(event.name, event.lock_delay_seconds, event.at)
    if isinstance(state, Absent):
        return state
    match event:
        case ProjectFrozen():
            return replace(state, frozen=True)
        case ProjectUnfrozen():
            return replace(state, frozen=False)
        case ProjectSet():
            same = event.settings.budget_soft == state.settings.budget_soft
            return replace(state, settings=event.settings, budget_noticed=state.budget_noticed and same)
        case ProjectBudgetNoticed():
            return replace(state, budget_noticed=True)
        case ProjectNeedsGranted():
            return replace(state, needs_granted=tuple(sorted({*state.needs_granted, event.to})))
        case ProjectNeedsRevoked():
            return replace(state, needs_granted=tuple(one for one in state.needs_granted if one != event.to))
        case ProjectBookmarkSet():
            return replace(state, bookmarks=state.bookmarks.set(event.name, event.position))
        case ProjectBookmarkRemoved():
            known = event.name in state.bookmarks
            return replace(state, bookmarks=state.bookmarks.delete(event.name)) if known else state
        case _:
            assert_never(event)


PROJECT: Final[Aggregate[ProjectState]] = Aggregate(
    prefix="proj",
    initial=Absent(),
    evolve=evolve,
    state_type=ProjectState,
    snapshot_every=1_000,
    snapshot_version=2,
)


def create(command: CreateProject, stamp: Stamp, view: View) -> Decision:
    """A project under a free name; the same settings again change nothing."""
    taken = view.key(FLEET, NAME_KIND, command.name)
    if taken is not None:
        return _existing(command, taken, view)
    stream = derived_id("proj", stamp.time, stamp.key)
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


def update(command: UpdateProject, stamp: Stamp, view: View) -> Decision:
    """Settings as asked; asking for what holds already changes nothing."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    settings = command.applied_to(project.settings)
    flaw = _flaw_of(settings)
    if flaw is not None:
        return refuse(SettingsUnfit(reason=flaw))
    before, after = dict(project.settings), dict(settings)
    changed = tuple(name for name in after if after[name] != before[name])
    if not changed:
        return Decision()
    return _written(stamp, (ProjectSet(settings=settings, changed=changed, by=stamp.principal, at=stamp.time),))


def _flaw_of(settings: ProjectSettings) -> str | None:
    for what, names in (
        ("repositories", [one.name for one in settings.repositories]),
        ("environment pools", [one.name for one in settings.environment_pools]),
        ("protected branches", list(settings.protected_branches)),
        *((f"members of {pool.name}", list(pool.members)) for pool in settings.environment_pools),
    ):
        if len(set(names)) < len(names):
            return f"two {what} have one name"
    for unit in ("tokens", "cost_microdollars"):
        soft, hard = getattr(settings.budget_soft, unit), getattr(settings.budget_hard, unit)
        if soft is not None and hard is not None and soft > hard:
            return f"the soft bound of {unit} is above the hard one"
    return None


def notice_budget(spent: Spend, stamp: Stamp, view: View) -> Decision:
    """Tell a person, once, that what was spent has reached the soft budget."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    soft = project.settings.budget_soft
    for unit, limit, gone in (
        ("tokens", soft.tokens, spent.tokens),
        ("micro-dollars", soft.cost_microdollars, spent.cost_microdollars),
    ):
        if limit is not None and gone >= limit and not project.budget_noticed:
            return _written(stamp, (ProjectBudgetNoticed(unit=unit, spent=gone, limit=limit, at=stamp.time),))
    return Decision()


def grant_needs(to: ProjectId, stamp: Stamp, view: View) -> Decision:
    """Another project may need tasks of this one; granting it twice changes nothing."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    if to in project.needs_granted or to == stamp.project:
        return Decision()
    if len(project.needs_granted) >= GRANTS_MAX:
        return refuse(GrantsLimited(most=GRANTS_MAX))
    return _written(stamp, (ProjectNeedsGranted(to=to, at=stamp.time),))


def revoke_needs(to: ProjectId, stamp: Stamp, view: View) -> Decision:
    """Nothing further of another project may need tasks of this one."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    granted = to in project.needs_granted
    return _written(stamp, (ProjectNeedsRevoked(to=to, at=stamp.time),) if granted else ())


def set_bookmark(command: SetBookmark, stamp: Stamp, view: View) -> Decision:
    """Name a position; the same again changes nothing."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    if project.bookmarks.get(command.name) == command.position:
        return Decision()
    if command.name not in project.bookmarks and len(project.bookmarks) >= BOOKMARKS_MAX:
        return refuse(BookmarksLimited(most=BOOKMARKS_MAX))
    named = ProjectBookmarkSet(name=command.name, position=command.position, by=stamp.principal, at=stamp.time)
    return _written(stamp, (named,))


def remove_bookmark(command: RemoveBookmark, stamp: Stamp, view: View) -> Decision:
    """Take a name back; one that stands for nothing changes nothing."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    if command.name not in project.bookmarks:
        return Decision()
    return _written(stamp, (ProjectBookmarkRemoved(name=command.name, by=stamp.principal, at=stamp.time),))


def read_project(stamp: Stamp, view: View) -> Project | UnknownThing:
    """The project that the stamp names."""
    state = view.read(PROJECT, StreamId(stamp.project))
    return UnknownThing(kind="project", name=stamp.project) if isinstance(state, Absent) else state


def _written(stamp: Stamp, events: tuple[Event, ...]) -> Decision:
    return Decision(writes=(Write(StreamId(stamp.project), events, stamp.project),)) if events else Decision()
