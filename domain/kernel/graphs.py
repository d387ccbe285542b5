"""Orders, circles, longest paths and reachability in a graph of needs; what has them is numbered from 0."""

from collections import deque
from collections.abc import Sequence

Needs = Sequence[Sequence[int]]
"""For each task the tasks that it needs."""


def dependants_of(needs: Needs) -> list[list[int]]:
    """The edges turned round, each list ascending."""
    found: list[list[int]] = [[] for _ in needs]
    for task, wanted in enumerate(needs):
        for need in wanted:
            found[need].append(task)
    return found


def order_of(needs: Needs) -> list[int]:
    """Tasks after what they need, layer by layer; those in or behind a circle are missing."""
    dependants = dependants_of(needs)
    unmet = [len(wanted) for wanted in needs]
    order = [task for task, count in enumerate(unmet) if count == 0]
    for task in order:  # grows while it is walked
        for dependant in dependants[task]:
            unmet[dependant] -= 1
            if unmet[dependant] == 0:
                order.append(dependant)
    return order


def circles_of(needs: Needs) -> list[list[int]]:
    """One shortest circle of each knot of tasks that need each other; each task needs the next, the last the first."""
    return [_shortest_circle(needs, knot) for knot in _knots(needs)]


def depths_of(needs: Needs, order: Sequence[int]) -> list[int]:
    """For each task the tasks on the longest path that ends with it, itself included."""
    depths = [1] * len(needs)
    for task in order:
        depths[task] = 1 + max((depths[need] for need in needs[task]), default=0)
    return depths


def ancestors_of(needs: Needs, order: Sequence[int]) -> list[int]:
    """For each task, as a set of bits, all tasks that have to end before it."""
    sets = [0] * len(needs)
    for task in order:
        for need in needs[task]:
            sets[task] |= sets[need] | (1 << need)
    return sets


def longest_path(needs: Needs, order: Sequence[int], weights: Sequence[float]) -> tuple[list[float], list[int]]:
    """Remaining weight from the start of each task to the end of the plan, and one heaviest path; ties by number."""
    remaining = list(weights)
    following: list[int | None] = [None] * len(needs)
    dependants = dependants_of(needs)
    for task in reversed(order):
        best = max(dependants[task], key=lambda other: (remaining[other], -other), default=None)
        if best is not None:
            remaining[task] += remaining[best]
            following[task] = best
    here = max(range(len(needs)), key=lambda task: (remaining[task], -task), default=None)
    path: list[int] = []
    while here is not None:
        path.append(here)
        here = following[here]
    return remaining, path


def bits(members: int) -> list[int]:
    """The numbers of a set of bits, ascending."""
    found: list[int] = []
    while members:
        lowest = members & -members
        found.append(lowest.bit_length() - 1)
        members ^= lowest
    return found


def _knots(needs: Needs) -> list[set[int]]:
    """Strongly connected parts with a circle in them (Tarjan, without recursion), by their smallest task."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    waiting: set[int] = set()
    knots: list[set[int]] = []
    for root in range(len(needs)):
        if root in index:
            continue
        walk = [(root, iter(needs[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        while walk:
            task, rest = walk[-1]
            need = next(rest, None)
            if need is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[task])
                if low[task] == index[task]:
                    knots.append(_popped(stack, waiting, task))
            elif need not in index:
                index[need] = low[need] = len(index)
                stack.append(need)
                waiting.add(need)
                walk.append((need, iter(needs[need])))
            elif need in waiting:
                low[task] = min(low[task], index[need])
    return sorted((knot for knot in knots if _has_circle(needs, knot)), key=min)


def _popped(stack: list[int], waiting: set[int], root: int) -> set[int]:
    knot: set[int] = set()
    while root not in knot:
        task = stack.pop()
        waiting.discard(task)
        knot.add(task)
    return knot


def _has_circle(needs: Needs, knot: set[int]) -> bool:
    first = min(knot)
    return len(knot) > 1 or first in needs[first]


def _shortest_circle(needs: Needs, knot: set[int]) -> list[int]:
    """Breadth first from the smallest task of the knot back to itself."""
    start = min(knot)
    came: dict[int, int] = {}
    queue = deque([start])
    while queue:
        task = queue.popleft()
        for need in needs[task]:
            if need == start:
                return _back(came, start, task)
            if need in knot and need not in came:
                came[need] = task
                queue.append(need)
    return []


def _back(came: dict[int, int], start: int, end: int) -> list[int]:
    path = [end]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]
