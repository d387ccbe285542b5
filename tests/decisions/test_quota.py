"""Sessions that share credentials stop together when their quota is refused, and one of them tries again."""

import pytest

from domain import catalogue
from domain.dispatch.open_session import SessionLife
from domain.kernel.decider import Decision
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.policy import Cause, derived_stamp
from domain.policies.agenda import Agenda
from domain.quota.commands import HalfOpenQuota, ReportQuota, ResetQuota, SettleQuotaProbe
from domain.quota.decider import DELAY_SECONDS, DELAY_SECONDS_MAX, MEMBERS_MAX, PROBE_SECONDS, QUOTA, pool_stream
from domain.quota.errors import CredentialPoolForeign, CredentialPoolFull, NoCredentialPool, QuotaBlocked
from domain.quota.events import QuotaHalfOpened, QuotaOpened, QuotaSessionJoined
from domain.quota.state import Breaker, Closed, HalfOpen, Open, Pool, Probing
from domain.session.commands import EndSession, LoseSession, OpenSession, SignalSession
from domain.session.decider import SESSION
from domain.session.state import Session
from domain.task.commands import ClaimTasks, ClaimWork, CompleteTask, FailTask, PlannedTask
from tests.support.fleet import Fleet, accepted

POOL = pool_stream("max")


class Pooled(Fleet):
    """A fleet in which policies and the agenda do their part."""

    def __init__(self) -> None:
        super().__init__()
        self.agenda = Agenda()
        self.plan(*(PlannedTask(key=f"t{number}", title="t") for number in range(20)))

    def opened(self, pool: str | None = "max", **fields: object) -> str:
        command = {"projects": ("shop",), "credential_pool": pool, "capacity": 4, **fields}
        answer = self.done(self.ask(OpenSession.model_validate(command))).answer
        assert isinstance(answer, SessionLife)
        return answer.session

    def done(self, decision: Decision) -> Decision:
        """An accepted decision with everything that follows at once."""
        accepted(decision)
        for write in decision.writes:
            version = self.versions[write.stream] - len(write.events)
            for event in write.events:
                version += 1
                cause = Cause(write.stream, version, event, ProjectId("fleet"))
                self.agenda.observe(cause)
                for policy in catalogue.POLICIES:
                    if isinstance(event, policy.answers):
                        for derived in policy.react(cause, self):
                            stamp = derived_stamp(policy.name, cause, derived, self.now, "c")
                            self.done(self.when(derived.command, stamp))
        return decision

    def wait(self, seconds: float) -> None:
        """Time passes, and what is due is asked."""
        self.advance(seconds)
        for policy, cause, derived in self.agenda.due(self.now):
            self.agenda.forget(policy, cause)
            stamp = derived_stamp(policy, cause, derived, self.now, "c")
            decision = self.when(derived.command, stamp)
            if decision.rejection is None:
                self.done(decision)

    @property
    def pool(self) -> Pool:
        return self.read(QUOTA, POOL)

    def breaker(self) -> Breaker:
        return self.pool.breaker

    def shown(self, session: str) -> str:
        state = self.read(SESSION, StreamId(session))
        assert isinstance(state, Session)
        return state.activity

    def refused(self, session: str) -> QuotaBlocked:
        rejection = self.claim(session).rejection
        assert isinstance(rejection, QuotaBlocked), rejection
        return rejection


@pytest.fixture
def fleet() -> Pooled:
    return Pooled()


def report(fleet: Pooled, session: str, **fields: object) -> Decision:
    command = {"session": session, "incarnation": 1, "reason": "429", **fields}
    return fleet.done(fleet.ask(ReportQuota.model_validate(command)))


def half_open(fleet: Pooled) -> None:
    breaker = fleet.breaker()
    assert isinstance(breaker, Open)
    fleet.wait((breaker.until - fleet.now) / SECOND + 0.001)
    assert isinstance(fleet.breaker(), HalfOpen)


def test_a_report_stops_everybody_in_the_pool_and_nobody_else(fleet: Pooled) -> None:
    one, two, other, alone = fleet.opened(), fleet.opened(), fleet.opened("mini"), fleet.opened(None)
    report(fleet, one, retry_after_seconds=100)
    assert (fleet.shown(one), fleet.shown(two)) == ("quota_blocked", "quota_blocked")
    assert (fleet.shown(other), fleet.shown(alone)) == ("idle", "idle")
    for session in (one, two):
        refusal = fleet.refused(session)
        assert (refusal.pool, refusal.kind) == ("max", "rate_limited")
        assert 100 <= refusal.seconds <= 111
        many = fleet.ask(ClaimTasks(project="shop", session=session, incarnation=1, most=2)).rejection
        anywhere = fleet.ask(ClaimWork(session=session, incarnation=1, most=2)).rejection
        assert isinstance(many, QuotaBlocked)
        assert anywhere == many
    fleet.claimed(other)
    fleet.claimed(alone)


def test_whoever_joins_later_is_blocked_from_the_first(fleet: Pooled) -> None:
    report(fleet, fleet.opened(), retry_after_seconds=100)
    late = fleet.opened()
    assert fleet.shown(late) == "quota_blocked"
    fleet.refused(late)


