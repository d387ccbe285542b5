"""Locks that a ready task asks for by itself, so that light work cannot starve it (tasks-and-sessions.md 5.2)."""

from domain.dispatch.fit import shut
from domain.dispatch.lookup import find_task, lock_stream
from domain.dispatch.starving import asks_for_itself, starves
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, StreamId
from domain.kernel.message import Stamp
from domain.lock.commands import RESERVATION_SECONDS, EndReservation, ReserveLocks
from domain.lock.decider import LOCKS, release
from domain.lock.entries import Owner
from domain.lock.requesting import enqueue
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.task.state import Ready, Task


def reserve(command: ReserveLocks, stamp: Stamp, view: View) -> Decision:
    """Queue the scope of a starving task with the task as its owner; nothing where it waits or has its locks already.

    It starves if the locks are still not free for the session that is named as one that could do it. What is granted
    is held for the task's next attempt, whoever makes it, and ends when nobody does in time.
    """
    found = find_task(view, stamp.project, command.task)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    return _queued(stream, task, command.session, stamp, view)


def end_reservation(command: EndReservation, stamp: Stamp, view: View) -> Decision:
    """Nobody came for the task in time: its locks are free, and it asks again behind all others while it is ready."""
    locks, token = lock_stream(stamp.project), int(command.token)
    space = view.read(LOCKS, locks)
    held = space.grants.get(token)
    if held is None or held.session or held.task is None or stamp.time < held.at + RESERVATION_SECONDS * SECOND:
        return Decision()
    freed = release(space, token, "expired", stamp.time)
    found = find_task(view, stamp.project, held.task)
    if isinstance(found, UnknownThing) or not isinstance(found[1].phase, Ready):
        return Decision((Write(locks, freed, stamp.project),))
    for event in freed:
        space = LOCKS.evolve(space, event)
    again = enqueue(space, Owner("", 0, held.task), held.claims, purpose=held.purpose, at=stamp.time)
    events = freed if isinstance(again, Rejection) else (*freed, again)
    return Decision((Write(locks, events, stamp.project),))


def _queued(stream: StreamId, task: Task, session: str, stamp: Stamp, view: View) -> Decision:
    locks, project = lock_stream(stamp.project), view.read(PROJECT, StreamId(stamp.project))
    space = view.read(LOCKS, locks)
    if not isinstance(project, Project) or shut(project) is not None or asks_for_itself(space, stream):
        return Decision()
    if not starves(task, session, space, stamp.time, view):
        return Decision()
    requested = enqueue(space, Owner("", 0, stream), task.plan.scope, purpose=task.plan.key, at=stamp.time)
    if isinstance(requested, Rejection):
        return refuse(requested)
    return Decision((Write(locks, (requested,), stamp.project),))
