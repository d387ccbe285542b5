"""A session without what was said of it."""

from typing import assert_never

from domain.kernel.change import replace
from domain.kernel.erasure_events import ErasureEvent, SubjectErased, SubjectErasureAsked
from domain.kernel.sealing import ERASED
from domain.session.events import SessionOpened
from domain.session.state import Session


def erasing(session: Session, event: ErasureEvent) -> Session:
    """The session whose words somebody wants erased, or without them."""
    match event:
        case SubjectErasureAsked():
            return replace(session, erasure_asked_by=event.by)
        case SubjectErased():
            opened = _opened(session.opened)
            return replace(session, opened=opened, erasure_asked_by=event.asked_by, erased=True)
        case _:
            assert_never(event)


def _opened(opened: SessionOpened) -> SessionOpened:
    said = {"name": opened.name, "worktree": opened.worktree}
    return opened.model_copy(update={field: ERASED for field, words in said.items() if words})
