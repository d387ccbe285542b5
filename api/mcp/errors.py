"""Refusals of the tools themselves, before anything reaches the domain."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class UnknownTool(Rejection):
    """There is no tool {tool}.

    Use one of: {known}.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    tool: str
    known: str


class ArgumentsUnfit(Rejection):
    """The arguments of {tool} do not fit: {summary}.

    Correct the arguments that are named and call {tool} again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    tool: str
    summary: str


class SessionNotNamed(Rejection):
    """{tool} acts for a session, and the arguments name none.

    Call prime first. It answers with `session` and `incarnation`: pass both with every further call.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    tool: str


class LifeFenced(Rejection):
    """Incarnation {incarnation} of the session {session} is not its current life any more.

    Stop writing: whatever this life held is fenced. Call prime without `session` to begin anew.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.FENCED
    session: str
    incarnation: int


class LifeOver(Rejection):
    """Incarnation {incarnation} of the session {session} is {status}: its tasks and locks went to others.

    Stop writing. Call prime with `resume` set to this session to begin its next life, then next_task.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.SESSION_LOST
    session: str
    incarnation: int
    status: str


class ProjectNotNamed(Rejection):
    """It is not clear which project is meant.

    Pass `project`; you may choose among: {known}.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    known: str


class WorkUnreported(Rejection):
    """The session cannot end: it has tasks without a result, {held}.

    Report complete, fail or release for each of them, then leave.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    held: str


class NothingHeld(Rejection):
    """The session holds no task {task}.

    Call next_task to get one, or prime to see what you hold. If it was yours before, it was taken back: stop that work.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.FENCED
    task: str


class SeveralHeld(Rejection):
    """The session holds several tasks, and the arguments do not say which one is meant.

    Pass `task`, one of: {held}.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    held: str


class ArgumentMissing(Rejection):
    """{tool} with {choice} needs `{argument}`.

    Call {tool} again with it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    tool: str
    choice: str
    argument: str


class TicketUnreadable(Rejection):
    """That is no ticket.

    Pass a `ticket` as a tool gave it: lock/PROJECT/REQUEST, task/PROJECT/TASK, run/PROJECT/RUN or
    gate/PROJECT/RUN/PLACE.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN


class UnknownResource(Rejection):
    """There is no resource of that name here.

    List the resource templates and fill one in with ids that a tool told you.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
