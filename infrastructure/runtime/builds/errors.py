"""Refusals of what is asked of read models."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class BuildUnderWay(Rejection):
    """{projection} is being built already, as generation {generation} ({phase}).

    Wait until it ends, or give it up with `signalbox projections abandon {projection}`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    projection: str
    generation: int
    phase: str


class NothingBuilt(Rejection):
    """There is no built generation of {projection} that waits for anything.

    Build one with `signalbox projections rebuild {projection} --hold`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    projection: str


class DifferencesNotAccepted(Rejection):
    """Generation {generation} of {projection} differs from the live one in {differing} versions.

    Look at them with `signalbox projections show {projection}`; promote it with --accept-differences if they are right.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    projection: str
    generation: int
    differing: int


class NothingToReturnTo(Rejection):
    """There is no retired generation of {projection} with a table of this version.

    Build a new one with `signalbox projections rebuild {projection}`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    projection: str


class StreamNotParked(Rejection):
    """{stream} does not stand still in {projection}.

    List what does with `signalbox projections parked list`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    HTTP_STATUS: ClassVar[int] = 404
    projection: str
    stream: str


class StillPoisoned(Rejection):
    """{stream} still cannot be folded in {projection} @{position}: {error}.

    Leave that event out with `signalbox projections parked skip`, or mend the projection and try again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    projection: str
    stream: str
    position: int
    error: str
