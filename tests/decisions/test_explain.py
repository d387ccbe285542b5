"""Given, when, then: what stands in the way is told as the claim itself would be told."""

from domain.dispatch.explain_locks import explain_lock
from domain.dispatch.explain_session import explain_session
from domain.dispatch.explain_task import explain_task
from domain.dispatch.explanation import Explanation
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.values import Requirement
from domain.lock.errors import LockConflict
from domain.project.events import ProjectFrozen
from domain.session.commands import EndSession
from domain.session.events import SessionSuspected
from domain.task.commands import ReportProgress
from tests.support.fleet import Fleet, a_task, accepted, refused

SRC = ("path:shop//src/**",)


def of_task(fleet: Fleet, key: str) -> Explanation:
    found = explain_task(key, fleet.project, fleet.index, fleet.serving, fleet.now, fleet)
    assert isinstance(found, Explanation)
    return found


def of_session(fleet: Fleet, session: str) -> Explanation:
    found = explain_session(session, lambda _: True, fleet.index, fleet.now, fleet)
    assert isinstance(found, Explanation)
    return found


def codes(found: Explanation) -> list[str]:
    return [one.code for one in found.reasons]


def test_a_pending_task_names_what_it_needs_and_how_that_stands() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b"), a_task("c", "a", "b"))
    session = fleet.a_session(capacity=2)
    first = fleet.claimed(session, "a")
    found = of_task(fleet, "c")
    assert (found.status, found.moving, codes(found)) == ("pending", False, ["need_unmet", "need_unmet"])
    assert [one.data["status"] for one in found.reasons] == ["assigned", "ready"]
    assert "needs a to be completed, which is assigned" in found.summary
    fleet.complete(first.task, first.token)
    settle_needs(fleet)
    assert [one.data["key"] for one in of_task(fleet, "c").reasons] == ["b"]


def settle_needs(fleet: Fleet) -> None:
    from domain.task.commands import SettleNeed

    fleet.ask(SettleNeed(project="shop", task=fleet.id_of("c"), need=fleet.id_of("a"), outcome="completed"))


def test_a_ready_task_without_sessions_or_capable_ones_says_so_with_the_nearest_miss() -> None:
    fleet = Fleet()
    requires = (Requirement(key="gpu"), Requirement(key="os", value="linux"))
    fleet.plan(a_task("a", requires=requires))
    assert codes(of_task(fleet, "a")) == ["no_session"]
    fleet.a_session("far")
    near = fleet.a_session("near", os="linux")
    found = of_task(fleet, "a")
    assert codes(found) == ["no_capable_session", "no_capable_session"]
    assert (found.reasons[0].about, found.reasons[0].data["lacks"]) == (near, 1)
    assert "gpu = True" in found.reasons[0].words
    assert found.reasons[0].words.endswith(fleet.claim(near, "a").rejection.message())  # type: ignore[union-attr]


def test_all_capable_sessions_busy_is_told_with_their_names() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b"))
    one = fleet.a_session("one")
    fleet.claimed(one, "a")
    found = of_task(fleet, "b")
    assert codes(found) == ["capable_sessions_busy"]
    assert found.reasons[0].data["sessions"] == (one,)


def test_a_held_lock_is_told_with_holder_and_witness_as_the_claim_is_refused() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", scope=SRC), a_task("b", scope=("path:shop//src/api/x.py",)))
    one, two = fleet.a_session("one"), fleet.a_session("two")
    fleet.claimed(one, "a")
    conflict = refused(fleet.claim(two, "b"), LockConflict)
    found = of_task(fleet, "b")
    assert codes(found) == ["locked"]
    assert found.reasons[0].about == fleet.id_of("a")
    assert found.reasons[0].data["witness"] == conflict.blockers[0].witness == "src/api/x.py"
    fleet.given(one, SessionSuspected(incarnation=1, renewed_at=fleet.now, at=fleet.now))
    held = of_task(fleet, "a")
    assert (codes(held), held.moving) == (["holder_silent", "not_acknowledged"], False)


def test_a_frozen_project_and_a_claimable_task_are_told() -> None:
    fleet = Fleet()
    fleet.plan(a_task("first", priority=1), a_task("a"))
    session = fleet.a_session()
    found = of_task(fleet, "a")
    assert (codes(found), found.moving) == (["claimable"], True)
    assert (found.reasons[0].data["ahead"], found.reasons[0].data["sessions"]) == (1, (session,))
    fleet.given(fleet.project, ProjectFrozen(reason="", at=fleet.now), project=fleet.project)
    assert codes(of_task(fleet, "a")) == ["project_is_frozen"]
    assert codes(of_session(fleet, session)) == ["project_is_frozen"]


