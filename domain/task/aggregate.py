"""The task as an aggregate: how its state begins and folds."""

from typing import Final

from domain.kernel.decider import Aggregate
from domain.task.evolve import evolve
from domain.task.state import Absent, TaskState

TASK: Final[Aggregate[TaskState]] = Aggregate(prefix="task", initial=Absent(), evolve=evolve, state_type=TaskState)
