"""The check point of git: whether the session behind a commit or a push holds all that it touches."""

from collections.abc import Iterable, Iterator
from typing import Final

from domain.dispatch.lock_checks import ResourceChecked, checked, owner_of_token
from domain.dispatch.lookup import find_session, lock_stream
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import PrincipalId, StreamId, is_type_id
from domain.kernel.message import Answer, Stamp
from domain.lock.commands import CheckPush
from domain.lock.decider import LOCKS
from domain.lock.entries import Owner
from domain.lock.errors import BadPattern, Blocker, LockTokenFenced, TooComplex
from domain.lock.overlap import StepBudget, covers
from domain.lock.push_errors import BranchProtected, PushFault, PushUncovered
from domain.lock.resource import Resource, parse_in
from domain.lock.segment import escaped
from domain.lock.state import LockSpace
from domain.project.decider import read_project
from domain.session.decider import SESSION, live
from domain.session.errors import NotSessionOwner
from domain.session.state import Absent, Session

FAULTS_TOLD_MAX: Final = 16


class PushChecked(Answer):
    """The session holds all that the change touches."""

    branch_held: bool
    """Whether it also holds the branch itself."""


def check(command: CheckPush, stamp: Stamp, view: View) -> Decision:
    """Whether the change may be made; everything that it touches and does not hold refuses it as a whole."""
    session = _pushing(command, stamp, view)
    if isinstance(session, Rejection):
        return refuse(session)
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    space = view.read(LOCKS, lock_stream(stamp.project))
    owner = owner_of_token(command, space, session, stamp, view)
    if owner is None:
        return refuse(LockTokenFenced(token=command.token, session=command.session))
    protected = _is_protected(command, project.settings.protected_branches, space)
    if protected and command.change in ("rewrite", "delete"):
        return refuse(BranchProtected(repository=command.repository, branch=command.branch))
    return _checked(command, space, owner, stamp, protected=protected)


def _pushing(command: CheckPush, stamp: Stamp, view: View) -> Session | Rejection:
    """The live session that pushes: the asker's own, or the one that a git server asks about."""
    if not command.on_behalf:
        return find_session(view, command.session, command.incarnation, stamp)
    absent = UnknownThing(kind="session", name=command.session)
    if not is_type_id(command.session, "sess"):
        return absent
    state = view.read(SESSION, StreamId(command.session))
    if isinstance(state, Absent) or stamp.project not in state.opened.projects:
        return absent
    if command.pusher not in ("", state.opened.owner):
        return NotSessionOwner(session=command.session)
    as_owner = stamp._replace(principal=PrincipalId(state.opened.owner))
    return live(state, command.session, command.incarnation, as_owner)


def _checked(command: CheckPush, space: LockSpace, owner: Owner, stamp: Stamp, *, protected: bool) -> Decision:
    budget = StepBudget()
    branch = checked(space, owner, _branch(command), stamp, budget)
    if isinstance(branch, Rejection):
        return refuse(branch)
    is_held = branch.state == "covered"
    counts = command.change != "commit" and (branch.state == "held" or (protected and not is_held))
    found: list[ResourceChecked] = [branch] if counts else []
    for text in _paths(command, (*command.paths, *(() if is_held else command.merged))):
        one = checked(space, owner, text, stamp, budget)
        if isinstance(one, BadPattern | TooComplex):
            return refuse(one)
        if one.state != "covered":
            found.append(one)
    return refuse(_uncovered(command, found)) if found else Decision(answer=PushChecked(branch_held=is_held))


def _uncovered(command: CheckPush, found: list[ResourceChecked]) -> PushUncovered:
    found = sorted(found, key=lambda one: one.state != "held")
    first = found[0]
    return PushUncovered(
        repository=command.repository,
        branch=command.branch,
        session=command.session,
        resource=first.resource,
        why="which nobody holds" if first.blocker is None else _held_by(first.blocker),
        total=len(found),
        faults=tuple(_faults(found[:FAULTS_TOLD_MAX])),
    )


def _faults(found: Iterable[ResourceChecked]) -> Iterator[PushFault]:
    for one in found:
        yield PushFault(resource=one.resource, state="held" if one.state == "held" else "free", blocker=one.blocker)


def _held_by(blocker: Blocker) -> str:
    task = f" for {blocker.task}" if blocker.task else ""
    purpose = f" ({blocker.purpose})" if blocker.purpose else ""
    gone = "" if blocker.lingers_until is None else " whose owner is gone"
    return f"which {blocker.session}{task}{purpose} holds as {blocker.held}{gone} since {blocker.age_seconds} s"


def _branch(command: CheckPush) -> str:
    return f"branch:{command.repository}//{_literal(command.branch)}"


def _paths(command: CheckPush, paths: tuple[str, ...]) -> Iterator[str]:
    """As locks name them; on that branch only, so that a lock on it alone covers them, and one on another does not."""
    for path in dict.fromkeys(paths):
        yield f"path:{command.repository}@{command.branch}//{_literal(path)}"


def _literal(path: str) -> str:
    return "/".join(escaped(name) for name in path.split("/"))


def _is_protected(command: CheckPush, patterns: tuple[str, ...], space: LockSpace) -> bool:
    """Whether the name is one of the project's protected branches, which may have wildcards."""
    return any(
        pattern == command.branch or _matches(command.repository, pattern, command.branch, space)
        for pattern in patterns
    )


def _matches(repository: str, pattern: str, branch: str, space: LockSpace) -> bool:
    claim = parse_in(f"branch:{repository}//{pattern}", space.ignoring_case)
    name = parse_in(f"branch:{repository}//{_literal(branch)}", space.ignoring_case)
    if not isinstance(claim, Resource) or not isinstance(name, Resource):
        return False
    return covers(claim, [segment for segment in name.segments if isinstance(segment, str)])
