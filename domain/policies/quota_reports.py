"""What quota brings about by itself: refused attempts are reported, sessions show it, tries are judged."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import FLEET, StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.quota.commands import MarkQuota, ReportQuota, SettleQuotaProbe
from domain.quota.decider import QUOTA, pool_stream
from domain.quota.events import QuotaClosed, QuotaOpened
from domain.quota.state import Probing
from domain.session.decider import SESSION, is_live
from domain.session.events import SessionAttemptEnded, SessionStatusChanged
from domain.session.state import Session
from domain.task.decider import TASK
from domain.task.events import TaskAttemptEnded
from domain.task.state import Task

_REASON_CHARACTERS_MAX: Final = 500


def report_refused(cause: Cause, view: View) -> tuple[Derived, ...]:
    """An attempt failed for lack of quota: whoever had it reports that for its pool."""
    event = cause.event
    if not isinstance(event, TaskAttemptEnded) or event.kind != "rate_limited":
        return ()
    task = view.read(TASK, cause.stream)
    holder = StreamId(task.tried_by[-1]) if isinstance(task, Task) and task.tried_by else None
    session = SESSION.initial if holder is None else view.read(SESSION, holder)
    if holder is None or not isinstance(session, Session) or not is_live(session):
        return ()
    if session.opened.credential_pool is None:
        return ()
    reason = event.reason[-_REASON_CHARACTERS_MAX:]
    asked = ReportQuota(session=holder, incarnation=session.opened.incarnation, reason=reason)
    return (Derived(asked, pool_stream(session.opened.credential_pool), FLEET),)


def mark_sessions(cause: Cause, view: View) -> tuple[Derived, ...]:
    """Everybody in the pool shows whether its quota is there."""
    members = sorted(view.read(QUOTA, cause.stream).members)
    return tuple(Derived(MarkQuota(session=one, pool=cause.stream), one, FLEET) for one in members)


def judge_probe(cause: Cause, view: View) -> tuple[Derived, ...]:
    """Who tries and finishes its attempt, or runs a tool, has been answered; who is gone leaves it open."""
    event = cause.event
    if isinstance(event, SessionStatusChanged) and event.status != "busy_in_tool":
        return ()
    session = view.read(SESSION, cause.stream)
    if not isinstance(session, Session) or session.opened.credential_pool is None:
        return ()
    stream = pool_stream(session.opened.credential_pool)
    tries = view.read(QUOTA, stream).breaker
    if not isinstance(tries, Probing) or tries.session != cause.stream:
        return ()
    if isinstance(event, SessionAttemptEnded) and (event.project, event.token) != (tries.project, tries.token):
        return ()
    answered = not isinstance(event, SessionAttemptEnded) or event.outcome in ("completed", "failed")
    asked = SettleQuotaProbe(
        pool=stream,
        session=tries.session,
        project=tries.project,
        token=tries.token,
        outcome="succeeded" if answered else "unknown",
    )
    return (Derived(asked, stream, FLEET),)


REPORT_REFUSED: Final = Policy("report_refused_quota", (TaskAttemptEnded,), report_refused)
MARK_SESSIONS: Final = Policy("mark_quota_of_sessions", (QuotaOpened, QuotaClosed), mark_sessions)
JUDGE_PROBE: Final = Policy("judge_quota_probe", (SessionAttemptEnded, SessionStatusChanged), judge_probe)
QUOTA_POLICIES: Final = (REPORT_REFUSED, MARK_SESSIONS, JUDGE_PROBE)
