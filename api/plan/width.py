"""The width of a plan: the largest set of tasks of which none has to wait for another (Dilworth's theorem)."""

from collections.abc import Sequence


def width_of(ancestors: Sequence[int]) -> int:
    """Tasks minus the largest matching between each task and one that comes before it.

    ``ancestors`` holds, for each task as a set of bits, all tasks that come before it. Augmenting paths are looked
    for in phases that share what they have visited, so few phases suffice.
    """
    taker: list[int | None] = [None] * len(ancestors)
    unmatched = [task for task in range(len(ancestors)) if ancestors[task]]
    while True:
        fresh = (1 << len(ancestors)) - 1
        left: list[int] = []
        for task in unmatched:
            found, fresh = _augment(task, ancestors, taker, fresh)
            if not found:
                left.append(task)
        if len(left) == len(unmatched):
            return len(ancestors) - (sum(one is not None for one in taker))
        unmatched = left


def _augment(task: int, ancestors: Sequence[int], taker: list[int | None], fresh: int) -> tuple[bool, int]:
    """Depth first from an unmatched task to an ancestor that nobody has taken; ``fresh`` are those not yet visited."""
    path: list[tuple[int, int]] = []
    here = task
    while True:
        choices = ancestors[here] & fresh
        if not choices:
            if not path:
                return False, fresh
            here = path.pop()[0]
            continue
        chosen = (choices & -choices).bit_length() - 1
        fresh &= ~(1 << chosen)
        path.append((here, chosen))
        following = taker[chosen]
        if following is None:
            for owner, ancestor in path:
                taker[ancestor] = owner
            return True, fresh
        here = following
