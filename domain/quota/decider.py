"""What a credential pool decides: when its breaker opens, who may try, and when work is given out again."""

from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, derived_id, fraction_of
from domain.kernel.message import Event
from domain.quota.commands import HalfOpenQuota, SettleQuotaProbe
from domain.quota.errors import QuotaBlocked
from domain.quota.events import (
    QuotaClosed,
    QuotaHalfOpened,
    QuotaKind,
    QuotaOpened,
    QuotaProbed,
    QuotaProbeEnded,
    QuotaSessionJoined,
    QuotaSessionLeft,
)
from domain.quota.state import Closed, HalfOpen, Open, Pool, Probing

DELAY_SECONDS: Final = 30
"""The first wait where the provider says none; each further one is twice as long."""
DELAY_SECONDS_MAX: Final = 3_600
JITTER: Final = 0.1
"""Share of the wait that is added by chance, so that pools do not wake together."""
PROBE_SECONDS: Final = 60
"""Who has tried for so long without a refusal has found the quota there."""
MEMBERS_MAX: Final = 1_000

QuotaEvent = (
    QuotaSessionJoined | QuotaSessionLeft | QuotaOpened | QuotaHalfOpened | QuotaProbed | QuotaProbeEnded | QuotaClosed
)


def pool_stream(name: str) -> StreamId:
    """The stream of a pool; everybody who says the name means the same one."""
    return derived_id("quota", Instant(0), (name,))


def reported(
    pool: Pool, session: str, kind: QuotaKind, reason: str, retry_after_seconds: int | None, at: Instant, seed: str
) -> tuple[QuotaOpened, ...]:
    """The breaker opens. While it is open only a later end is news: everybody who was at work reports the same."""
    failures = pool.failures if isinstance(pool.breaker, Open) else pool.failures + 1
    seconds = float(retry_after_seconds or _delay_seconds(failures))
    until = Instant(at + int(seconds * (1 + JITTER * fraction_of(seed)) * SECOND))
    if isinstance(pool.breaker, Open) and (retry_after_seconds is None or until <= pool.breaker.until):
        return ()
    opened = QuotaOpened(
        pool=pool.name, kind=kind, reason=reason, session=session, failures=failures, until=until, at=at
    )
    return (opened,)


def _delay_seconds(failures: int) -> int:
    return min(DELAY_SECONDS_MAX, DELAY_SECONDS << min(failures - 1, 16))


def blocked(pool: Pool, at: Instant) -> QuotaBlocked | None:
    """Why nobody in the pool is given work now; None also where one may try."""
    match pool.breaker:
        case Closed() | HalfOpen():
            return None
        case Open(kind=kind, until=until):
            return _blocked(pool, kind, until, at)
        case Probing(until=until):
            return _blocked(pool, "another session tries it", until, at)
        case _:
            assert_never(pool.breaker)


def _blocked(pool: Pool, kind: str, until: Instant, at: Instant) -> QuotaBlocked:
    seconds = max(1, -(-(until - at) // SECOND))
    return QuotaBlocked(pool=pool.name, kind=kind, seconds=seconds, until=until)


def probed(pool: Pool, session: str, project: ProjectId, token: int, at: Instant) -> tuple[QuotaProbed, ...]:
    """Whoever claims from a half-open pool tries for all; nothing for any other pool."""
    if not isinstance(pool.breaker, HalfOpen):
        return ()
    until = Instant(at + PROBE_SECONDS * SECOND)
    return (QuotaProbed(session=session, token=token, project=project, until=until, at=at),)


def half_opened(pool: Pool, command: HalfOpenQuota, at: Instant) -> tuple[QuotaHalfOpened, ...]:
    """Nothing before the time, and nothing where it was opened anew meanwhile."""
    breaker = pool.breaker
    due = isinstance(breaker, Open) and breaker.until == command.until and at >= breaker.until
    return (QuotaHalfOpened(at=at),) if due else ()


def settled(pool: Pool, command: SettleQuotaProbe, at: Instant) -> tuple[Event, ...]:
    """What the try told; nothing where that try is over."""
    tries = pool.breaker
    named = (command.session, command.project, command.token)
    if not isinstance(tries, Probing) or (tries.session, tries.project, tries.token) != named:
        return ()
    if command.outcome == "unknown":
        return (QuotaProbeEnded(session=command.session, at=at),)
    return (QuotaClosed(because="probe", by=command.session, at=at),)


def evolve(state: Pool, event: QuotaEvent) -> Pool:
    """The pool after the event."""
    match event:
        case QuotaSessionJoined():
            served: Map[str, bool] = state.projects if state.members else Map()
            projects = served.update(dict.fromkeys(event.projects, True))
            members = state.members.set(StreamId(event.session), event.at)
            return replace(state, name=event.pool, members=members, projects=projects)
        case QuotaSessionLeft():
            known = event.session in state.members
            return replace(state, members=state.members.delete(StreamId(event.session))) if known else state
        case QuotaOpened():
            return replace(state, name=event.pool, breaker=Open(event.kind, event.until), failures=event.failures)
        case QuotaHalfOpened() | QuotaProbeEnded():
            return replace(state, breaker=HalfOpen())
        case QuotaProbed():
            tries = Probing(StreamId(event.session), ProjectId(event.project), event.token, event.until)
            return replace(state, breaker=tries)
        case QuotaClosed():
            return replace(state, breaker=Closed(), failures=0)
        case _:
            assert_never(event)


QUOTA: Final[Aggregate[Pool]] = Aggregate(
    prefix="quota", initial=Pool(), evolve=evolve, state_type=Pool, fleet=True, snapshot_every=200, snapshot_version=2
)
