"""What the queue shows of a request for locks."""

from typing import NamedTuple


class LockQueueRow(NamedTuple):
    """A request that waits for all its claims at once."""

    key: str
    """``lock space/request``."""
    project: str
    request: int
    """Its number in the lock space; ask and withdraw by it."""
    session: str
    """Who waits; empty where a task waits by itself."""
    incarnation: int
    task: str | None
    """The task whose attempt waits; None where the session itself does."""
    claims: str
    """JSON: [{claim, mode}], 1 to 64."""
    claims_total: int
    purpose: str
    served_as_of: int
    """The instant by which it is served: that of its coming less its boost, in microseconds since 1970."""
    requested_at: int
    expires_at: int | None
    """When it gives up by itself."""
