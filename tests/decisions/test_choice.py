"""Given, when, then: which of several tasks and projects a session gets, and why it is written down."""

from typing import Any

from domain.dispatch.ageing import BONUS_MAX, STEP_SECONDS, effective_priority
from domain.dispatch.claim import ClaimedTasks
from domain.dispatch.errors import NothingReady, SessionAtCapacity, SessionNotCapable
from domain.dispatch.fit import kind_of
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.ready_buckets import TESTS_MAX
from domain.kernel.decider import Decision
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.values import Requirement, ScopeClaim
from domain.lock.commands import AcquireLocks
from domain.project.events import ProjectFrozen, ProjectSet
from domain.project.settings import ProjectSettings
from domain.session.events import SessionEnded, SessionOpened
from domain.session.state import Session
from domain.task.commands import ClaimWork
from domain.task.events import TaskClaimed, TaskReadied
from tests.support.fleet import OWNER, Fleet, a_task, accepted, events_of, refused
from tests.support.planned import planned_task

HOUR = 3_600


def test_waiting_is_worth_priority_up_to_a_bound() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=9)
    fleet.plan(a_task("old"))
    fleet.advance(5 * STEP_SECONDS)
    fleet.plan(a_task("new", priority=4), a_task("urgent", priority=6))
    assert [fleet.claimed(session).key for _ in range(3)] == ["urgent", "old", "new"]
    fleet.plan(a_task("ancient"))
    fleet.advance(HOUR)
    fleet.plan(a_task("beyond", priority=BONUS_MAX + 1), a_task("within", priority=BONUS_MAX - 1))
    assert [fleet.claimed(session).key for _ in range(3)] == ["beyond", "ancient", "within"]


def test_the_bonus_of_waiting_grows_by_steps() -> None:
    at = Instant(1_700_000_010 * SECOND)
    assert effective_priority(3, at, at) == 3
    assert effective_priority(3, at, Instant(at + 2 * STEP_SECONDS * SECOND)) == 5
    assert effective_priority(3, at, Instant(at + HOUR * SECOND)) == 3 + BONUS_MAX


def test_of_equal_tasks_a_session_gets_the_one_where_it_has_worked() -> None:
    fleet = Fleet()
    one, two = fleet.a_session("one"), fleet.a_session("two")
    fleet.plan(a_task("api", scope=("path:shop//src/api/a.py",)), a_task("docs", scope=("path:shop//docs/**",)))
    for session, key in ((one, "api"), (two, "docs")):
        first = fleet.claimed(session, key)
        fleet.complete(first.task, first.token)
    fleet.plan(
        *(a_task(f"docs{number}", scope=(f"path:shop//docs/{number}.md",)) for number in range(3)),
        *(a_task(f"api{number}", scope=(f"path:shop//src/api/{number}.py",)) for number in range(3)),
    )
    decision = accepted(fleet.claim(one))
    claimed = next(event for event in events_of(decision) if isinstance(event, TaskClaimed))
    assert claimed.choice is not None
    assert (claimed.choice.affinity, claimed.choice.ready) == (1, 6)
    assert fleet.task("api0").attempts + fleet.task("api1").attempts + fleet.task("api2").attempts == 1
    assert fleet.claimed(two).key.startswith("docs")
    fleet.plan(a_task("urgent", priority=1))
    fleet.given(one, SessionEnded(incarnation=1, at=fleet.now))
    assert fleet.index.footprints.of(one) == frozenset({"path:shop//src/api"})
    fleet.index.observe(fleet.project, StreamId(one), SessionEnded(incarnation=1, at=fleet.now))
    assert not fleet.index.footprints.of(one), "a life that is over leaves nothing behind"


def test_why_a_task_was_chosen_stands_with_the_assignment() -> None:
    fleet = Fleet()
    session = fleet.a_session(capacity=2)
    fleet.plan(
        a_task("held", scope=("path:shop//a",)),
        a_task("shut", scope=("path:shop//**",), priority=9),
        a_task("next", priority=2),
        a_task("after", "next"),
    )
    fleet.claimed(session, "held")
    claimed = next(one for one in events_of(accepted(fleet.claim(session))) if isinstance(one, TaskClaimed))
    assert claimed.strategy == "priority"
    assert claimed.choice is not None
    told = claimed.choice
    assert (told.effective_priority, told.path_length, told.ready, told.locked) == (2, 2, 2, 1)


