"""What the debugger jumps to, and how a search that takes long is ended."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, assert_never

from api.cli.debug.kinds import FAILURES

if TYPE_CHECKING:
    from api.composition.debugging import Debugger, Wanted

Goal = Literal["failure", "stream", "correlation", "search", "breakpoint"]


class Ended(Exception):
    """What was asked for counts no more."""


class Finding:
    """Whoever looks for an event; one at a time, and a new one ends the one before."""

    def __init__(self) -> None:
        self._turn = 0

    def end(self) -> None:
        """End the search that is under way; it raises Ended where it is."""
        self._turn += 1

    def begin(
        self, goal: Goal, searched: "Wanted | None", breakpoints: "Sequence[Wanted]"
    ) -> "Callable[[Debugger, int, bool], int | None] | str":
        """The search for a goal, asked with a position and whether it goes forward; words where there is none."""
        if goal == "search" and searched is None:
            return "nothing was searched for yet: / asks"
        if goal == "breakpoint" and not breakpoints:
            return "there is no breakpoint yet: b sets one"
        self.end()
        turn = self._turn

        def still(_: int) -> None:
            if self._turn != turn:
                raise Ended

        def search(debugger: "Debugger", position: int, forward: bool) -> int | None:
            still(position)
            wanted = _meant(debugger, goal, position, searched, breakpoints)
            return debugger.found(wanted, position, forward=forward, told=still)

        return search


def _meant(
    debugger: "Debugger", goal: Goal, position: int, searched: "Wanted | None", breakpoints: "Sequence[Wanted]"
) -> "Sequence[Wanted]":
    match goal:
        case "failure":
            return [debugger.of_types(FAILURES)]
        case "stream":
            return debugger.like(position, same="stream")
        case "correlation":
            return debugger.like(position, same="correlation")
        case "search":
            return [] if searched is None else [searched]
        case "breakpoint":
            return breakpoints
        case _:
            assert_never(goal)
