"""Settings of the interpreter that a server process wants; called once, by whoever starts the process."""

import gc
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.000_5
"""How long a background thread may keep the interpreter from the committer; Python's own 5 ms would be felt."""
YOUNG_OBJECTS: Final = 50_000
"""New objects between two collections: decisions make many that live as long as one group."""


def tune() -> None:
    """Fewer collections, none of what was loaded at start, and quicker turns between threads."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    sys.setswitchinterval(SWITCH_SECONDS)