def wish(key: str, weight: int, value: Any = True, operator: Any = "=") -> Requirement:
    return Requirement(key=key, operator=operator, value=value, weight=weight)


def test_a_wish_keeps_nobody_from_a_task_and_ranks_the_equal_ones() -> None:
    fleet = Fleet()
    plain, able = fleet.a_session("plain"), fleet.a_session("able", capacity=5, gpu=True, lang="go")
    fleet.plan(
        a_task("any"),
        a_task("rather_go", requires=(wish("lang", 2, "go"),)),
        a_task("rather_gpu", requires=(wish("gpu", 3), wish("lang", 900, "python"))),
        a_task("both", requires=(wish("gpu", 3), wish("lang", 2, "go"))),
        a_task("urgent", priority=1, requires=(wish("lang", 9, "python"),)),
    )
    decision = accepted(fleet.claim(able, "both"))
    fleet.cancel("both")
    assert isinstance(events_of(decision)[1], TaskClaimed)
    assert [fleet.claimed(able).key for _ in range(3)] == ["urgent", "rather_gpu", "rather_go"]
    assert fleet.claimed(plain).key == "any"


def test_how_well_a_session_suits_stands_with_the_assignment() -> None:
    fleet = Fleet()
    session = fleet.a_session(gpu=True)
    fleet.plan(a_task("a", requires=(wish("gpu", 7), wish("big", 5), Requirement(key="gpu"))))
    claimed = next(one for one in events_of(accepted(fleet.claim(session))) if isinstance(one, TaskClaimed))
    assert claimed.choice is not None
    assert claimed.choice.merit == 7


def test_what_is_required_beside_a_wish_stays_required() -> None:
    fleet = Fleet()
    session = fleet.a_session(gpu=True)
    fleet.plan(a_task("a", requires=(wish("gpu", 1_000), Requirement(key="os", value="linux"))))
    assert refused(fleet.claim(session), NothingReady).unmatched == 1
    assert "os" in refused(fleet.claim(session, "a"), SessionNotCapable).lacking


class Projects(Fleet):
    """A fleet over several projects."""

    def __init__(self, **weights: int) -> None:
        super().__init__()
        self.projects = {name: self.a_project(name) for name in weights}
        for name, weight in weights.items():
            self.set_weight(name, weight)

    def set_weight(self, name: str, weight: int) -> None:
        settings = ProjectSettings(weight=weight)
        event = ProjectSet(settings=settings, changed=("weight",), by="key_x", at=self.now)
        self.given(self.projects[name], event, project=self.projects[name])
        self.index.observe(self.projects[name], StreamId(self.projects[name]), event)

    def serving_all(self, capacity: int = 1) -> str:
        opened = SessionOpened(
            incarnation=1,
            projects=tuple(self.projects.values()),
            name="all",
            tool="shell",
            model="",
            host="",
            capabilities={},
            capacity=capacity,
            ttl_seconds=60,
            owner=OWNER,
            at=self.now,
        )
        session = "sess_" + "0" * 26
        self.given(session, opened)
        return session

    def work(self, session: str, most: int = 1) -> Decision:
        return self.ask(ClaimWork(session=session, incarnation=1, most=most), project="fleet")

    def got(self, session: str, most: int = 1) -> list[str]:
        answer = accepted(self.work(session, most)).answer
        assert isinstance(answer, ClaimedTasks)
        names = {project: name for name, project in self.projects.items()}
        for one in answer.tasks:
            self.ask_complete(one.project, one.task, one.token)
        return [names[ProjectId(one.project)] for one in answer.tasks]

    def ask_complete(self, project: str, task: str, token: str) -> None:
        accepted(self.complete(task, token, project=project))


def test_projects_get_assignments_in_proportion_to_their_weights() -> None:
    fleet = Projects(heavy=3, light=1)
    session = fleet.serving_all()
    for project in fleet.projects.values():
        fleet.plan(*(a_task(f"t{number}") for number in range(40)), project=project)
    got = [fleet.got(session)[0] for _ in range(40)]
    assert (got.count("heavy"), got.count("light")) == (30, 10)
    assert all("light" in got[start : start + 5] for start in range(0, 36, 4))


