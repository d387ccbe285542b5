"""What may be asked of the budget of a run."""

from typing import ClassVar

from pydantic import Field

from domain.kernel.pipeline.words import Word
from domain.kernel.work import Budget
from domain.run.commands import RunVerb


class AdjustBudget(RunVerb):
    """Give a run, or a loop of it, other bounds. What was parked because all was spent goes on as far as they reach."""

    NAME: ClassVar[str] = "adjust_budget"
    phase: Word | None = None
    """The loop; None is the run."""
    budget: Budget
    """What is None stays as it is."""
    reason: str = Field(default="", max_length=500)
