"""Refusals of a single task."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class TaskNotReady(Rejection):
    """The task {task} is {status}, so it cannot be claimed.

    Ask why it is not ready, or claim without naming a task to get one that is.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    status: str


class TaskHeldByAnother(Rejection):
    """The task {task} is {status} by {session}, incarnation {incarnation}.

    Claim another task; this one comes back if its holder fails, releases it or is lost.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    status: str
    session: str
    incarnation: int


class Fenced(Rejection):
    """The token {token} is not the live one of task {task}, which is {status}; the report changed nothing.

    Stop working on the task: somebody else may own it by now. Claim again for a new token.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.FENCED
    AUDITED: ClassVar[bool] = True
    task: str
    token: str
    status: str


class TaskAlreadySettled(Rejection):
    """The task {task} is {status} already and stays so.

    Plan a new task if the work is wanted again; a failed task can be retried.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    status: str


class TaskNotRetryable(Rejection):
    """The task {task} is {status}; only failed and parked tasks begin anew.

    Wait for the task if it is under way, or plan a new one if it is settled.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    status: str


class TaskNotReassignable(Rejection):
    """The task {task} is {status}, so nobody has it and nobody could get it.

    Reassign a task that is ready, in backoff or under way; retry one that is parked or failed.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    status: str


class TaskOfRun(Rejection):
    """The task {task} has failed, and its run {run} has gone on from there.

    Retry or rework the phase in the run, which knows what came of it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    run: str


class AttentionStands(Rejection):
    """The task {task} is still {topic}, so it goes on needing a person.

    Retry or cancel the task, or the need that it waits for; then this goes by itself.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    topic: str


class PartsUnsettled(Rejection):
    """The task {task} has {count} parts that have not settled.

    Release it: it is ready again once they have, and its next attempt gets the checkpoint.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    count: int


class EvidenceRefused(Rejection):
    """The completion of {task} is not believed: {reasons}. The attempt has ended as an invalid result.

    Claim again and bring what the plan demands; the retry rule says whether and when the task is ready.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    reasons: str


class BudgetSpent(Rejection):
    """The task {task} has spent its budget: {reason}. The attempt has ended and the task is parked.

    A person may retry it with a larger budget.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    task: str
    reason: str


class TaskWasCancelled(Rejection):
    """The task {task} was cancelled while you worked on it; your attempt has ended, and what you left is kept.

    Go on with other work: a cancelled task does not reopen.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str


class TaskErased(Rejection):
    """What was said of the task {task} was erased; nothing is done with it any more.

    Plan a new task if the work is wanted again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str


class TaskUnsettled(Rejection):
    """The task {task} is {status}, and somebody may still need what was said of it.

    Cancel the task, wait until its holder has left it, and erase it then.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    status: str


class WordsOfRun(Rejection):
    """The task {task} belongs to the run {run}, which has copies of what was said of it.

    Erase the run: its tasks go with it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    task: str
    run: str


class ExtensionRefused(Rejection):
    """The timeout of task {task} cannot be prolonged by {seconds} s: {reason}.

    End what can be ended and report it with a checkpoint; the next attempt goes on from there.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    seconds: float
    reason: str