def test_a_claim_without_a_pool_reads_none(fleet: Pooled) -> None:
    session = fleet.opened(None)
    assert not [write for write in fleet.claim(session).writes if write.stream.startswith("quota")]
    rejection = fleet.ask(ReportQuota(session=session, incarnation=1)).rejection
    assert rejection == NoCredentialPool(session=session)


def test_one_session_tries_with_one_task_while_the_others_wait(fleet: Pooled) -> None:
    one, two = fleet.opened(), fleet.opened()
    report(fleet, one, retry_after_seconds=100)
    fleet.wait(99)
    assert isinstance(fleet.breaker(), Open), "never before the provider's time"
    half_open(fleet)
    tried = fleet.done(fleet.ask(ClaimTasks(project="shop", session=two, incarnation=1, most=4)))
    assert len([write for write in tried.writes if write.stream.startswith("task")]) == 1
    assert isinstance(fleet.breaker(), Probing)
    assert fleet.shown(two) == "working"
    assert fleet.refused(one).kind == "another session tries it"
    fleet.refused(two)


def test_who_claims_from_any_project_tries_with_one_task_too(fleet: Pooled) -> None:
    session = fleet.opened()
    report(fleet, session)
    half_open(fleet)
    tried = fleet.done(fleet.ask(ClaimWork(session=session, incarnation=1, most=4)))
    assert len([write for write in tried.writes if write.stream.startswith("task")]) == 1
    assert isinstance(fleet.breaker(), Probing)


def test_a_try_that_ends_its_attempt_gives_out_work_again(fleet: Pooled) -> None:
    one, two = fleet.opened(), fleet.opened()
    report(fleet, one)
    half_open(fleet)
    claimed = fleet.claimed(two)
    fleet.done(fleet.ask(CompleteTask(project="shop", task=claimed.task, token=claimed.token)))
    assert fleet.breaker() == Closed()
    assert fleet.pool.failures == 0
    assert fleet.shown(one) == "idle"
    fleet.claimed(one)


def test_a_try_that_runs_a_tool_was_answered(fleet: Pooled) -> None:
    one, two = fleet.opened(), fleet.opened()
    report(fleet, one)
    half_open(fleet)
    fleet.done(fleet.claim(two))
    fleet.done(fleet.ask(SignalSession(session=two, incarnation=1, signal="tool_started", tool="Bash")))
    assert fleet.breaker() == Closed()


def test_a_try_without_a_refusal_for_long_enough_is_believed(fleet: Pooled) -> None:
    session = fleet.opened()
    report(fleet, session)
    half_open(fleet)
    fleet.done(fleet.claim(session))
    fleet.wait(PROBE_SECONDS - 1)
    assert isinstance(fleet.breaker(), Probing)
    fleet.wait(1)
    assert fleet.breaker() == Closed()


def test_a_try_that_is_refused_waits_twice_as_long(fleet: Pooled) -> None:
    session = fleet.opened()
    report(fleet, session)
    for failures in range(2, 12):
        half_open(fleet)
        claimed = fleet.claimed(session)
        failed = FailTask(project="shop", task=claimed.task, token=claimed.token, kind="rate_limited", reason="429")
        fleet.done(fleet.ask(failed))
        breaker = fleet.breaker()
        assert isinstance(breaker, Open)
        assert fleet.pool.failures == failures
        seconds = min(DELAY_SECONDS_MAX, DELAY_SECONDS * 2 ** (failures - 1))
        assert seconds <= (breaker.until - fleet.now) / SECOND <= 1.1 * seconds
        fleet.wait(0)


def test_a_session_that_vanishes_while_it_tries_lets_another_try(fleet: Pooled) -> None:
    one, two = fleet.opened(), fleet.opened()
    report(fleet, one)
    half_open(fleet)
    fleet.done(fleet.claim(two))
    fleet.done(fleet.ask(EndSession(session=two, incarnation=1)))
    assert isinstance(fleet.breaker(), HalfOpen)
    fleet.done(fleet.claim(one))
    assert isinstance(fleet.breaker(), Probing)


def test_those_that_were_at_work_report_the_same_refusal_once(fleet: Pooled) -> None:
    sessions = [fleet.opened() for _ in range(3)]
    report(fleet, sessions[0])
    assert not report(fleet, sessions[1]).writes
    assert not report(fleet, sessions[2], retry_after_seconds=5).writes, "never shorter than was said before"
    assert fleet.pool.failures == 1
    longer = report(fleet, sessions[1], retry_after_seconds=500)
    assert [type(event) for write in longer.writes for event in write.events] == [QuotaOpened]
    assert fleet.pool.failures == 1


def test_a_refused_attempt_is_reported_by_itself(fleet: Pooled) -> None:
    session = fleet.opened()
    claimed = fleet.claimed(session)
    failed = FailTask(project="shop", task=claimed.task, token=claimed.token, kind="rate_limited", reason="x" * 4_000)
    fleet.done(fleet.ask(failed))
    assert isinstance(fleet.breaker(), Open)
    fleet.refused(session)