def test_a_batch_takes_turns_too_and_is_one_decision_over_all_streams() -> None:
    fleet = Projects(a=1, b=1, c=2)
    session = fleet.serving_all(capacity=8)
    for project in fleet.projects.values():
        fleet.plan(*(a_task(f"t{number}") for number in range(9)), project=project)
    decision = accepted(fleet.work(session, 8))
    answer = decision.answer
    assert isinstance(answer, ClaimedTasks)
    counts = sorted([one.project for one in answer.tasks].count(project) for project in fleet.projects.values())
    assert counts == [2, 2, 4]
    streams = [write.stream for write in decision.writes]
    assert len(streams) == len(set(streams)) == 3 + 8 + 1
    assert {write.project for write in decision.writes} == {*fleet.projects.values(), None}
    refused(fleet.work(session), SessionAtCapacity)


def test_a_project_that_comes_back_does_not_make_up_for_its_pause() -> None:
    fleet = Projects(busy=1, late=1)
    session = fleet.serving_all()
    fleet.plan(*(a_task(f"t{number}") for number in range(60)), project=fleet.projects["busy"])
    for _ in range(30):
        assert fleet.got(session) == ["busy"]
    fleet.plan(*(a_task(f"t{number}") for number in range(20)), project=fleet.projects["late"])
    got = [fleet.got(session)[0] for _ in range(20)]
    assert abs(got.count("busy") - got.count("late")) <= 1


def test_frozen_and_empty_projects_are_passed_over_and_the_refusal_counts_the_rest() -> None:
    fleet = Projects(frozen=100, open=1, empty=100)
    session = fleet.serving_all()
    for name in ("frozen", "open"):
        fleet.plan(a_task("t"), project=fleet.projects[name])
    frozen = fleet.projects["frozen"]
    fleet.given(frozen, ProjectFrozen(reason="", at=fleet.now), project=frozen)
    assert fleet.got(session) == ["open"]
    assert refused(fleet.work(session), NothingReady).ready == 0


def test_shares_and_footprints_outlast_a_checkpoint() -> None:
    fleet = Projects(heavy=3, light=1)
    session = fleet.serving_all()
    for project in fleet.projects.values():
        fleet.plan(*(a_task(f"t{number}", scope=(f"env:{number}",)) for number in range(9)), project=project)
    for _ in range(5):
        fleet.got(session)
    accepted(fleet.work(session))
    again = ReadyIndex.load(type(fleet.index.dump()).model_validate_json(fleet.index.dump().model_dump_json()))
    assert again.dump() == fleet.index.dump()
    for project in fleet.projects.values():
        assert again.shares.score(project) == fleet.index.shares.score(project)
    assert again.footprints.of(session) == fleet.index.footprints.of(session) != frozenset()


def test_a_free_task_behind_more_shut_ones_than_a_walk_tests_is_reached_in_the_end() -> None:
    index, project = ReadyIndex(), ProjectId("proj_a")
    shut = 2 * TESTS_MAX + 100
    for number in range(shut + 1):
        stream = StreamId(f"task_{number:06}")
        scope = (ScopeClaim(claim="env:free" if number == shut else f"env:e{number}"),)
        index.observe(project, stream, planned_task(project=project, scope=scope))
        index.observe(project, stream, TaskReadied(reason="planned", at=Instant(1 + number)))
    found: list[str] = []
    walks = 0
    while not found and walks < 10:
        walks += 1
        search = index.candidates(project, free=lambda scope: scope[0].claim == "env:free")
        found = list(search)
    assert found == [f"task_{shut:06}"]
    assert walks == 4, "each walk after the first looks at half as many of the rest"


def test_sessions_are_of_one_kind_where_they_are_served_alike() -> None:
    fleet = Fleet()

    def kind(name: str, **capabilities: Any) -> str:
        stream = fleet.a_session(name, **capabilities)
        state = fleet.states[StreamId(stream)]
        assert isinstance(state, Session)
        return kind_of(stream, state)

    assert kind("one", gpu=True, lang="go") == kind("two", lang="go", gpu=True)
    assert len({kind("bare"), kind("truth", gpu=True), kind("number", gpu=1), kind("text", gpu="1")}) == 4
    # What somebody holds is no obstacle to itself.
    holder = fleet.a_session("holder")
    before = fleet.states[StreamId(holder)]
    accepted(
        fleet.ask(AcquireLocks(project="shop", session=holder, incarnation=1, claims=(ScopeClaim(claim="name:x"),)))
    )
    after = fleet.states[StreamId(holder)]
    assert isinstance(before, Session)
    assert isinstance(after, Session)
    assert kind_of(holder, before) == kind("bare") != kind_of(holder, after)
