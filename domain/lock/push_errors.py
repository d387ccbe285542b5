"""Refusals of pushes: what a change to a branch touches that its session does not hold."""

from typing import ClassVar, Literal

from domain.kernel.errors import RefusalKind, Rejection
from domain.kernel.message import Message
from domain.lock.errors import Blocker


class PushFault(Message):
    """One resource that the change touches without a live exclusive lock of its session."""

    resource: str
    state: Literal["free", "held"]
    """``free`` of all, or ``held`` by somebody else."""
    blocker: Blocker | None = None
    """Who holds it."""


class PushUncovered(Rejection):
    """The change to {branch} of {repository} needs {resource}, {why}; resources that it does not hold: {total}.

    Run `signalbox lock acquire '{resource}' --session {session}`, or leave it out of the change; look again at what
    you changed without a lock, because somebody else may have changed it, too.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    AUDITED: ClassVar[bool] = True
    repository: str
    branch: str
    session: str
    resource: str
    """The first of them; what somebody else holds comes first."""
    why: str
    total: int
    """Among those that were asked about at once."""
    faults: tuple[PushFault, ...]
    """At most 16."""


class BranchProtected(Rejection):
    """{branch} of {repository} is protected: nobody rewrites or deletes it.

    Push commits on top of it, or have an administrator take it from the project's protected branches.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    repository: str
    branch: str
