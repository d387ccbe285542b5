"""A run as a graph of text: one line for each phase, below what it comes after."""

from collections.abc import Sequence
from typing import Final

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
    """The lines, in the order of the definition; the indent is the longest way from a root."""
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
        reason = f": {phase.get('reason')}" if phase.get("reason") else ""
        lines.append(f"{'  ' * depth}{mark} {place}{again}  {phase_words(phase)}{reason}{behind}")
    return lines


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


def _depth(place: str, by_place: dict[str, Fields], known: dict[str, int]) -> int:
    """Without recursion: a definition may be a chain of hundreds."""
    stack = [place]
    while stack:
        here = stack[-1]
        needs = [one for one in texts(by_place[here], "needs") if one in by_place]
        missing = [one for one in needs if one not in known]
        if missing and len(stack) <= len(by_place):
            stack += missing
            continue
        known[here] = 1 + max((known.get(one, 0) for one in needs), default=-1)
        stack.pop()
    return known[place]
