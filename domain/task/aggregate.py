"""The task as an aggregate: how its state begins and folds."""

from typing import Final

from domain.kernel.decider import Aggregate
from domain.task.evolve import evolve
from domain.task.state import Absent, Settled, TaskState


def rests(state: TaskState) -> bool:
    """Whether it is settled, and no attempt may report any more."""
    return not isinstance(state, Absent) and isinstance(state.phase, Settled) and state.phase.leaving is None


TASK: Final[Aggregate[TaskState]] = Aggregate(
    prefix="task", initial=Absent(), evolve=evolve, state_type=TaskState, rests=rests
)
