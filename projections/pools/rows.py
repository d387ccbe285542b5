"""What is shown of a pool of units."""

from typing import NamedTuple


class PoolRow(NamedTuple):
    """A pool as it stands. A unit that left it and is still held counts as draining, and as nothing else."""

    key: str
    """``lock space/pool``."""
    project: str
    name: str
    quota: int | None
    """Units that one owner may hold; None is any number."""
    quantity: int
    """Units that belong to it, in quarantine or not."""
    free: int
    """Units that the next request may have."""
    taken: int
    """Units of its own that are held, in quarantine or not."""
    quarantined: int
    """Units of its own that are given to nobody, held or not."""
    draining: int
    """Units that belong to it no more and are still held."""
    waiting: int
    """Requests that wait for units of it."""
    waiting_units: int
    """Units that they ask for."""
    members: str
    """JSON: [{name, labels, token, session, task, quarantined, draining}] by name; a token is a text or null."""
    requests: str
    """JSON: [{request, units}], the oldest first."""
    changed_at: int
    """Microseconds since 1970."""
