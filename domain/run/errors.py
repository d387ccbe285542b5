"""Refusals of a run."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class RunNotInState(Rejection):
    """The run {run} is {status}: {action} is not possible.

    Look at the run; it may have moved on since it was shown to you.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    status: str
    action: str


class PhaseNotInState(Rejection):
    """The phase {phase} of run {run} is {status}: {action} is not possible.

    Look at the run; it may have moved on since it was shown to you.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    phase: str
    status: str
    action: str


class RunMovedOn(Rejection):
    """The run {run} is at revision {revision}, not at {expected}: something happened since.

    Look at it again and decide anew, or ask without an expected revision.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    expected: int
    revision: int


class InputsUnfit(Rejection):
    """The inputs do not fit the pipeline {pipeline}: {reason}.

    Correct them; `pipeline versions` and `pipeline graph` show what a definition asks for.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    pipeline: str
    reason: str


class RunKeyReused(Rejection):
    """The idempotency key {key} began run {run} of another pipeline or with other inputs.

    Use a fresh key for a new run; repeat a key only with the very same run.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.IDEMPOTENCY_MISMATCH
    key: str
    run: str


class VoteRefused(Rejection):
    """You may not vote at the gate {phase} of run {run}: {reason}.

    Ask somebody who may; `signalbox gate show` tells who.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    run: str
    phase: str
    reason: str


class EvidenceMoved(Rejection):
    """What you looked at at the gate {phase} of run {run} is not its evidence any more, which is {digest} now.

    Look at it again and vote on that.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    phase: str
    digest: str


class NoReworkHere(Rejection):
    """The gate {phase} of run {run} names no phase that would be done anew.

    Approve or reject.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    run: str
    phase: str


class SignalUnfit(Rejection):
    """The signal {signal} does not fit run {run}: {reason}.

    Correct it; the definition says which signals there are and what they carry.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    run: str
    signal: str
    reason: str


class OutputUnfit(Rejection):
    """That is not what comes of the phase {phase} of run {run}: {reason}.

    Correct it; the definition says what its outputs are.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    run: str
    phase: str
    reason: str


class ReworkRefused(Rejection):
    """These phases of run {run} are not done anew: {reason}.

    Ask with dry_run to see all of it. Work that may change the world once more needs accept_repeat with a reason;
    behind a point of no return start another run.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    reason: str


class MigrationRefused(Rejection):
    """Run {run} does not go over to version {version}: {first}.

    Ask with dry_run to see all of it; `data.reasons` tells the same. What cannot be mended is done by a fork:
    `signalbox run fork {run} --version {version}`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    version: int
    first: str
    reasons: tuple[str, ...]


class BehindNoReturn(Rejection):
    """Run {run} has passed the point of no return {phase}: it is not rolled back.

    Ask with force and a reason if it has to be.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    phase: str


class UndoNotFailed(Rejection):
    """No undo of {phase} has failed in run {run}.

    `signalbox run show` tells how far it is.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    phase: str


class NothingToTakeBack(Rejection):
    """Run {run} has left nothing in the world that could be taken back.

    `signalbox run show` tells which of its phases have an effect, and which an undo.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str


class BelongsToParent(Rejection):
    """Run {run} does the work of {phase} of run {parent}, which counts on how it ended.

    Ask that of the phase {phase} of run {parent}: `signalbox run rework` or `run rollback`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    parent: str
    phase: str


class NoTurn(Rejection):
    """Under the key {key}, of which there may be {limit} runs at a time, {action} is not possible now: {holders}.

    Wait until one of those has ended, or cancel it, and ask again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    key: str
    limit: int
    holders: str
    """Runs that have the places."""
    action: str


class TurnUnfit(Rejection):
    """That is no concurrency key for a run of {pipeline}: {reason}.

    Correct the key, or the inputs that it speaks of; where the definition names one, leave it out.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    pipeline: str
    reason: str


class BudgetRefused(Rejection):
    """That is not possible with the budget of run {run}: {reason}.

    `signalbox run cost` tells what was spent for what; `signalbox run budget` raises the bounds.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    reason: str


class AnnotationsFull(Rejection):
    """Run {run} has {count} remarks, and no more are kept.

    Say it with a note of the project (`signalbox note`).
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 422
    run: str
    count: int


class RunErased(Rejection):
    """What was said of the run {run} was erased; nothing is done with it any more.

    Start another run if the work is wanted again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str


class RunUnsettled(Rejection):
    """{part} is {status}, and somebody may still need what was said of the run {run}.

    End the run with `signalbox run cancel`, wait until all that is inside of it has settled, and erase it then.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    part: str
    """The run itself, or a task or a run inside of it."""
    status: str


class RunInside(Rejection):
    """The run {run} is a part of what the run {root} has done, which has copies of what was said of it.

    Erase the run {root}: what is inside of it goes with it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    run: str
    root: str


class KeyOfRun(Rejection):
    """The task {task} cannot be planned: keys that begin with the id of a run name the tasks of its phases.

    Give it another key; it may still be a part of such a task, by its parent.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    task: str
    field: str = "key"
