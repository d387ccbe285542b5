"""That somebody wants what was said of a subject to be erased, and that it was."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event


class SubjectErasureAsked(Event):
    """Somebody wants it; a second person has to want it, too."""

    TYPE: ClassVar[str] = "subject.erasure_asked.v1"
    subject: str
    reason: str
    by: str
    """Principal."""
    at: Instant


class SubjectErased(Event):
    """The key of the subject is destroyed: what was said of it can be read nowhere any more."""

    TYPE: ClassVar[str] = "subject.erased.v1"
    subject: str
    reason: str
    asked_by: str
    by: str
    """Principal that wanted it second; the same where one person alone may."""
    at: Instant


ErasureEvent = SubjectErasureAsked | SubjectErased
"""They come to every kind of subject."""
