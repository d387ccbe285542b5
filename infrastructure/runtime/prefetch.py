"""What a command names outright, so that the states and names of a whole group are at hand before it is decided."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from domain.dispatch.lookup import TASK_KEY
from domain.kernel.ids import FLEET, StreamId, with_prefix
from domain.kernel.message import Command, Stamp
from domain.task.commands import ApplyPlan
from infrastructure.runtime.hot import HotStates, Name, valid_stream

NEW_TASKS_MAX: Final = 8
"""Tasks of a plan that is taken for new, unread: to decide a larger one in vain would cost more than the look."""
_KINDS: Final = (("task", "task"), ("session", "sess"))
"""Fields that name a thing, and the kind of stream that they name."""


class Named(NamedTuple):
    """Streams and unique names."""

    streams: list[StreamId]
    names: list[Name]
    new: list[Name]
    """Names that the command most likely makes."""


def lacking(
    hot: HotStates, commands: Iterable[tuple[Command, Stamp, bool]]
) -> tuple[tuple[StreamId, ...], tuple[Name, ...]]:
    """The streams and names of commands that are not in memory.

    Names that a command most likely makes are believed absent, unless it was ``mistaken`` before.
    """
    streams: dict[StreamId, None] = {}
    names: dict[Name, None] = {}
    for command, stamp, mistaken in commands:
        wanted = named(command, stamp)
        for stream in wanted.streams:
            if hot.get(stream) is None:
                streams[stream] = None
        names.update((name, None) for name in wanted.names if not hot.has_name(name))
        if mistaken:
            names.update((name, None) for name in wanted.new if not hot.has_name(name))
        else:
            hot.believe_absent(wanted.new)
    return tuple(streams), tuple(names)


def named(command: Command, stamp: Stamp) -> Named:
    """The project with its lock space, what the fields ``task`` and ``session`` name, and the tasks of a plan."""
    found = Named([], [], [])
    if stamp.project != FLEET:
        found.streams.extend((StreamId(stamp.project), with_prefix("locks", stamp.project)))
    for field, kind in _naming_fields(type(command)):
        value = getattr(command, field)
        if isinstance(value, str) and valid_stream(kind, StreamId(value)):
            found.streams.append(StreamId(value))
    if isinstance(command, ApplyPlan):
        made = found.new if len(command.tasks) <= NEW_TASKS_MAX else found.names
        for task in command.tasks:
            made.append((stamp.project, TASK_KEY, task.key))
            found.names.extend((stamp.project, TASK_KEY, need.task) for need in task.needs)
    return found


@lru_cache(maxsize=1_024)
def _naming_fields(command: type[Command]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in _KINDS if pair[0] in command.model_fields)
