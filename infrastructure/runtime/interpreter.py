"""Settings of the interpreter for a process that makes many small objects: a server, or whoever reads the past."""

import gc
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.000_5
"""How long a background thread may keep the interpreter from the committer; Python's own 5 ms would be felt."""
YOUNG_OBJECTS: Final = 10_000
"""New objects between two collections: each stops everything for as long as it takes to look at them, a few ms."""
YOUNG_COLLECTIONS: Final = 100
"""Collections of the young between two that look at all that lived through one: a million objects."""
OLD_COLLECTIONS: Final = 50
"""The same between two that look at everything."""


def tune() -> None:
    """Fewer collections, none of what was loaded at start, and quicker turns between threads; called once, by whoever
    starts the process of a server."""
    gc.collect()
    gc.freeze()
    collect_seldom()
    sys.setswitchinterval(SWITCH_SECONDS)


def collect_seldom() -> None:
    """Fewer collections alone, which costs nothing: repeating it changes nothing."""
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_COLLECTIONS, OLD_COLLECTIONS)
