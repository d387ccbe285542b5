"""Quota over its streams: the pool, the sessions that share it, and the claims that ask it first."""

from collections.abc import Iterator

from domain.dispatch.lookup import find_session
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Instant, ProjectId, StreamId, is_type_id
from domain.kernel.message import Event, Stamp
from domain.quota.commands import HalfOpenQuota, MarkQuota, ReportQuota, ResetQuota, SettleQuotaProbe
from domain.quota.decider import MEMBERS_MAX, QUOTA, blocked, half_opened, pool_stream, probed, reported, settled
from domain.quota.errors import CredentialPoolForeign, CredentialPoolFull, NoCredentialPool, QuotaBlocked
from domain.quota.events import QuotaClosed, QuotaSessionJoined, QuotaSessionLeft
from domain.quota.state import Closed, Pool
from domain.session.decider import SESSION, is_live
from domain.session.events import SessionOpened, SessionStatusChanged
from domain.session.signals import status_changed
from domain.session.state import Session


def report(command: ReportQuota, stamp: Stamp, view: View) -> Decision:
    """A session was refused: the breaker of its pool opens."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    if session.opened.credential_pool is None:
        return refuse(NoCredentialPool(session=command.session))
    return Decision(reporting(command, session, stamp, view))


def reporting(command: ReportQuota, session: Session, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """What the pool of the session learns; nothing where it knows, or where the session has none."""
    if session.opened.credential_pool is None:
        return ()
    stream = pool_stream(session.opened.credential_pool)
    pool = view.read(QUOTA, stream)
    seconds = command.retry_after_seconds
    events = reported(pool, command.session, command.kind, command.reason, seconds, stamp.time, stamp.seed)
    return (Write(stream, events),) if events else ()


def reset(command: ResetQuota, stamp: Stamp, view: View) -> Decision:
    """Somebody knows that the quota is there; nothing where work is given out anyway."""
    stream = pool_stream(command.pool)
    pool = view.read(QUOTA, stream)
    if not pool.name:
        return refuse(UnknownThing(kind="credential pool", name=command.pool[:100]))
    if isinstance(pool.breaker, Closed):
        return Decision()
    return Decision((Write(stream, (QuotaClosed(because="reset", by=stamp.principal, at=stamp.time),)),))


def half_open(command: HalfOpenQuota, stamp: Stamp, view: View) -> Decision:
    """One session may try from now on."""
    return _of_pool(command.pool, half_opened(_pool(command.pool, view), command, stamp.time))


def settle_probe(command: SettleQuotaProbe, stamp: Stamp, view: View) -> Decision:
    """The try is over."""
    return _of_pool(command.pool, settled(_pool(command.pool, view), command, stamp.time))


def mark(command: MarkQuota, stamp: Stamp, view: View) -> Decision:
    """The session shows what its pool says now, whatever the policy that asks had seen."""
    stream = StreamId(command.session)
    session = view.read(SESSION, stream) if is_type_id(command.session, "sess") else SESSION.initial
    if not isinstance(session, Session) or not is_live(session):
        return Decision()
    events = _shown(session, _pool(command.pool, view), stamp.time)
    return Decision((Write(stream, events),)) if events else Decision()


def _shown(session: Session, pool: Pool, at: Instant) -> tuple[SessionStatusChanged, ...]:
    refusal = blocked(pool, at)
    if refusal is None:
        return status_changed(session, "quota_restored", None, at)
    return status_changed(session, "quota_refused", None, at, note=f"{pool.name}: {refusal.kind}")


def asked(session: Session, at: Instant, view: View) -> Pool | QuotaBlocked | None:
    """The pool that a claim of the session depends on, or why it gets nothing; None where it names no pool."""
    if session.opened.credential_pool is None:
        return None
    pool = view.read(QUOTA, pool_stream(session.opened.credential_pool))
    return blocked(pool, at) or pool


def trying(pool: Pool | None, session: str, project: ProjectId, token: int, at: Instant) -> Iterator[Write]:
    """What a claim from a half-open pool writes beside itself."""
    events = () if pool is None else probed(pool, session, project, token, at)
    if pool is not None and events:
        yield Write(pool_stream(pool.name), events)


def joining(
    session: StreamId, opened: SessionOpened, former: Session | None, stamp: Stamp, view: View
) -> tuple[Write, ...] | CredentialPoolFull | CredentialPoolForeign:
    """A life begins: its pool learns of it, and the pool of a former life that it leaves.

    What one session reports stops all, so a pool is joined only by way of a project that its sessions serve, or by
    somebody who sees every project.
    """
    name = opened.credential_pool
    left = () if former is None or former.opened.credential_pool == name else leaving(session, former, stamp, view)
    if name is None:
        return left
    stream = pool_stream(name)
    pool = view.read(QUOTA, stream)
    if session not in pool.members and len(pool.members) >= MEMBERS_MAX:
        return CredentialPoolFull(pool=name, most=MEMBERS_MAX)
    shared = any(one in pool.projects for one in opened.projects)
    if stamp.sees is not None and not shared and any(member != session for member in pool.members):
        return CredentialPoolForeign(pool=name)
    joined = QuotaSessionJoined(pool=name, session=session, projects=opened.projects, at=stamp.time)
    return (*left, Write(stream, (joined,)))


def leaving(session: StreamId, state: Session, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """The session is gone: its pool has one member less."""
    if state.opened.credential_pool is None:
        return ()
    stream = pool_stream(state.opened.credential_pool)
    if session not in view.read(QUOTA, stream).members:
        return ()
    return (Write(stream, (QuotaSessionLeft(session=session, at=stamp.time),)),)


def first_status(opened: SessionOpened, at: Instant, view: View) -> tuple[Event, ...]:
    """A session that joins a pool without quota is shown so from the first."""
    if opened.credential_pool is None:
        return ()
    pool = view.read(QUOTA, pool_stream(opened.credential_pool))
    return _shown(Session(opened=opened), pool, at)


def _pool(stream: str, view: View) -> Pool:
    return view.read(QUOTA, StreamId(stream)) if is_type_id(stream, "quota") else QUOTA.initial


def _of_pool(stream: str, events: tuple[Event, ...]) -> Decision:
    return Decision((Write(StreamId(stream), events),)) if events else Decision()
