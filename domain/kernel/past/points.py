"""A point in time as people say it, and the position of the log that it means."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.kernel.errors import Rejection
from domain.kernel.ids import SECOND, Instant
from domain.kernel.past.errors import PointNotReadable
from domain.kernel.text import shown

POINT_CHARACTERS_MAX: Final = 200
POSITION_MAX: Final = 2**53
AGO_SECONDS_MAX: Final = 100 * 366 * 86_400
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_POSITION: Final = re.compile(r"@?([0-9]{1,16})")
_AGO: Final = re.compile(r"-([0-9]{1,10})([smhdw])")
_EVENT: Final = re.compile(r"([a-z]+_[0-9a-z]{26})@([0-9]{1,16})")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,+-]{1,30}Z?)?")
_BOOKMARK: Final = re.compile(r"([a-z0-9][a-z0-9_-]{0,62})/([a-z][a-z0-9_.-]{0,62})")


@dataclass(frozen=True, slots=True)
class AtPosition:
    """After the event with this position; 0 is before everything."""

    position: int


@dataclass(frozen=True, slots=True)
class AtInstant:
    """After the last event that was recorded at or before an instant."""

    instant: Instant


@dataclass(frozen=True, slots=True)
class AtEvent:
    """After one event, which its stream and version identify."""

    stream: str
    version: int


@dataclass(frozen=True, slots=True)
class AtBookmark:
    """The position that somebody gave a name in a project, which is named by slug or id."""

    project: str
    name: str


@dataclass(frozen=True, slots=True)
class AtHead:
    """After everything that is there."""


Point = AtPosition | AtInstant | AtEvent | AtBookmark | AtHead


def read_point(text: str, now: Instant) -> Point | Rejection:
    """The point of a text: ``@1234``, ``2026-11-22T14:03:00Z``, ``-15m``, ``STREAM@VERSION``, ``PROJECT/BOOKMARK``,
    ``begin`` or ``now``.

    Instants without a zone are in UTC. ``now`` is what a time ago counts from.
    """
    said = text.strip()
    if len(said) <= POINT_CHARACTERS_MAX:
        found = _read(said, now)
        if found is not None:
            return found
    return PointNotReadable(text=shown(text, 60))


def _read(said: str, now: Instant) -> Point | None:
    if position := _POSITION.fullmatch(said):
        return AtPosition(int(position[1])) if int(position[1]) <= POSITION_MAX else None
    if ago := _AGO.fullmatch(said):
        seconds = int(ago[1]) * _UNITS[ago[2]]
        return AtInstant(Instant(max(0, now - seconds * SECOND))) if seconds <= AGO_SECONDS_MAX else None
    if event := _EVENT.fullmatch(said):
        return AtEvent(event[1], int(event[2])) if int(event[2]) <= POSITION_MAX else None
    if _INSTANT.fullmatch(said):
        return _instant(said)
    if said in ("now", "begin"):
        return AtHead() if said == "now" else AtPosition(0)
    bookmark = _BOOKMARK.fullmatch(said)
    return AtBookmark(bookmark[1], bookmark[2]) if bookmark else None


def _instant(said: str) -> AtInstant | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return AtInstant(Instant(max(0, (aware - _EPOCH) // timedelta(microseconds=1))))


def last_at_or_before(instant: Instant, head: int, recorded_at: Callable[[int], int | None]) -> int:
    """The last position recorded at or before an instant; 0 where there is none.

    ``recorded_at`` tells when the event at a position (1 to ``head``) was recorded, or, where that one is not kept, the
    next one that is; None where none follows. It never falls, so some twenty questions find one among a million.
    """
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        at = recorded_at(middle)
        if at is not None and at <= instant:
            low = middle
        else:
            high = middle - 1
    return low
