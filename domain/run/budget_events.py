"""What a run may spend: set aside for its work before that begins, settled with what was spent, raised by hand."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.values import Spend
from domain.kernel.work import Budget


class RunBudget(Message):
    """What a run may spend by its start."""

    hard: Budget = Budget()
    """What would go beyond is parked."""
    soft: Budget = Budget()
    """From which on a person is told."""
    carved: bool = False
    """Whether it is a part of what its parent may spend."""


class RunBudgetReserved(Event):
    """So much more is set aside for the work of a place; what is None is not counted there."""

    TYPE: ClassVar[str] = "run.budget_reserved.v1"
    payee: str
    """Id of the task, or of the run that does the work."""
    place: str
    generation: int
    loop: str
    """The loop whose budget counts, too, with its generation, as ``polish@2``; empty for none."""
    budget: Budget
    at: Instant


class RunBudgetSettled(Event):
    """What was set aside is free again, and so much was spent."""

    TYPE: ClassVar[str] = "run.budget_settled.v1"
    payee: str
    place: str
    loop: str
    spent: Spend
    at: Instant


class RunBudgetNoticed(Event):
    """The run has spent what a person wanted to be told of."""

    TYPE: ClassVar[str] = "run.budget_noticed.v1"
    reason: str
    at: Instant


class RunBudgetAdjusted(Event):
    """The bounds of a run, or of one of its loops, are others from now on."""

    TYPE: ClassVar[str] = "run.budget_adjusted.v1"
    loop: str
    """Key of the loop; empty for the run."""
    budget: Budget
    reason: str
    by: str
    at: Instant


BudgetEvent = RunBudgetReserved | RunBudgetSettled | RunBudgetNoticed | RunBudgetAdjusted
