"""Refusals about servers."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class NodeStillHeard(Rejection):
    """The node {node} was heard: its lease runs until {until}.

    Ask again then; no node is lost early.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    node: str
    until: int
    """Microseconds since 1970."""
