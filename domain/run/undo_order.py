"""Whose turn it is to be taken back: one effect after the other, or at once where neither has used the other."""

from collections.abc import Iterator, Sequence
from typing import Final

from domain.kernel.pipeline.definition import MapPhase, RepeatPhase
from domain.kernel.pipeline.graph import Graph, graph_of, unit_at
from domain.run.state import Effect, Run

AT_ONCE_MAX: Final = 200
"""Effects that are taken back at once, and that a look at whose turn it is goes through."""


def due_undos(run: Run) -> tuple[Effect, ...]:
    """Entries whose turn it is, the latest settled first; none behind one that has failed for good.

    What was done by another version is taken back one after the other: the definition does not say who has used it.
    """
    waiting = _not_over(run)
    if any(entry.undo == "failed" for entry in waiting):
        return ()
    if not run.queued.definition.undo_parallel or any(one.is_earlier for one in waiting):
        return tuple(entry for entry in waiting[:1] if entry.undo == "")
    return tuple(_at_once(run, waiting[:AT_ONCE_MAX]))


def _not_over(run: Run) -> tuple[Effect, ...]:
    """What is owed and neither taken back nor left, in the order of taking back."""
    over = ("undone", "skipped", "failed") if run.queued.definition.best_effort else ("undone", "skipped")
    owed = (run.ledger.get(key) for key in run.owed)
    return tuple(entry for entry in owed if entry is not None and entry.undo not in over)


def _at_once(run: Run, waiting: Sequence[Effect]) -> Iterator[Effect]:
    """Those that nothing before them may have used: whoever took from one is over before it."""
    uses = _Uses(run)
    before: dict[tuple[str, int], Effect] = {}
    for entry in waiting:
        if entry.undo == "" and not any(uses.of(other, entry) for other in before.values()):
            yield entry
        before.setdefault((unit_at(entry.place), entry.generation), entry)  # items use each other as little as any


class _Uses:
    """Who may have used what somebody else did, by the definition: a superset of what was recorded as consumed.

    A phase reads and comes after its ancestors only. What was done later at the same place, or in a later round of the
    same loop, counts as having used what was done before: it found the world so.
    """

    def __init__(self, run: Run) -> None:
        self._graph: Final = graph_of(run.queued.definition.phases)
        self._inside: Final[dict[str, Graph]] = {}

    def of(self, later: Effect, earlier: Effect) -> bool:
        """Whether the work of ``later`` may have used that of ``earlier``."""
        ours, theirs = later.place.split("/", 3), earlier.place.split("/", 3)
        if ours[0] != theirs[0]:
            return theirs[0] in self._graph.ancestors[ours[0]]
        around = self._graph.phases[ours[0]]
        if later.generation != earlier.generation or later.place == earlier.place:
            return True
        if not isinstance(around, RepeatPhase):
            return not isinstance(around, MapPhase)
        if ours[1] != theirs[1]:
            return True
        inside = self._graph_in(around)
        if ours[2] != theirs[2]:
            return theirs[2] in inside.ancestors[ours[2]]
        return not isinstance(inside.phases[ours[2]], MapPhase)

    def _graph_in(self, loop: RepeatPhase) -> Graph:
        if loop.key not in self._inside:
            self._inside[loop.key] = graph_of(loop.phases)
        return self._inside[loop.key]
