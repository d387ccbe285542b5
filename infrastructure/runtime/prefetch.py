"""Streams that a command names outright, so that those of a whole group are loaded together."""

from functools import lru_cache

from domain.kernel.ids import FLEET, StreamId, with_prefix
from domain.kernel.message import Command, Stamp
from infrastructure.runtime.hot import valid_stream


def named_streams(command: Command, stamp: Stamp) -> list[StreamId]:
    """The project with its lock space, and what the fields ``task`` and ``session`` name by id."""
    found = [] if stamp.project == FLEET else [StreamId(stamp.project), with_prefix("locks", stamp.project)]
    for field, kind in _naming_fields(type(command)):
        value = getattr(command, field)
        if isinstance(value, str) and valid_stream(kind, StreamId(value)):
            found.append(StreamId(value))
    return found


@lru_cache(maxsize=1_024)
def _naming_fields(command: type[Command]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in (("task", "task"), ("session", "sess")) if pair[0] in command.model_fields)
