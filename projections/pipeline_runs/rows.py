"""What the list shows of a run."""

from typing import Literal, NamedTuple

RunStatus = Literal["queued", "running", "paused", "cancelling", "compensating", "succeeded", "failed", "cancelled"]


class PipelineRunRow(NamedTuple):
    """A run as it stands. Instants are microseconds since 1970."""

    key: str
    """Id of the run."""
    project: str
    begun_position: int
    """Of the event that queued it."""
    pipeline: str
    version: int
    digest: str
    """Of the definition that it keeps to."""
    status: RunStatus
    paused_from: RunStatus
    """Status that it goes on with once it is resumed."""
    rollback: str
    """none, complete or partial once it has ended; empty before."""
    reason: str
    """Why it was paused, cancelled or fails; empty where there is nothing to say."""
    parent: str | None
    """Run that began it."""
    parent_place: str
    """Of the phase whose work it does; empty where nobody began it."""
    forked_from: str | None
    """Run of which it took over what still holds."""
    rolls_back: str | None
    """Run whose effects it takes back."""
    rolled_back_by: str | None
    """Run that takes back, or took back, what it did."""
    outputs: str
    """JSON: the object that it said when it succeeded, or empty."""
    untold: str
    """JSON: outputs that could not be told, each with the reason."""
    because: str
    """JSON: keys of the phases for whose sake it failed."""
    inputs: str
    """JSON: the object that it was started with, or empty."""
    labels: str
    """JSON."""
    priority: int
    correlation_key: str
    concurrency_key: str
    """Under which it has or waits for its turn; empty where it needs none."""
    concurrency_limit: int | None
    """Runs at a time under the key."""
    budget: str
    """JSON: what it may spend, by unit; empty where that is not bounded."""
    spent: str
    """JSON: what was spent of it, that of ended runs inside included."""
    reserved: str
    """JSON: what is set aside of it for work under way."""
    shares: str
    """JSON: the same by task or run."""
    annotations: str
    """JSON: the latest remarks, each with place, text, by and at; at most 8."""
    annotations_total: int
    started_by: str
    phases_total: int
    phases_settled: int
    settled: str
    """JSON: keys of the phases that have settled."""
    parked: str
    """JSON: keys of the phases that a person has to look at."""
    queued_at: int
    started_at: int | None
    settled_at: int | None
    changed_at: int
    revision: int
    """Version of its stream: what ``expected_revision`` is compared with."""
