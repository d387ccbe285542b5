"""What a session is said to do becomes an event only where it differs, and a started tool holds the lease."""

import pytest
from pydantic import ValidationError

from domain.dispatch.open_session import SessionLife
from domain.kernel.activity import Activity, after_attempt, after_claim, status_of
from domain.kernel.decider import Decision
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.session.commands import LoseSession, OpenSession, SignalSession, SuspectSession
from domain.session.decider import SESSION
from domain.session.errors import LeaseStillRuns, SessionFenced
from domain.session.events import SessionStatusChanged, Signal
from domain.session.liveness import Standing, due
from domain.session.signals import TOOL_SECONDS_MAX
from domain.session.state import Session
from domain.task.commands import CompleteTask, PlannedTask
from infrastructure.log.port import Lease
from tests.support.fleet import Fleet, accepted


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def opened(fleet: Fleet, **fields: object) -> SessionLife:
    answer = accepted(fleet.ask(OpenSession.model_validate({"projects": ("shop",), **fields}))).answer
    assert isinstance(answer, SessionLife)
    return answer


def state(fleet: Fleet, session: str) -> Session:
    found = fleet.read(SESSION, StreamId(session))
    assert isinstance(found, Session)
    return found


def say(fleet: Fleet, session: str, signal: Signal, **fields: object) -> Decision:
    command = {"session": session, "incarnation": 1, "signal": signal, **fields}
    return fleet.ask(SignalSession.model_validate(command))


@pytest.mark.parametrize(
    ("signals", "activity"),
    [
        ((), "idle"),
        (("progress",), "working"),
        (("tool_started",), "busy_in_tool"),
        (("tool_started", "progress"), "busy_in_tool"),
        (("tool_started", "tool_ended"), "working"),
        (("tool_ended",), "idle"),
        (("progress", "waiting_for_person"), "waiting_for_person"),
        (("waiting_for_person", "progress"), "working"),
        (("quota_refused",), "quota_blocked"),
        (("quota_refused", "quota_restored"), "idle"),
        (("progress", "quota_restored"), "working"),
        (("progress", "stop"), "idle"),
    ],
)
def test_signals_say_what_a_session_does(fleet: Fleet, signals: tuple[Signal, ...], activity: Activity) -> None:
    session = opened(fleet).session
    for signal in signals:
        accepted(say(fleet, session, signal))
    assert state(fleet, session).activity == activity


def test_what_says_nothing_new_leaves_no_event(fleet: Fleet) -> None:
    session = opened(fleet).session
    assert len(say(fleet, session, "progress", digest="a").writes) == 1
    assert say(fleet, session, "progress", digest="b") == Decision()
    assert len(say(fleet, session, "tool_started", tool="Bash").writes) == 1
    assert say(fleet, session, "tool_started", tool="Bash") == Decision()
    assert len(say(fleet, session, "tool_started", tool="Read").writes) == 1
    assert say(fleet, session, "tool_ended", tool="Bash") == Decision(), "another tool runs"
    assert len(say(fleet, session, "tool_ended", tool="Read").writes) == 1


def test_claims_and_ends_of_attempts_say_by_themselves_what_a_session_does(fleet: Fleet) -> None:
    session = opened(fleet).session
    fleet.plan(PlannedTask(key="a", title="a"))
    claimed = fleet.claimed(session)
    assert state(fleet, session).activity == "working"
    assert say(fleet, session, "progress") == Decision()
    accepted(fleet.ask(CompleteTask(project="shop", task="a", token=claimed.token)))
    assert state(fleet, session).activity == "idle"
    assert (after_claim("busy_in_tool"), after_claim("quota_blocked")) == ("busy_in_tool", "working")
    assert (after_attempt("waiting_for_person", 0), after_attempt("working", 1)) == ("waiting_for_person", "working")


def test_silence_and_the_way_out_come_before_what_a_session_does() -> None:
    assert status_of("live", "working", draining=False) == "working"
    assert status_of("live", "working", draining=True) == "draining"
    assert status_of("suspect", "working", draining=True) == "suspect"
    assert status_of("lost", "idle", draining=True) == "lost"


