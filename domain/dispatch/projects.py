"""Projects by slug or id through the view, many at once, and what one grants another."""

from collections.abc import Iterable

from domain.dispatch.lock_pools import pools_of_environments
from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision, StreamsMissing, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import FLEET, ProjectId, StreamId, is_type_id
from domain.kernel.message import Event, Stamp
from domain.lock.decider import LOCKS, claims_in
from domain.lock.errors import CaseRuleInUse
from domain.lock.events import CaseRuleSet
from domain.lock.state import LockSpace
from domain.project import decider as project
from domain.project.commands import GrantNeeds, NoticeBudget, RevokeNeeds, UpdateProject
from domain.project.decider import NAME_KIND, PROJECT
from domain.project.settings import Repository
from domain.project.state import Project


def find_projects(view: View, names: Iterable[str], stamp: Stamp) -> tuple[ProjectId, ...] | UnknownThing:
    """The ids in the order of the names, each once, or the first that is unknown or that the caller may not know of."""
    wanted = dict.fromkeys(names)
    known = known_projects(view, wanted)
    unknown = next((name for name in wanted if name not in known or not _may_know(stamp, known[name])), None)
    if unknown is not None:
        return UnknownThing(kind="project", name=unknown)
    return tuple(dict.fromkeys(known[name] for name in wanted))


def update(command: UpdateProject, stamp: Stamp, view: View) -> Decision:
    """Settings as asked, and what follows from them for locks: each pool of environments is a pool of units that can be
    held, and whether a repository ignores letter case is a rule of the lock space."""
    decision = project.update(command, stamp, view)
    if decision.rejection is not None or (command.repositories is None and command.environment_pools is None):
        return decision
    stream = lock_stream(stamp.project)
    space = view.read(LOCKS, stream)
    pools = pools_of_environments(command.environment_pools or (), space, stamp)
    rule = None if command.repositories is None else _case_rule(command.repositories, space, stamp)
    for one in (pools, rule):
        if isinstance(one, Rejection):
            return refuse(one)
    events: list[Event] = [one for one in (rule,) if isinstance(one, Event)]
    events += pools if isinstance(pools, list) else []
    written = (Write(stream, tuple(events), stamp.project),) if events else ()
    return Decision((*decision.writes, *written), decision.answer)


def _case_rule(repositories: tuple[Repository, ...], space: LockSpace, stamp: Stamp) -> CaseRuleSet | Rejection | None:
    """It changes only while nobody holds or waits for anything there: no live claim changes its meaning."""
    ignoring = frozenset(one.name for one in repositories if one.ignores_case)
    if ignoring == space.ignoring_case:
        return None
    used = claims_in(space, ignoring ^ space.ignoring_case)
    if used:
        return CaseRuleInUse(claim=used[0], claims=len(used))
    return CaseRuleSet(ignoring_case=tuple(sorted(ignoring)), at=stamp.time)


def grant_needs(command: GrantNeeds, stamp: Stamp, view: View) -> Decision:
    """Let another project need tasks of this one; one that does not exist is refused."""
    found = find_projects(view, (command.to,), stamp)
    return refuse(found) if isinstance(found, UnknownThing) else project.grant_needs(found[0], stamp, view)


def revoke_needs(command: RevokeNeeds, stamp: Stamp, view: View) -> Decision:
    """Take the grant back."""
    found = find_projects(view, (command.to,), stamp)
    return refuse(found) if isinstance(found, UnknownThing) else project.revoke_needs(found[0], stamp, view)


def notice_budget(_: NoticeBudget, stamp: Stamp, view: View) -> Decision:
    """Compare what the project has spent with its soft budget."""
    return project.notice_budget(view.read(LOCKS, lock_stream(stamp.project)).spent, stamp, view)


def _may_know(stamp: Stamp, project: ProjectId) -> bool:
    return stamp.sees is None or project in stamp.sees


def known_projects(view: View, names: Iterable[str]) -> dict[str, ProjectId]:
    """The ids of those names that exist; what is not in memory is asked for all at once."""
    found: dict[str, ProjectId | None] = {}
    streams: list[StreamId] = []
    keys: list[tuple[ProjectId, str, str]] = []
    for name in dict.fromkeys(names):
        try:
            found[name] = _find(view, name)
        except StreamsMissing as needed:
            streams.extend(needed.streams)
            keys.extend(needed.keys)
    if streams or keys:
        raise StreamsMissing(tuple(streams), tuple(keys))
    return {name: one for name, one in found.items() if one is not None}


def _find(view: View, name: str) -> ProjectId | None:
    if not is_type_id(name, "proj"):
        stream = view.key(FLEET, NAME_KIND, name)
        return None if stream is None else ProjectId(stream)
    return ProjectId(name) if isinstance(view.read(PROJECT, StreamId(name)), Project) else None
