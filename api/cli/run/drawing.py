"""A run as a graph of text: one line for each phase, below what it comes after."""

from collections.abc import Mapping, Sequence
from typing import Final

from api.cli.tables import cell
from signalbox.client.fields import Fields, optional_object, texts

MARKS: Final = {
    "PENDING": "·",
    "READY": "○",
    "OFFERED": "○",
    "WAITING": "…",
    "PARKED": "!",
    "SUCCEEDED": "✓",
    "FAILED": "✗",
    "SKIPPED": "-",
    "BLOCKED": "▪",
    "CANCELLED": "x",
}
_AT_WORK: Final = frozenset({"ASSIGNED", "RUNNING"})


def drawn(phases: Sequence[Fields]) -> list[str]:
    """A line for each of these phases, in their order; the indent is the longest way from a root."""
    depths: dict[str, int] = {}
    by_place = {str(phase.get("place")): phase for phase in phases}
    lines: list[str] = []
    for phase in phases:
        place = str(phase.get("place"))
        depth = _depth(place, by_place, depths)
        mark = "▶" if _is_at_work(phase) else MARKS.get(str(phase.get("status")), "?")
        after = texts(phase, "needs")
        behind = f"  after {', '.join(after)}" if len(after) > 1 else ""
        again = f" ({phase.get('generation')})" if phase.get("generation") != 1 else ""
        reason = f": {cell(phase.get('reason'))}" if phase.get("reason") else ""
        lines.append(f"{'  ' * depth}{mark} {place}{again}  {phase_words(phase)}{reason}{behind}")
    return lines


def arranged(phases: Sequence[Fields]) -> list[Fields]:
    """The phases as one reads them: what is inside of a loop or a map right below it, each behind what it needs."""
    by_place = {str(phase.get("place")): phase for phase in phases}
    depths: dict[str, int] = {}
    inside: dict[str, list[str]] = {}
    for place in by_place:
        inside.setdefault(_around(place, by_place), []).append(place)
    for around, places in inside.items():
        if around:
            places.sort(key=lambda place: (_iteration(place, around), _depth(place, by_place, depths)))
    found: list[Fields] = []
    stack = inside.get("", [])[::-1]
    while stack:
        place = stack.pop()
        found.append(by_place[place])
        stack += inside.get(place, [])[::-1]
    return found


def phase_words(phase: Fields) -> str:
    """Its status, of work that is out that of its task."""
    status = str(phase.get("status")).lower()
    task = optional_object(phase, "task")
    if status != "offered" or not task:
        return status
    return str(task.get("status")).lower()


def _is_at_work(phase: Fields) -> bool:
    task = optional_object(phase, "task")
    return phase.get("status") == "OFFERED" and task.get("status") in _AT_WORK


def _around(place: str, by_place: Mapping[str, Fields]) -> str:
    """The loop or map that it is inside of; empty where it is in none."""
    around = place.rpartition("/")[0]
    while around and around not in by_place:
        around = around.rpartition("/")[0]
    return around


def _iteration(place: str, around: str) -> int:
    """Which round of the loop; items of maps are all in one."""
    first, has_more, _ = place.removeprefix(f"{around}/").partition("/")
    return int(first) if has_more and first.isdecimal() else 0


def _depth(place: str, by_place: Mapping[str, Fields], known: dict[str, int]) -> int:
    """Without recursion: a definition may be a chain of hundreds."""
    stack = [place]
    while stack:
        here = stack[-1]
        before = [one for one in (*texts(by_place[here], "needs"), _around(here, by_place)) if one in by_place]
        missing = [one for one in before if one not in known]
        if missing and len(stack) <= len(by_place):
            stack += missing
            continue
        known[here] = 1 + max((known.get(one, 0) for one in before), default=-1)
        stack.pop()
    return known[place]
