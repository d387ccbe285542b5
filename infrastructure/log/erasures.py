"""What a store of events does for an erasure beside keeping its event."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from infrastructure.log.port import LogRow, Receipt

ERASED_TYPE: Final = "subject.erased.v1"
"""Stored name of the event; a partial index finds its rows, whatever the length of the log."""

FORGOTTEN_BODY: Final = b'{"type":"[erased]","command":{}}'
"""What the receipt of a command keeps whose words were erased; it is like no command."""


class Erasures(Protocol):
    """A log is one. Calls block; they raise StoreUnavailable."""

    def erasures(self, *, after: int) -> "list[LogRow]":
        """The events that erased a subject with position > after, in order."""
        ...

    def receipts_reading(self, stream: str) -> "list[Receipt]":
        """Receipts of every command that was decided over a stream, also of those that wrote nothing; in any order.

        No index finds them: all receipts are looked at, which holds up no append.
        """
        ...

    def forget_words(self, streams: Sequence[str], commands: Sequence[tuple[str, str]], *, outcome: bytes) -> None:
        """Delete what is kept of the streams beside their events, and what receipts of commands (id, principal) say.

        A receipt stays, so that a repeat is known; it is answered with ``outcome``.
        """
        ...

    def keys_mark(self) -> str:
        """Of the keys that the log was bound to; empty where it was bound to none yet."""
        ...

    def bind_keys(self, mark: str, *, instead_of: str) -> str:
        """Bind the log to the keys of a mark, if it is bound to none yet or still to those it shall be ``instead_of``.

        The mark that holds then, which is another's where a second server was first.
        """
        ...
