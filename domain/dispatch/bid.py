"""Bids: what a session offers to do a ready task for, in a project that gives out work by auction."""

from typing import Final

from domain.dispatch.errors import BidsTooMany, NoAuction
from domain.dispatch.fit import misfit
from domain.dispatch.lookup import find_readable, find_serving
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.message import Stamp
from domain.project.decider import read_project
from domain.task.commands import BidForTask
from domain.task.decider import phase_name
from domain.task.errors import TaskNotReady
from domain.task.holder_events import TaskBid
from domain.task.state import Ready
from domain.task.terms import Bid

BIDS_MAX: Final = 256
"""Sessions that may bid for one task at a time."""


def bid_for_task(command: BidForTask, stamp: Stamp, view: View) -> Decision:
    """Offer to do a ready task; a further bid of the session takes the place of the one before.

    The same bid again changes nothing. The bid wins nothing by itself: when the window of the task is over, the best
    one among sessions that wait for work gets it.
    """
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    session = find_serving(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    found = find_readable(view, stamp.project, command.task)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, task = found
    if project.settings.strategy != "auction":
        return refuse(NoAuction(project=project.name, strategy=project.settings.strategy))
    if not isinstance(task.phase, Ready):
        return refuse(TaskNotReady(task=command.task, status=phase_name(task)))
    unfit = misfit(command.session, session, task, stamp.time)
    if unfit is not None:
        return refuse(unfit)
    standing = task.bids.get(command.session)
    if standing is None and len(task.bids) >= BIDS_MAX:
        return refuse(BidsTooMany(task=command.task, most=BIDS_MAX))
    bid = Bid(
        incarnation=command.incarnation,
        cost_microdollars=command.cost_microdollars,
        confidence_percent=command.confidence_percent,
        at=stamp.time,
    )
    if standing is not None and bid == standing.model_copy(update={"at": stamp.time}):
        return Decision()
    return Decision((Write(stream, (TaskBid(session=command.session, bid=bid),), stamp.project),))
