"""Refusals of the record itself: it is not filled at will."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class RefusalCounted(Rejection):
    """The refusal {code_of_refusal} was counted, not recorded: its like was within this minute, or enough were.

    Look at the records before it, and at the metric signalbox_refusals_counted.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    code_of_refusal: str
