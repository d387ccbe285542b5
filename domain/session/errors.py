"""Refusals of a session: who may speak for it, and which of its lives is current."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class NotSessionOwner(Rejection):
    """The session {session} was opened by another principal.

    Open a session of your own; only the principal that opened one speaks for it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.NOT_OWNER
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    session: str


class SessionFenced(Rejection):
    """Incarnation {incarnation} of the session {session} is not the current one, which is {current}.

    Stop: whatever this life held is fenced. Open the session again with resume to get its next incarnation.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.FENCED
    AUDITED: ClassVar[bool] = True
    session: str
    incarnation: int
    current: int


class SessionWasLost(Rejection):
    """Incarnation {incarnation} of the session {session} was lost: its lease ran out and its attempts and locks ended.

    Stop writing, open the session again with resume, and claim anew; the old tokens are refused everywhere.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.SESSION_LOST
    AUDITED: ClassVar[bool] = True
    session: str
    incarnation: int


class SessionHasEnded(Rejection):
    """Incarnation {incarnation} of the session {session} said goodbye before.

    Open the session again with resume, or open a new one.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.SESSION_LOST
    session: str
    incarnation: int


class SessionWasDrained(Rejection):
    """Incarnation {incarnation} of the session {session} was drained: it ended with the last task that it had.

    Stop. Open another session only if you were told to go on.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.SESSION_LOST
    session: str
    incarnation: int


class ProjectNotServed(Rejection):
    """The session {session} does not serve the project {project}.

    Open the session again with resume and name every project that it shall serve.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    HTTP_STATUS: ClassVar[int] = 403
    session: str
    project: str


class LeaseStillRuns(Rejection):
    """The lease of incarnation {incarnation} of the session {session} runs until {until}.

    Ask again then; a lease never ends early.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str
    incarnation: int
    until: int
    """Microseconds since 1970."""


class SessionIsDraining(Rejection):
    """The session {session} takes no new tasks: it is being drained and ends with what it has.

    Finish what it has. To go on, ask an operator to undrain it, or open another session.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str


class FamilyTooDeep(Rejection):
    """The session {session} would stand {depth} levels below the topmost one, and {most} is the deepest.

    Put it below a session that stands higher.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    session: str
    depth: int
    most: int


class FamilyCircular(Rejection):
    """The session {parent} is {session} itself or stands below it already.

    Name a parent that is outside its family.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    session: str
    parent: str


class LocksInsideFamily(Rejection):
    """The session {session} cannot leave: {inner} holds {claim} beside {held} of {outer}, as only a family may.

    Release one of the two (token {token} or {other_token}), or wait until one is released, and move the session then.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str
    inner: str
    """``session#incarnation`` or ``task@session#incarnation``: who would go along."""
    claim: str
    token: str
    """Decimal string."""
    outer: str
    """Who would stay behind."""
    held: str
    other_token: str
    """Decimal string."""


class FamilyTooLarge(Rejection):
    """The session {session} has {most} sessions below it, which is the limit.

    End some of them, or put further ones below one of these.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    session: str
    most: int


class SessionErased(Rejection):
    """What was said of the session {session} was erased; nothing is done with it any more.

    Open a new session if the agent goes on.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str


class SessionUnsettled(Rejection):
    """The session {session} is {status}, and may still need what was said of it and to it.

    End it with `signalbox session end`, or wait until it is lost, and erase it then.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    session: str
    status: str


class SessionOfOthers(Rejection):
    """The session {session} has served other projects than yours, and what was said to it there would be erased, too.

    Ask an administrator of all of its projects.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    session: str
