"""Affinity: where a session has worked lately, so that of equal tasks it gets what it knows."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from domain.kernel.message import Message
from domain.kernel.values import ScopeClaim

AREAS_MAX: Final = 16
"""Places remembered of one session, the latest last."""
SESSIONS_MAX: Final = 10_000
"""Sessions remembered; whoever claimed longest ago is forgotten first."""
WINDOW_MAX: Final = 8
"""Equally ranked scopes among which affinity chooses."""


class FootprintRow(Message):
    """A session in a checkpoint."""

    session: str
    areas: tuple[str, ...]


class Footprints:
    """Areas by session; a hint that only orders equals."""

    def __init__(self) -> None:
        self._areas: Final[OrderedDict[str, tuple[str, ...]]] = OrderedDict()

    def note(self, session: str, areas: tuple[str, ...]) -> None:
        """The session took a task there."""
        if not areas:
            return
        known = self._areas.pop(session, ())
        self._areas[session] = (*(one for one in known if one not in areas), *areas)[-AREAS_MAX:]
        if len(self._areas) > SESSIONS_MAX:
            self._areas.popitem(last=False)

    def forget(self, session: str) -> None:
        """Its life is over."""
        self._areas.pop(session, None)

    def of(self, session: str) -> frozenset[str]:
        """Where it has worked; empty where nothing is known."""
        return frozenset(self._areas.get(session, ()))

    def dump(self) -> tuple[FootprintRow, ...]:
        """Everything as plain rows, for a checkpoint."""
        return tuple(FootprintRow(session=session, areas=areas) for session, areas in self._areas.items())

    @classmethod
    def load(cls, rows: Iterable[FootprintRow]) -> "Footprints":
        """The memory that was dumped."""
        footprints = cls()
        for row in rows:
            footprints.note(row.session, row.areas)
        return footprints


def areas_of(scope: tuple[ScopeClaim, ...], parent: str) -> tuple[str, ...]:
    """The folders that a scope lies in, and the task that it is a part of."""
    areas = dict.fromkeys(_area(claim.claim) for claim in scope)
    if parent:
        areas[f"part of {parent}"] = None
    return tuple(areas)[:AREAS_MAX]


def affinity(areas: tuple[str, ...], known: frozenset[str]) -> int:
    """How many of a task's areas the session knows."""
    return sum(area in known for area in areas)


def _area(claim: str) -> str:
    """The plain folder of a claim: that of a file, or what stands before the first wildcard."""
    place, slashes, pattern = claim.partition("//")
    if not slashes:
        return claim
    plain: list[str] = []
    for name in pattern.split("/")[:-1]:
        if any(letter in name for letter in "*?[{"):
            break
        plain.append(name)
    return f"{place}//{'/'.join(plain)}"
