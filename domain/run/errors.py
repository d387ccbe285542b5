"""Refusals of a run."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class RunNotInState(Rejection):
    """The run {run} is {status}: {action} is not possible.

    Look at the run; it may have moved on since it was shown to you.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    status: str
    action: str


class PhaseNotInState(Rejection):
    """The phase {phase} of run {run} is {status}: {action} is not possible.

    Look at the run; it may have moved on since it was shown to you.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    phase: str
    status: str
    action: str


class RunMovedOn(Rejection):
    """The run {run} is at revision {revision}, not at {expected}: something happened since.

    Look at it again and decide anew, or ask without an expected revision.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    expected: int
    revision: int
