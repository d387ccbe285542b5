"""What time it is for a program that lives for milliseconds and remembers through files."""

import time

FRESH_SECONDS_MAX = 30.0
"""How long what a server said is trusted without asking again: a lock that a person broke is noticed by then."""


def seconds_since_boot() -> float:
    """A clock that never goes back and, where the system has one, also counts the time that a machine slept."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def stamp() -> list[object]:
    """Now, by both clocks: the first alone means nothing after a restart of the machine, the second may be set."""
    return [seconds_since_boot(), time.time()]


def seconds_since(then: list[object]) -> float:
    """How old a stamp is; without end where either clock denies it."""
    if len(then) != 2:
        return float("inf")
    ages = [
        now - before
        for now, before in zip(stamp(), then, strict=True)
        if isinstance(now, float) and isinstance(before, int | float)
    ]
    return max(ages) if len(ages) == 2 and min(ages) >= 0 else float("inf")
