"""What a holder may ask beside its reports."""

from typing import ClassVar

from pydantic import Field

from domain.task.commands import AttemptReport


class ExtendAttempt(AttemptReport):
    """The attempt takes longer: prolong its timeout, as far as its plan allows."""

    NAME: ClassVar[str] = "extend_attempt"
    seconds: float = Field(gt=0, le=7 * 86_400)
    """Beyond what it had, with what was prolonged before."""
