"""Erasing what was said of a task: who may, when, and that a second person wants it, too."""

from domain.dispatch.lookup import find_task
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId, is_type_id
from domain.kernel.message import Answer, Stamp
from domain.principal.decider import KEY
from domain.principal.state import Key
from domain.task.aggregate import rests
from domain.task.commands import EraseSubject
from domain.task.decider import phase_name
from domain.task.erasure_events import SubjectErased, SubjectErasureAsked
from domain.task.errors import TaskUnsettled, WordsOfRun


class ErasureTaken(Answer):
    """Whether the words are gone, or wait for a second person to want it."""

    subject: str
    """Id of the task."""
    erased: bool
    asked_by: str
    """Principal that wanted it first."""
    stays_readable: bool
    """Whether words stay readable for ever in the log, in its copies, in exports and in the past of read models: those
    of a task that was planned before there were keys are not under one. The present is rid of them all the same."""


def erase_subject(command: EraseSubject, stamp: Stamp, view: View) -> Decision:
    """The first person asks for it, another one does it; the owner of a local installation is alone and does both.

    A task that is erased already changes nothing, nor does asking twice.
    """
    found = find_task(view, stamp.project, command.subject)
    if isinstance(found, UnknownThing):
        return refuse(found)
    stream, task = found
    stays = not task.plan.under_key
    if task.erased:
        first = task.erasure_asked_by
        return Decision(answer=ErasureTaken(subject=stream, erased=True, asked_by=first, stays_readable=stays))
    if task.plan.origin is not None:
        return refuse(WordsOfRun(task=command.subject, run=task.plan.origin.run))
    if not rests(task):
        return refuse(TaskUnsettled(task=command.subject, status=phase_name(task)))
    asked_by = task.erasure_asked_by
    if asked_by in ("", stamp.principal) and not _is_alone(stamp, view):
        answer = ErasureTaken(subject=stream, erased=False, asked_by=stamp.principal, stays_readable=stays)
        asked = SubjectErasureAsked(subject=stream, reason=command.reason, by=stamp.principal, at=stamp.time)
        return Decision((Write(stream, (asked,), stamp.project),) if not asked_by else (), answer)
    first = asked_by or stamp.principal
    erased = SubjectErased(subject=stream, reason=command.reason, asked_by=first, by=stamp.principal, at=stamp.time)
    answer = ErasureTaken(subject=stream, erased=True, asked_by=first, stays_readable=stays)
    return Decision((Write(stream, (erased,), stamp.project),), answer)


def _is_alone(stamp: Stamp, view: View) -> bool:
    """Whether the caller is the one person who holds every role."""
    key = view.read(KEY, StreamId(stamp.principal)) if is_type_id(stamp.principal, "key") else KEY.initial
    return isinstance(key, Key) and key.issued.role == "owner"
