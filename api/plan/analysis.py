"""The mathematics of a plan: critical path, width, how fast it can go, and who will stand in whose way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import ceil

from api.plan.overlaps import Overlaps, overlaps_of
from api.plan.width import width_of
from domain.dispatch.plan_checks import waits_of
from domain.kernel.graphs import Needs, ancestors_of, circles_of, depths_of, longest_path, order_of
from domain.task.commands import PlannedTask


class CircularPlanError(Exception):
    """Fault: a plan with a circle has no analysis; read_plan refuses it before."""


@dataclass(frozen=True, slots=True)
class PlanAnalysis:
    """What can be said of a plan before it runs. Without durations every task counts 1 and the unit is one task."""

    tasks: int
    needs: int
    """Edges inside the plan."""
    critical_path: tuple[str, ...]
    """Keys of the heaviest chain of needs, first task first."""
    critical_weight: float
    """Tasks on it, or their seconds."""
    total_weight: float
    width: int
    """Most tasks of which none has to wait for another: more workers than this never help."""
    overlaps: Overlaps
    _graph: "_Graph"

    def makespan(self, workers: int) -> "Makespan":
        """How long the plan takes with so many workers. Raises ValueError below 1."""
        if workers < 1:
            raise ValueError("a plan needs at least one worker")
        share = self.total_weight / workers
        shared = float(ceil(share)) if self._graph.counted else share
        return Makespan(workers, max(self.critical_weight, shared), _list_schedule(self._graph, workers))


@dataclass(frozen=True, slots=True)
class Makespan:
    """The end of the last task, in the unit of the analysis."""

    workers: int
    bound: float
    """No schedule is shorter: the larger of critical path and total weight / workers (rounded up where counted)."""
    estimate: float
    """What choosing the longest remaining path first takes, when tasks with overlapping scopes exclude each other."""


@dataclass(frozen=True, slots=True)
class _Graph:
    needs: Needs
    weights: Sequence[float]
    remaining: Sequence[float]
    conflicts: Sequence[int]
    counted: bool


def analyse(
    tasks: Sequence[PlannedTask],
    seconds: Mapping[str, float] | None = None,
    ignoring_case: frozenset[str] = frozenset(),
) -> PlanAnalysis:
    """Analyse a sound plan; needs outside of it count as met.

    ``seconds`` gives durations by key; where it is given, tasks without one count 0.
    ``ignoring_case`` names repositories whose paths differ by more than letter case. Raises CircularPlanError.
    """
    number = {task.key: index for index, task in enumerate(tasks)}
    waits = waits_of(tasks)
    needs = [[number[key] for key in dict.fromkeys(waits[task.key]) if key in number] for task in tasks]
    if circles_of(needs):
        raise CircularPlanError("needs go round in a circle")
    order = order_of(needs)
    weights = [1.0 if seconds is None else max(0.0, seconds.get(task.key, 0.0)) for task in tasks]
    remaining, path = longest_path(needs, order, weights)
    ancestors = ancestors_of(needs, order)
    overlaps, conflicts = overlaps_of(tasks, _sequence(tasks, needs, order, remaining), ancestors, ignoring_case)
    return PlanAnalysis(
        tasks=len(tasks),
        needs=sum(len(wanted) for wanted in needs),
        critical_path=tuple(tasks[index].key for index in path),
        critical_weight=remaining[path[0]] if path else 0.0,
        total_weight=sum(weights),
        width=width_of(ancestors),
        overlaps=overlaps,
        _graph=_Graph(needs, weights, remaining, conflicts, seconds is None),
    )


def _sequence(
    tasks: Sequence[PlannedTask], needs: Needs, order: Sequence[int], remaining: Sequence[float]
) -> list[int]:
    """One total order that keeps all needs: by depth, then as dispatch chooses (priority, remaining path, place)."""
    depths = depths_of(needs, order)
    return sorted(order, key=lambda index: (depths[index], -tasks[index].priority, -remaining[index], index))


def _list_schedule(graph: _Graph, workers: int) -> float:
    """Whenever a worker is free, the ready task with the longest remaining path whose scope is free begins."""
    unmet = [len(wanted) for wanted in graph.needs]
    dependants: list[list[int]] = [[] for _ in unmet]
    for task, wanted in enumerate(graph.needs):
        for need in wanted:
            dependants[need].append(task)
    ready = [(-graph.remaining[task], task) for task, count in enumerate(unmet) if count == 0]
    heapify(ready)
    running: list[tuple[float, int]] = []
    busy, now = 0, 0.0
    while ready or running:
        busy = _begin(graph, ready, running, busy, workers, now)
        now, task = heappop(running)
        ended = [task]
        while running and running[0][0] == now:
            ended.append(heappop(running)[1])
        for done in ended:
            busy &= ~(1 << done)
            for dependant in dependants[done]:
                unmet[dependant] -= 1
                if unmet[dependant] == 0:
                    heappush(ready, (-graph.remaining[dependant], dependant))
    return now


def _begin(
    graph: _Graph,
    ready: list[tuple[float, int]],
    running: list[tuple[float, int]],
    busy: int,
    workers: int,
    now: float,
) -> int:
    """Start what can start; returns the tasks that run now, as bits."""
    passed: list[tuple[float, int]] = []
    while ready and len(running) < workers:
        entry = heappop(ready)
        task = entry[1]
        if graph.conflicts[task] & busy:
            passed.append(entry)
            continue
        busy |= 1 << task
        heappush(running, (now + graph.weights[task], task))
    for entry in passed:
        heappush(ready, entry)
    return busy
