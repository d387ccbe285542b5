"""Refusals of a question that cannot be answered as it was asked."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class RequestRefused(Exception):
    """Carries the refusal of a question to the door that asked it."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.message())
        self.rejection = rejection


class CursorUnreadable(Rejection):
    """The cursor does not belong to this question.

    Ask for the first page again without a cursor, and pass next_cursor back as it came with the same order.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400


class PageSizeOutOfBounds(Rejection):
    """A page holds 1 to {limit_max} rows, not {limit}.

    Ask with a limit inside the bounds and follow next_cursor.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 400
    limit: int
    limit_max: int


class PastNotKept(Rejection):
    """The read model {projection} keeps only the latest version of a row.

    Ask without a position, or replay the log up to it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    projection: str
