"""A task whose locks are never free at once queues for them itself, has them reserved, and goes to who comes next."""

from domain.dispatch.errors import NothingReady
from domain.dispatch.explain_task import explain_task
from domain.dispatch.explanation import Explanation
from domain.dispatch.lookup import lock_stream
from domain.dispatch.starving import STARVATION_AFTER_SECONDS, Starved, starved
from domain.kernel.decider import Decision
from domain.kernel.values import Requirement, ScopeClaim
from domain.lock.commands import RESERVATION_SECONDS, AcquireLocks, EndReservation, ReserveLocks
from domain.lock.events import LockRequestWithdrawn, LocksGranted, LocksReleased, LocksRequested
from domain.project.events import ProjectFrozen
from domain.session.commands import DrainSession
from domain.task.events import TaskClaimed
from tests.support.fleet import Fleet, a_task, accepted, events_of, names_of, refused


class Starving(Fleet):
    """One heavy task among light ones."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = self.a_session("one"), self.a_session("two")
        self.plan(
            *(a_task(f"light{number}", scope=(f"path:shop//src/{number}",), priority=9) for number in range(4)),
            a_task("heavy", scope=("path:shop//src/**",)),
        )
        self.first = self.claimed(self.one)

    def look(self) -> tuple[Starved, ...]:
        return starved(self.project, self.index, self.serving, self.now, self)

    def reserve(self, session: str | None = None) -> Decision:
        command = ReserveLocks(project="shop", task="heavy", session=session or self.two)
        return self.ask(command, by="policy:reserve_starved")

    def reserved(self) -> str:
        """The token under which the heavy task has its locks."""
        self.advance(STARVATION_AFTER_SECONDS)
        accepted(self.reserve())
        accepted(self.complete(self.first.task, self.first.token))
        (token,) = self.states[lock_stream(self.project)].coverage.by_owner[self.id_of("heavy")]
        return str(token)


def test_a_task_starves_once_it_was_passed_over_for_its_locks_for_half_a_minute() -> None:
    fleet = Starving()
    fleet.advance(STARVATION_AFTER_SECONDS - 1)
    assert fleet.look() == ()
    assert fleet.reserve().writes == ()
    fleet.advance(1)
    assert [one.task for one in fleet.look()] == [fleet.id_of("heavy")]
    assert names_of(fleet.reserve()) == ["LocksRequested"]
    assert fleet.look() == ()
    assert fleet.reserve().writes == (), "it waits already"


def test_no_more_tasks_queue_than_sessions_could_do() -> None:
    fleet = Starving()
    fleet.plan(*(a_task(f"all{number}", scope=("path:shop//src/**", f"name:{number}")) for number in range(9)))
    fleet.advance(STARVATION_AFTER_SECONDS)
    told = fleet.look()
    assert len(told) == 2
    for one in told:
        fleet.ask(ReserveLocks(project="shop", task=one.task, session=one.session), by="policy:x")
    assert fleet.look() == ()


def test_a_task_whose_locks_are_free_does_not_starve_however_long_nobody_asks() -> None:
    fleet = Starving()
    fleet.complete(fleet.first.task, fleet.first.token)
    fleet.advance(10 * STARVATION_AFTER_SECONDS)
    assert fleet.look() == ()
    assert fleet.reserve().writes == ()


def test_a_task_that_nobody_could_do_keeps_nobody_from_the_locks() -> None:
    fleet = Starving()
    fleet.plan(a_task("beyond", scope=("path:shop//src/*",), requires=(Requirement(key="gpu"),)))
    fleet.advance(STARVATION_AFTER_SECONDS)
    assert [one.task for one in fleet.look()] == [fleet.id_of("heavy")]
    for session in (fleet.one, fleet.two):
        fleet.ask(DrainSession(session=session), project="fleet")
    assert fleet.look() == ()
    assert fleet.reserve().writes == ()
    able = fleet.a_session("able", gpu=True)
    assert {one.session for one in fleet.look()} == {able}
    fleet.given(fleet.project, ProjectFrozen(reason="", at=fleet.now), project=fleet.project)
    assert fleet.look() == ()
    assert fleet.reserve(able).writes == ()


def test_a_task_starves_for_others_although_the_holder_of_its_lock_could_do_it() -> None:
    fleet = Fleet()
    for name in ("one", "two"):
        fleet.a_session(name)
    holder, other = fleet.serving.sessions(fleet.project, 2)
    claims = (ScopeClaim(claim="path:shop//src/hot"),)
    accepted(fleet.ask(AcquireLocks(project="shop", session=holder, incarnation=1, claims=claims)))
    fleet.plan(a_task("hot", scope=("path:shop//src/hot",)))
    fleet.advance(STARVATION_AFTER_SECONDS)
    told = starved(fleet.project, fleet.index, fleet.serving, fleet.now, fleet)
    assert told == (Starved(fleet.id_of("hot"), other),)


def test_light_work_that_comes_later_waits_for_the_heavy_task() -> None:
    fleet = Starving()
    fleet.advance(STARVATION_AFTER_SECONDS)
    fleet.reserve()
    assert refused(fleet.claim(fleet.two), NothingReady).locked == 4
    done = accepted(fleet.complete(fleet.first.task, fleet.first.token))
    assert [type(one) for one in events_of(done) if isinstance(one, LocksReleased | LocksGranted)] == [
        LocksReleased,
        LocksGranted,
    ]
    told = explain_task("heavy", fleet.project, fleet.index, fleet.serving, fleet.now, fleet)
    assert isinstance(told, Explanation)
    assert told.moving
    assert "locks_reserved" in {reason.code for reason in told.reasons}


def test_the_claim_turns_the_reservation_into_locks_under_a_new_token() -> None:
    fleet = Starving()
    token = fleet.reserved()
    decision = accepted(fleet.claim(fleet.two))
    claimed = next(one for one in events_of(decision) if isinstance(one, TaskClaimed))
    granted = next(one for one in events_of(decision) if isinstance(one, LocksGranted))
    assert (claimed.strategy, granted.replaces) == ("reservation", int(token))
    assert granted.token > int(token)
    assert fleet.task("heavy").attempts == 1


def test_a_reservation_that_nobody_uses_ends_and_the_task_queues_again_as_the_last() -> None:
    fleet = Starving()
    over = EndReservation(project="shop", token=fleet.reserved())
    assert fleet.ask(over, by="policy:x").writes == ()
    fleet.advance(RESERVATION_SECONDS)
    freed = events_of(accepted(fleet.ask(over, by="policy:x")))
    assert [type(one) for one in freed] == [LocksReleased, LocksRequested, LocksGranted], "nobody else waits"
    assert fleet.claimed(fleet.two).key == "heavy"


def test_a_task_that_is_cancelled_leaves_its_reservation_to_its_end() -> None:
    fleet = Starving()
    token = fleet.reserved()
    fleet.cancel("heavy")
    refused(fleet.claim(fleet.two), NothingReady)
    fleet.advance(RESERVATION_SECONDS)
    ended = events_of(accepted(fleet.ask(EndReservation(project="shop", token=token), by="policy:x")))
    assert [type(one) for one in ended] == [LocksReleased]
    assert fleet.claimed(fleet.two).key.startswith("light")


def test_a_task_that_waits_for_its_locks_says_so() -> None:
    fleet = Starving()
    fleet.advance(STARVATION_AFTER_SECONDS)
    fleet.reserve()
    told = explain_task("heavy", fleet.project, fleet.index, fleet.serving, fleet.now, fleet)
    assert isinstance(told, Explanation)
    assert [reason.code for reason in told.reasons] == ["locked", "locks_queued"]
    assert not any(isinstance(one, LockRequestWithdrawn) for one in events_of(fleet.reserve()))
