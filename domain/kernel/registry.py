"""The closed list of stored event names: a name outside it is refused, data never drives imports."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

import orjson

from domain.kernel.message import Event

Upcast = Callable[[dict[str, object]], dict[str, object]]
"""Pure function from the JSON object of one version to that of the next."""


class UnknownEventType(Exception):
    """Fault: a stored row carries a name that this program does not know."""


class Registry:
    """Event classes by stored name, with the upcasts that lead old names to current ones."""

    def __init__(self, events: Iterable[type[Event]], upcasts: Mapping[str, tuple[str, Upcast]] | None = None) -> None:
        self._classes: Final = {event.TYPE: event for event in events}
        self._upcasts: Final = dict(upcasts or {})

    def names(self) -> tuple[str, ...]:
        """Every stored name that can be read, sorted."""
        return tuple(sorted({*self._classes, *self._upcasts}))

    def classes(self) -> tuple[type[Event], ...]:
        """The current event classes."""
        return tuple(self._classes.values())

    def knows(self, name: str) -> bool:
        """Whether a stored name can be read."""
        return name in self._classes or name in self._upcasts

    def read(self, name: str, state: bytes) -> Event:
        """The event of a stored row, brought up to the current version.

        Raises UnknownEventType for a name outside the registry.
        """
        found = self._classes.get(name)
        if found is not None:
            return found.read(state)
        return self._read_old(name, state)

    def _read_old(self, name: str, state: bytes) -> Event:
        data: dict[str, object] = orjson.loads(state) if name in self._upcasts else {}
        while name in self._upcasts:
            name, upcast = self._upcasts[name]
            data = upcast(data)
        found = self._classes.get(name)
        if found is None:
            raise UnknownEventType(name)
        return found.read(orjson.dumps(data))


@lru_cache(maxsize=1_024)
def schema_version(name: str) -> int:
    """The version at the end of a stored name: 1 of ``task.claimed.v1``."""
    return int(name.rpartition(".v")[2])
