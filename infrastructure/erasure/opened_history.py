"""History as those see it who have the keys: with its words, where nobody erased them."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from infrastructure.erasure.base_words import with_words
from infrastructure.erasure.envelope import Envelopes
from infrastructure.history.port import Filter, History
from infrastructure.log.archived import BaseState
from infrastructure.log.port import LogRow


def opened_history(history: History, envelopes: Envelopes, close: Callable[[], None]) -> History:
    """The history with its words; ``close`` lets go of the keys. Nothing is destroyed by whoever only reads."""
    return cast(History, _OpenedHistory(history, envelopes, close))


class _OpenedHistory:
    """Everything else is the history's own."""

    def __init__(self, history: History, envelopes: Envelopes, close: Callable[[], None]) -> None:
        self._history: Final = history
        self._envelopes: Final = envelopes
        self._close: Final = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._history, name)

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        return self._opened(self._history.page(after=after, limit=limit))

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return self._opened(self._history.events_of(stream, after=after, limit=limit))

    def found(self, wanted: Filter, *, after: int, until: int, limit: int) -> list[LogRow]:
        return self._opened(self._history.found(wanted, after=after, until=until, limit=limit))

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        found = self._history.base_states(streams)
        return {stream: with_words(state, self._envelopes) for stream, state in found.items()}

    def close(self) -> None:
        self._history.close()
        self._close()

    def _opened(self, rows: list[LogRow]) -> list[LogRow]:
        return [self._envelopes.opened(row) for row in rows]
