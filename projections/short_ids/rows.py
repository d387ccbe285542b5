"""What is kept of an id."""

from typing import NamedTuple


class ShortIdRow(NamedTuple):
    """An id that a person may shorten. It is never taken back."""

    key: str
    """The id."""
    project: str
    """Whose it is; the fleet where it belongs to several."""
    kind: str
    """``task``, ``run`` or ``sess``: what stands before the id's suffix."""
    reversed: str
    """The id from its last character to its first: who knows the end knows how this begins."""