def test_a_started_tool_holds_the_lease_of_a_silent_session_and_no_longer_than_the_cap(fleet: Fleet) -> None:
    life = opened(fleet)
    renewed_at = fleet.now
    accepted(say(fleet, life.session, "tool_started", tool="Bash", seconds=86_400))
    until = Instant(fleet.now + TOOL_SECONDS_MAX * SECOND)
    lose = LoseSession(session=life.session, incarnation=1, renewed_at=renewed_at)
    fleet.advance(life.ttl_seconds)
    suspected = fleet.ask(SuspectSession(session=life.session, incarnation=1, renewed_at=renewed_at))
    assert suspected.rejection is None
    refused = fleet.ask(lose)
    assert refused.rejection == LeaseStillRuns(session=life.session, incarnation=1, until=until)
    assert not refused.leases
    fleet.advance((until - fleet.now) / SECOND)
    assert fleet.ask(lose).rejection is None
    assert state(fleet, life.session).status == "lost"


def test_the_sweep_waits_as_long_as_the_decision_does() -> None:
    row = Lease("sess_1", 1, 60, 0, ended=False)
    tool_until = Instant(600 * SECOND)
    for status in ("live", "suspect"):
        standing = {"sess_1": Standing(1, status, tool_until)}
        before = due([row], standing, Instant(0), Instant(tool_until - 1))
        assert not [one for one in before if isinstance(one, LoseSession)]
        (command,) = due([row], standing, Instant(0), tool_until)
        assert isinstance(command, LoseSession)


def test_a_short_tool_holds_no_longer_than_it_was_said_to_take_and_its_end_gives_the_lease_back(fleet: Fleet) -> None:
    life = opened(fleet)
    accepted(say(fleet, life.session, "tool_started", tool="Bash", seconds=300))
    assert state(fleet, life.session).tool_until == fleet.now + 300 * SECOND
    accepted(say(fleet, life.session, "tool_ended", tool="Bash"))
    assert state(fleet, life.session).tool_until is None


def test_an_exit_is_a_goodbye(fleet: Fleet) -> None:
    session = opened(fleet).session
    decision = accepted(say(fleet, session, "exit"))
    assert [lease.action for lease in decision.leases] == ["end"]
    assert state(fleet, session).status == "ended"


def test_a_former_life_says_nothing(fleet: Fleet) -> None:
    session = opened(fleet).session
    opened(fleet, resume=session, began="fork")
    assert isinstance(say(fleet, session, "progress").rejection, SessionFenced)
    assert state(fleet, session).opened.began == "fork"


def test_an_event_says_which_signal_led_to_it(fleet: Fleet) -> None:
    session = opened(fleet).session
    (write,) = say(fleet, session, "tool_started", tool="Bash", seconds=5, digest="d", note="n").writes
    assert write.events == (
        SessionStatusChanged(
            incarnation=1,
            status="busy_in_tool",
            signal="tool_started",
            tool="Bash",
            tool_until=Instant(fleet.now + 5 * SECOND),
            digest="d",
            note="n",
            at=fleet.now,
        ),
    )


def test_a_session_says_what_it_is(fleet: Fleet) -> None:
    life = opened(
        fleet,
        tool="codex",
        role="reviewer",
        worktree="checkout",
        credential_pool="max-1",
        capabilities={"gpu": True, "memory_gb": 8, "speed": 1.5, "os": "linux", "langs": ("py", "go")},
        renewed_by="calls",
    )
    told = state(fleet, life.session).opened
    assert (told.role, told.worktree, told.credential_pool, told.began) == ("reviewer", "checkout", "max-1", "new")
    assert told.capabilities["langs"] == ("py", "go")
    assert (life.ttl_seconds, opened(fleet).ttl_seconds, opened(fleet, ttl_seconds=10).ttl_seconds) == (1_800, 60, 10)


@pytest.mark.parametrize(
    "capabilities",
    [{"": True}, {"x" * 101: True}, {"a": "x" * 201}, {"a": float("inf")}, {"a": tuple(range(101))}],
)
def test_what_a_session_can_do_is_bounded(capabilities: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OpenSession.model_validate({"projects": ("shop",), "capabilities": capabilities})
