"""Refusals of a question about the past."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class PointNotReadable(Rejection):
    """{text} names no point in time.

    Write a position as @1234, an instant as 2026-11-22T14:03:00Z, a time ago as -15m, an event as STREAM@VERSION, or
    a bookmark as PROJECT/NAME.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    text: str


class PointNotReached(Rejection):
    """The log ends at {head}, before {position}.

    Ask for an earlier point, or wait until the log has grown.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    position: int
    head: int


class EventsInBundle(Rejection):
    """The events @{first} to @{last} are archived in the bundle {bundle}, which cannot be read here: {trouble}.

    Put the bundle back, or ask it itself with `signalbox replay VERB --bundle FOLDER`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 410
    first: int
    last: int
    bundle: str
    trouble: str


class RangeNotClosed(Rejection):
    """The log up to @{position} cannot be archived: {reason}.

    Name an earlier point, or ask again later.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    position: int
    reason: str


class PointsReversed(Rejection):
    """{later} comes before {earlier}.

    Name the earlier point first.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    earlier: int
    later: int


class EditNotPossible(Rejection):
    """The copy cannot {what}: {reason}.

    Correct the file of edits; see docs/replay.md for its form.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    what: str
    reason: str


class ExpressionNotReadable(Rejection):
    """The expression cannot be used: {reason}.

    Write CEL, such as `state.phase.is == 'Running' && state.plan.priority > 3`; see docs/replay.md.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    reason: str


class FileBeingWritten(Rejection):
    """{file} is being written by another process.

    Name another file with --out, or wait until it is there.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    file: str
