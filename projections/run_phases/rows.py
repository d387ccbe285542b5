"""What is shown of a phase of a run."""

from typing import Literal, NamedTuple

PhaseStatus = Literal[
    "pending", "ready", "offered", "waiting", "parked", "succeeded", "failed", "skipped", "blocked", "cancelled"
]


class RunPhaseRow(NamedTuple):
    """A phase as it stands. Instants are microseconds since 1970."""

    key: str
    """Run and place: ``run_…/build``."""
    project: str
    run: str
    place: str
    kind: str
    title: str
    position: int
    """Its place in the order of the definition, from 1."""
    needs: str
    """JSON: keys of the phases that it comes after."""
    status: PhaseStatus
    generation: int
    task: str | None
    """What its work is done as; the task knows of attempts, retries and tokens."""
    child: str | None
    """Run that does its work."""
    reason: str
    """Why it is parked, skipped, blocked, failed or cancelled, and behind that why its undo has failed."""
    arm: str
    """That it took; empty for none."""
    input: str
    """JSON: what it hands to its work, or empty."""
    output: str
    """JSON: what came of it, or empty."""
    summary: str
    consumed: str
    """JSON: list of {place, generation} of what it took when it began."""
    effect: bool
    """Whether it may have changed the world."""
    undo: str
    """undoing, undone, failed, or left; empty where nothing was taken back."""
    undo_task: str | None
    ready_at: int | None
    settled_at: int | None
    changed_at: int
