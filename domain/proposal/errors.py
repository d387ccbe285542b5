"""Refusals of a proposal."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class ProposalContradictory(Rejection):
    """The proposal could not be answered: {reason}.

    Correct it and ask again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    reason: str


class BallotRefused(Rejection):
    """You may not do that with the proposal {proposal}: {reason}.

    Ask somebody who may; `signalbox proposal show` tells who.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    proposal: str
    reason: str


class NoSuchOption(Rejection):
    """The proposal {proposal} has no option {choice}, only {options}.

    Choose one of these, or none.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    proposal: str
    choice: str
    options: str


class ProposalOver(Rejection):
    """The proposal {proposal} is {outcome} already.

    Open another one if the question stands again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    proposal: str
    outcome: str


class ProposalErased(Rejection):
    """What was said of the proposal {proposal} was erased; nothing is done with it any more.

    Open another one if the question stands again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    proposal: str


class ProposalUnsettled(Rejection):
    """The proposal {proposal} is open, and those who may vote still need what was said of it.

    Withdraw it, and erase it then.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    proposal: str