def test_a_task_before_its_time_and_one_that_waits_for_its_parts_say_so() -> None:
    fleet = Fleet()
    start = fleet.now + 60_000_000
    fleet.plan(a_task("late", not_before=start), a_task("whole"), a_task("part", parent="whole"))
    found = of_task(fleet, "late")
    assert (codes(found), found.reasons[0].until) == (["not_before"], start)
    assert codes(of_task(fleet, "whole")) == ["part_unsettled"]


def test_every_other_phase_is_told() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a"), a_task("b"), a_task("c"))
    session = fleet.a_session(capacity=3)
    a, b, c = (fleet.claimed(session, key) for key in "abc")
    accepted(fleet.ask(ReportProgress(project="shop", task="a", token=a.token)))
    assert (codes(of_task(fleet, "a")), of_task(fleet, "a").moving) == (["worked_on"], True)
    fleet.fail("b", b.token, reason="no disk")
    backoff = of_task(fleet, "b")
    assert (codes(backoff), backoff.moving) == (["backoff"], False)
    assert "no disk" in backoff.summary
    assert backoff.reasons[0].until is not None
    fleet.complete("c", c.token)
    assert codes(of_task(fleet, "c")) == ["settled"]
    assert isinstance(explain_task("d", fleet.project, fleet.index, fleet.serving, fleet.now, fleet), UnknownThing)


def test_a_session_is_told_what_its_next_claim_gets_and_that_is_what_it_gets() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=2)
    assert codes(of_session(fleet, session)) == ["nothing_ready"]
    fleet.plan(a_task("low"), a_task("high", priority=3, scope=SRC))
    found = of_session(fleet, session)
    assert (codes(found), found.moving, found.reasons[0].data["key"]) == (["would_get"], True, "high")
    assert fleet.claimed(session).key == "high"
    assert codes(of_session(fleet, session)) == ["would_get", "works_on"]
    fleet.claimed(session)
    assert codes(of_session(fleet, session))[0] == "session_at_capacity"


def test_a_session_that_gets_nothing_is_told_the_nearest_misses() -> None:
    fleet = Fleet()
    fleet.plan(
        a_task("a", requires=(Requirement(key="gpu"), Requirement(key="big"))),
        a_task("b", requires=(Requirement(key="gpu"),)),
        a_task("c", scope=SRC),
        a_task("d", scope=SRC),
    )
    one, two = fleet.a_session("one"), fleet.a_session("two")
    fleet.claimed(one)
    found = of_session(fleet, two)
    assert codes(found) == ["not_capable", "locked"]
    assert found.reasons[0].data["lacking"] == "gpu = True"
    assert found.reasons[0].data["unmatched"] == 2
    assert found.reasons[1].data["session"] == one
    accepted(fleet.ask(EndSession(session=two, incarnation=1), project="fleet"))
    assert codes(of_session(fleet, two)) == ["session_ended"]
    hidden = explain_session(one, lambda _: False, fleet.index, fleet.now, fleet)
    assert isinstance(hidden, UnknownThing), "one that serves only foreign projects is answered like an absent one"


def test_a_lock_is_told_with_its_holder_and_its_delay() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", scope=SRC))
    one = fleet.a_session("one")
    token = fleet.claimed(one).token
    found = explain_lock(token, fleet.project, fleet)
    assert isinstance(found, Explanation)
    assert (found.status, codes(found)) == ("held", ["held"])
    assert "for a, which is assigned" in found.summary
    assert found.reasons[0].data["claims"] == ("exclusive path:shop//src/**",)
    accepted(fleet.ask(EndSession(session=one, incarnation=1), project="fleet"))
    lingering = explain_lock(token, fleet.project, fleet)
    assert isinstance(lingering, Explanation)
    assert (lingering.status, codes(lingering)) == ("lingering", ["lock_delay", "held"])
    for wrong in ("1", "x", "٣"):
        assert isinstance(explain_lock(wrong, fleet.project, fleet), UnknownThing)


def test_serving_is_restored_from_its_rows() -> None:
    fleet = Fleet()
    one, two = fleet.a_session("one"), fleet.a_session("two")
    assert fleet.serving.sessions(fleet.project, 9) == (one, two)
    again = type(fleet.serving).load(fleet.serving.dump())
    assert again.sessions(fleet.project, 1) == (one,)
    accepted(fleet.ask(EndSession(session=one, incarnation=1), project="fleet"))
    assert (fleet.serving.sessions(fleet.project, 9), fleet.serving.count(fleet.project)) == ((two,), 1)
    assert again.dump() != fleet.serving.dump()
    again.observe(StreamId(two), SessionSuspected(incarnation=1, renewed_at=fleet.now, at=fleet.now))
    assert again.count(fleet.project) == 2
