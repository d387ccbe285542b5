"""A proposal without what was said of it."""

from typing import assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.erasure_events import ErasureEvent, SubjectErased, SubjectErasureAsked
from domain.kernel.sealing import ERASED
from domain.proposal.events import ProposalOpened
from domain.proposal.state import Proposal


def erasing(proposal: Proposal, event: ErasureEvent) -> Proposal:
    """The proposal whose words somebody wants erased, or without them."""
    match event:
        case SubjectErasureAsked():
            return replace(proposal, erasure_asked_by=event.by)
        case SubjectErased():
            return replace(_without_words(proposal), erasure_asked_by=event.asked_by)
        case _:
            assert_never(event)


def _without_words(proposal: Proposal) -> Proposal:
    """The proposal as a fold would make it that reads no words any more; who voted for what stays."""
    comments = Map((voter, _text(said)) for voter, said in proposal.comments.items())
    return replace(proposal, opened=_opened(proposal.opened), comments=comments, erased=True)


def _opened(opened: ProposalOpened) -> ProposalOpened:
    options = tuple(one.model_copy(update={"text": _text(one.text)}) for one in opened.options)
    return opened.model_copy(update={"question": ERASED, "options": options})


def _text(said: str) -> str:
    return ERASED if said else ""
