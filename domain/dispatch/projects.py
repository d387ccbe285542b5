"""Projects by slug or id through the view, many at once, and what one grants another."""

from collections.abc import Iterable

from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision, StreamsMissing, View, Write, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import FLEET, ProjectId, StreamId, is_type_id
from domain.kernel.message import Stamp
from domain.lock.decider import LOCKS, claims_in
from domain.lock.errors import CaseRuleInUse
from domain.lock.events import CaseRuleSet
from domain.project import decider as project
from domain.project.commands import GrantNeeds, NoticeBudget, RevokeNeeds, UpdateProject
from domain.project.decider import NAME_KIND, PROJECT
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
    """Settings as asked. Whether a repository ignores letter case is a rule of the lock space, which decides by its own
    record of it, and changes only while nobody holds or waits for anything there: no live claim changes its meaning."""
    decision = project.update(command, stamp, view)
    if command.repositories is None or decision.rejection is not None:
        return decision
    ignoring = frozenset(one.name for one in command.repositories if one.ignores_case)
    space = view.read(LOCKS, lock_stream(stamp.project))
    if ignoring == space.ignoring_case:
        return decision
    used = claims_in(space, ignoring ^ space.ignoring_case)
    if used:
        return refuse(CaseRuleInUse(claim=used[0], claims=len(used)))
    rule = CaseRuleSet(ignoring_case=tuple(sorted(ignoring)), at=stamp.time)
    return Decision((*decision.writes, Write(lock_stream(stamp.project), (rule,), stamp.project)), decision.answer)


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
