"""What only policies and time ask of tasks, beside what stands with the commands already."""

from typing import ClassVar

from domain.kernel.message import ProjectCommand
from domain.task.commands import AttemptReport
from domain.task.terms import Choice


class PushTask(ProjectCommand):
    """Give a ready task to a session that takes pushed work, as the strategy proposed it (derived)."""

    NAME: ClassVar[str] = "push_task"
    task: str
    session: str
    strategy: str
    choice: Choice


class ReopenNeed(ProjectCommand):
    """A needed task that had settled begins anew (derived by the policy reopen_needs)."""

    NAME: ClassVar[str] = "reopen_need"
    task: str
    need: str


class ReachStart(ProjectCommand):
    """The earliest start of a task has come (derived)."""

    NAME: ClassVar[str] = "reach_start"
    task: str


class PassDeadline(ProjectCommand):
    """The deadline of a task has come (derived)."""

    NAME: ClassVar[str] = "pass_deadline"
    task: str


class RevokeAttempt(ProjectCommand):
    """The grace of a cancelled task's attempt is over (derived)."""

    NAME: ClassVar[str] = "revoke_attempt"
    task: str


class ExhaustBudget(AttemptReport):
    """The attempt has used up the time that is left to its task (derived)."""

    NAME: ClassVar[str] = "exhaust_budget"


class StallAttempt(AttemptReport):
    """The attempt has said nothing new for too long (derived)."""

    NAME: ClassVar[str] = "stall_attempt"