def test_a_signal_reports_quota(fleet: Pooled) -> None:
    session, other = fleet.opened(), fleet.opened()
    fleet.done(fleet.ask(SignalSession(session=session, incarnation=1, signal="quota_refused", seconds=60)))
    assert isinstance(fleet.breaker(), Open)
    assert fleet.shown(other) == "quota_blocked"


def test_a_person_resets_a_pool(fleet: Pooled) -> None:
    session = fleet.opened()
    assert fleet.ask(ResetQuota(pool="max")) == Decision()
    report(fleet, session, retry_after_seconds=86_400)
    fleet.done(fleet.ask(ResetQuota(pool="max")))
    assert (fleet.breaker(), fleet.shown(session)) == (Closed(), "idle")
    unknown = UnknownThing(kind="credential pool", name="nope")
    assert fleet.ask(ResetQuota(pool="nope")).rejection == unknown


def test_sessions_leave_their_pool_when_they_are_gone(fleet: Pooled) -> None:
    one, two, three = fleet.opened(), fleet.opened(), fleet.opened()
    assert set(fleet.pool.members) == {one, two, three}
    fleet.done(fleet.ask(EndSession(session=one, incarnation=1)))
    renewed_at = fleet.now
    fleet.advance(60)
    fleet.done(fleet.ask(LoseSession(session=two, incarnation=1, renewed_at=renewed_at)))
    fleet.opened("mini", resume=three)
    assert not fleet.pool.members
    assert set(fleet.read(QUOTA, pool_stream("mini")).members) == {three}
    fleet.opened("max", resume=two)
    assert set(fleet.pool.members) == {two}


def test_a_pool_has_a_bounded_number_of_sessions(fleet: Pooled) -> None:
    for number in range(MEMBERS_MAX):
        joined = QuotaSessionJoined(pool="max", session=f"sess_{number:026d}", projects=(), at=fleet.now)
        fleet.given(POOL, joined)
    rejection = fleet.ask(OpenSession(projects=("shop",), credential_pool="max")).rejection
    assert rejection == CredentialPoolFull(pool="max", most=MEMBERS_MAX)


def test_a_pool_is_joined_only_by_way_of_a_project_that_its_sessions_serve(fleet: Pooled) -> None:
    """What one session reports stops all, so whoever merely knows the name must not get in."""
    other = fleet.a_project("other")

    def join(*projects: str, sees: frozenset[ProjectId] | None) -> Decision:
        stamp = fleet.stamp("fleet", "key_stranger")._replace(sees=sees)
        return fleet.when(OpenSession(projects=projects, credential_pool="max"), stamp)

    fleet.opened()
    refused = join("other", sees=frozenset({other})).rejection
    assert refused == CredentialPoolForeign(pool="max")
    assert CredentialPoolForeign.KIND == "DENIED"
    # By way of a common project, or by somebody who sees every one, and from then on for that project, too.
    assert join("shop", "other", sees=frozenset({fleet.project, other})).rejection is None
    assert join("other", sees=frozenset({other})).rejection is None


def test_a_pool_without_sessions_is_anybodys(fleet: Pooled) -> None:
    other = fleet.a_project("other")
    session = fleet.opened()
    fleet.done(fleet.ask(EndSession(session=session, incarnation=1)))
    stamp = fleet.stamp("fleet", "key_stranger")._replace(sees=frozenset({other}))
    assert fleet.when(OpenSession(projects=("other",), credential_pool="max"), stamp).rejection is None
    assert set(fleet.pool.projects) == {other}


def test_what_time_or_policies_ask_too_late_changes_nothing(fleet: Pooled) -> None:
    session = fleet.opened()
    report(fleet, session, retry_after_seconds=10)
    breaker = fleet.breaker()
    assert isinstance(breaker, Open)
    early = HalfOpenQuota(pool=POOL, until=breaker.until)
    assert fleet.ask(early) == Decision()
    assert fleet.ask(HalfOpenQuota(pool=POOL, until=breaker.until - 1)) == Decision()
    half_open(fleet)
    assert fleet.ask(early) == Decision()
    claimed = fleet.claimed(session)
    probe = fleet.breaker()
    assert isinstance(probe, Probing)
    assert str(probe.token) == claimed.token
    for change in ({"session": "sess_x"}, {"token": 1}, {"project": "proj_x"}):
        fields = {"pool": POOL, "session": session, "project": fleet.project, "token": probe.token} | change
        settled = SettleQuotaProbe.model_validate({**fields, "outcome": "succeeded"})
        assert fleet.ask(settled) == Decision()
    assert fleet.ask(HalfOpenQuota(pool="nope", until=0)) == Decision()


def test_a_pool_that_half_opened_is_folded_so() -> None:
    opened = QuotaOpened(
        pool="max", kind="overloaded", reason="", session="s", failures=3, until=Instant(9), at=Instant(1)
    )
    pool = QUOTA.evolve(QUOTA.evolve(Pool(), opened), QuotaHalfOpened(at=Instant(9)))
    assert (pool.breaker, pool.failures) == (HalfOpen(), 3)
