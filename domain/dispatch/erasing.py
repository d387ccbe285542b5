"""Erasing what was said of a subject: who may, when, and that a second person wants it, too."""

from typing import Final

from domain.dispatch.erasable import Going, Subject, going, subject_of
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.erasure_events import SubjectErased, SubjectErasureAsked
from domain.kernel.errors import Rejection
from domain.kernel.ids import StreamId, is_type_id
from domain.kernel.message import Answer, Stamp
from domain.principal.decider import KEY
from domain.principal.state import Key
from domain.task.commands import EraseSubject

NAMED_MAX: Final = 200
"""Subjects that go with another one and are named in an answer."""


class ErasureTaken(Answer):
    """Whether the words are gone, or wait for a second person to want it."""

    subject: str
    """Id."""
    erased: bool
    asked_by: str
    """Principal that wanted it first."""
    stays_readable: bool
    """Whether words stay readable for ever in the log, in its copies, in exports and in the past of read models: those
    of a subject that began before there were keys are not under one. The present is rid of them all the same."""
    with_it: tuple[str, ...] = ()
    """Ids of what goes with it, because it has copies of the words; the first 200."""
    with_it_total: int = 0
    """How many these are."""


def erase_subject(command: EraseSubject, stamp: Stamp, view: View) -> Decision:
    """The first person asks for it, another one does it; the owner of a local installation is alone and does both.

    A subject that is erased already changes nothing, nor does asking twice. A dry run only tells what would go.
    """
    found = subject_of(command.subject, stamp, view)
    if isinstance(found, Rejection):
        return refuse(found)
    if found.erased:
        return Decision(answer=_taken(found, Going((found.stream,)), found.asked_by, erased=True))
    goes = going(found, command.subject, stamp, view)
    if isinstance(goes, Rejection):
        return refuse(goes)
    first = found.asked_by or stamp.principal
    if command.dry_run:
        return Decision(answer=_taken(found, goes, found.asked_by, erased=False))
    if found.asked_by in ("", stamp.principal) and not _is_alone(stamp, view):
        asked = SubjectErasureAsked(subject=found.stream, reason=command.reason, by=stamp.principal, at=stamp.time)
        writes = () if found.asked_by else (Write(found.stream, (asked,)),)
        return Decision(writes, _taken(found, goes, stamp.principal, erased=False))
    said = {"reason": command.reason, "asked_by": first, "by": stamp.principal, "at": stamp.time}
    erased = (Write(stream, (SubjectErased.model_validate({**said, "subject": stream}),)) for stream in goes.streams)
    return Decision((*erased, *goes.copies), _taken(found, goes, first, erased=True))


def _taken(subject: Subject, goes: Going, asked_by: str, *, erased: bool) -> ErasureTaken:
    others = goes.streams[1:]
    return ErasureTaken(
        subject=subject.stream,
        erased=erased,
        asked_by=asked_by,
        stays_readable=not subject.under_key,
        with_it=others[:NAMED_MAX],
        with_it_total=len(others),
    )


def _is_alone(stamp: Stamp, view: View) -> bool:
    """Whether the caller is the one person who holds every role."""
    key = view.read(KEY, StreamId(stamp.principal)) if is_type_id(stamp.principal, "key") else KEY.initial
    return isinstance(key, Key) and key.issued.role == "owner"
