"""Issuing a key: a decision over the key and the projects that it opens."""

from domain.dispatch.projects import find_projects
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.principal.commands import IssueKey
from domain.principal.decider import KEY, issued
from domain.principal.errors import OwnerKeyNotForDoors
from domain.session.decider import POLICY_PREFIX


def issue_key(command: IssueKey, stamp: Stamp, view: View) -> Decision:
    """Record a key whose projects exist. An owner's key is made by the node itself, for its own data folder only."""
    if command.role == "owner" and not stamp.principal.startswith(POLICY_PREFIX):
        return refuse(OwnerKeyNotForDoors())
    projects = find_projects(view, command.projects, stamp)
    if isinstance(projects, UnknownThing):
        return refuse(projects)
    stream = StreamId(command.key)
    events = issued(view.read(KEY, stream), command, projects, stamp.time)
    if isinstance(events, Rejection):
        return refuse(events)
    return Decision((Write(stream, events),)) if events else Decision()
