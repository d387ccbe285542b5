"""Work under random commands, held against a model that was written without looking at the deciders."""

from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.dispatch.take import Claimed
from domain.kernel.decider import Decision
from domain.kernel.errors import NotDueYet
from domain.kernel.message import Command
from domain.kernel.values import Requirement
from domain.kernel.work import RetryRule
from domain.lock.commands import EndLockDelay
from domain.lock.events import LocksGranted
from domain.session.state import Session
from domain.task.commands import (
    AcknowledgeAttempt,
    CancelTask,
    ClaimTask,
    CompleteTask,
    ElapseBackoff,
    FailTask,
    LapseDelivery,
    Need,
    Outcome,
    PlannedTask,
    ReassignTask,
    ReleaseTask,
    ReportProgress,
    RetryTask,
    SettleNeed,
)
from domain.task.decider import TASK, phase_name
from domain.task.derived import RevokeAttempt
from domain.task.events import LateReportDiscarded
from domain.task.state import Absent, Backoff, Task, TaskState
from tests.support.fleet import Fleet, a_task
from tests.support.task_model import CAPACITY, CLAIMS, DELAY_SECONDS, Model, Row

ACCEPTS: st.SearchStrategy[tuple[Outcome, ...]] = st.sampled_from(
    [("completed",), ("failed",), ("completed", "failed", "cancelled")]
)


class TaskMachine(RuleBasedStateMachine):
    """Sessions one (plain), two (plain) and three (with a GPU, two at a time) work on a small plan."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet = Fleet(lock_delay_seconds=DELAY_SECONDS)
        self.sessions = {
            name: self.fleet.a_session(name, capacity=capacity, **({"gpu": True} if name == "three" else {}))
            for name, capacity in CAPACITY.items()
        }
        self.model = Model()
        self.rows = self.model.rows
        self.ids: dict[str, str] = {}
        self.tokens: list[tuple[str, str]] = []
        self.final: dict[str, str] = {}

    @initialize(data=st.data())
    def plan(self, data: st.DataObject) -> None:
        keys = [f"t{number}" for number in range(data.draw(st.integers(2, 5)))]
        for place, key in enumerate(keys):
            needed = data.draw(st.sets(st.sampled_from(keys[:place]))) if place else set[str]()
            self.rows[key] = Row(
                needs={need: data.draw(ACCEPTS) for need in sorted(needed)},
                priority=data.draw(st.integers(-1, 1)),
                gpu=data.draw(st.booleans()),
                claim=data.draw(st.sampled_from(CLAIMS)),
                attempts_max=data.draw(st.integers(1, 2)),
                park=data.draw(st.booleans()),
                on_failed=data.draw(st.sampled_from(["block", "cancel", "proceed"])),
                status="pending" if needed else "ready",
                since=self.fleet.now,
            )
        self.model.measure()
        order = data.draw(st.permutations(keys))
        assert self.fleet.plan(*(self.planned(key) for key in order)).rejection is None
        self.ids = {key: self.fleet.id_of(key) for key in keys}

    def planned(self, key: str) -> PlannedTask:
        row = self.rows[key]
        return a_task(
            key,
            *(Need(task=need, accept=accept) for need, accept in row.needs.items()),
            priority=row.priority,
            requires=(Requirement(key="gpu"),) if row.gpu else (),
            scope=(row.claim,) if row.claim else (),
            retry=RetryRule(max_attempts=row.attempts_max, on_exhausted="park" if row.park else "fail"),
            on_need_failed=row.on_failed,
        )

    # Commands

    def ask(self, command: Command, *, repeatable: bool = True) -> Decision:
        """Decide, apply, and decide the same command again: that changes nothing."""
        stamp = self.fleet.stamp(self.fleet.project, "key_owner")
        decision = self.fleet.when(command, stamp)
        if repeatable:
            assert self.fleet.rules is not None
            again = self.fleet.rules.decide(command, stamp, self.fleet)
            events = [event for write in again.writes for event in write.events]
            assert all(isinstance(event, LateReportDiscarded) for event in events), events
        return decision

    @rule(name=st.sampled_from(["one", "two", "three"]))
    def claim_any(self, name: str) -> None:
        expected = self.model.claimable(name, self.ids, self.fleet.now)
        command = ClaimTask(project="shop", session=self.sessions[name], incarnation=1)
        decision = self.ask(command, repeatable=self.model.is_full(name))
        if not expected:
            assert decision.rejection is not None
            return
        self.took(expected[0], name, decision)

    @rule(name=st.sampled_from(["one", "two", "three"]), data=st.data())
    def claim_named(self, name: str, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[key]
        command = ClaimTask(project="shop", session=self.sessions[name], incarnation=1, task=key)
        possible = key in self.model.claimable(name, self.ids, self.fleet.now)
        mine = row.live and row.holder == name
        decision = self.ask(command)
        if possible:
            self.took(key, name, decision)
        elif mine:
            assert isinstance(decision.answer, Claimed)
            assert decision.answer.token == row.token
            assert not decision.writes
        else:
            assert decision.rejection is not None

    def took(self, key: str, name: str, decision: Decision) -> None:
        assert isinstance(decision.answer, Claimed), decision.rejection
        assert decision.answer.key == key
        row = self.rows[key]
        assert row.told == set(row.needs), "never claimed before its needs"
        self.model.took(key, name, decision.answer.token)
        self.tokens.append((key, row.token))

    @rule(data=st.data(), report=st.sampled_from([AcknowledgeAttempt, ReportProgress, CompleteTask, ReleaseTask]))
    def report(self, data: st.DataObject, report: type[Command]) -> None:
        if not self.tokens:
            return
        key, token = data.draw(st.sampled_from(self.tokens))
        row = self.rows[key]
        fields = {"project": "shop", "task": key, "token": token}
        decision = self.ask(report(**fields), repeatable=report is not ReportProgress)
        if row.leaves is not None and row.token == token:
            assert (decision.rejection is None) == (report is not CompleteTask), "what is cancelled stays so"
            row.leaves = None if report in (CompleteTask, ReleaseTask) else row.leaves
            return
        if not row.live or row.token != token:
            repeated = row.status == "completed" and row.token == token
            told = repeated and report in (CompleteTask, AcknowledgeAttempt)
            assert (decision.rejection is None) == told
            return
        assert decision.rejection is None
        if report is CompleteTask:
            row.status = "completed"
        elif report is ReleaseTask:
            row.ready(self.fleet.now)
        else:
            row.status = "running"

    @rule(data=st.data(), kind=st.sampled_from(["agent", "rate_limited"]))
    def fail(self, data: st.DataObject, kind: Any) -> None:
        if not self.tokens:
            return
        key, token = data.draw(st.sampled_from(self.tokens))
        row = self.rows[key]
        decision = self.ask(FailTask(project="shop", task=key, token=token, kind=kind))
        if row.leaves is not None and row.token == token:
            assert decision.rejection is None
            row.leaves = None
            return
        if not row.live or row.token != token:
            assert decision.rejection is not None
            return
        row.fail(consumes=kind == "agent")

    @rule(data=st.data(), grace=st.sampled_from([0, 10, 30]))
    def cancel(self, data: st.DataObject, grace: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[key]
        decision = self.ask(CancelTask(project="shop", task=key, grace_seconds=grace))
        if row.leaves is not None and not grace:
            assert decision.rejection is None
            row.revoke(self.fleet.now)
            return
        if row.status in ("completed", "failed", "cancelled"):
            assert (decision.rejection is None) == (row.status == "cancelled")
            assert not decision.writes
            return
        assert decision.rejection is None
        row.cancel(self.fleet.now, grace)

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[key]
        decision = self.ask(RetryTask(project="shop", task=key))
        assert (decision.rejection is None) == (row.status in ("failed", "parked"))
        if decision.rejection is None:
            row.spent = 0
            row.ready(self.fleet.now)

    @rule(data=st.data())
    def reassign(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[key]
        decision = self.ask(ReassignTask(project="shop", task=key), repeatable=False)
        assert (decision.rejection is None) == (row.live or row.status in ("ready", "backoff"))
        if row.live:
            row.take_away(self.fleet.now)

    @rule(data=st.data(), outcome=st.sampled_from(["completed", "failed", "cancelled"]))
    def settle(self, data: st.DataObject, outcome: Any) -> None:
        """Somebody tells a task of its need, truly or not."""
        edges = [(key, need) for key, row in sorted(self.rows.items()) for need in row.needs]
        if not edges:
            return
        key, need = data.draw(st.sampled_from(edges))
        row = self.rows[key]
        decision = self.ask(SettleNeed(project="shop", task=key, need=need, outcome=outcome))
        assert decision.rejection is None
        if self.rows[need].status == outcome:
            row.tell(need, outcome, self.fleet.now)

    @rule()
    def tell_all(self) -> None:
        """Every task is told the truth, as the policy does."""
        for key, row in self.rows.items():
            for need in row.needs:
                status: Any = self.rows[need].status
                if status in ("completed", "failed", "cancelled"):
                    self.ask(SettleNeed(project="shop", task=key, need=need, outcome=status))
                    row.tell(need, status, self.fleet.now)

    @rule(seconds=st.sampled_from([1, 5, 30]))
    def wait(self, seconds: int) -> None:
        self.fleet.advance(seconds)

    @rule(data=st.data())
    def lapse(self, data: st.DataObject) -> None:
        if not self.tokens:
            return
        key, token = data.draw(st.sampled_from(self.tokens))
        row = self.rows[key]
        decision = self.ask(LapseDelivery(project="shop", task=key, token=token))
        early = decision.rejection
        assert early is None or (isinstance(early, NotDueYet) and early.until > self.fleet.now)
        assert (early is not None or bool(decision.writes)) == ((row.status, row.token) == ("assigned", token))
        if decision.writes:
            row.take_away(self.fleet.now)

    @rule()
    def timers(self) -> None:
        """Whatever is due happens: lock-delays and backoffs end."""
        for key, row in self.rows.items():
            over = self.ask(RevokeAttempt(project="shop", task=key))
            if row.leaves is not None and self.fleet.now >= row.leaves:
                row.revoke(self.fleet.now)
            else:
                assert not over.writes
            if row.shut is not None and self.fleet.now >= row.shut[0]:
                self.ask(EndLockDelay(project="shop", token=row.shut[1], until=row.shut[0]))
                row.shut = None
            phase = self.fleet.task(key).phase
            if isinstance(phase, Backoff):
                self.ask(ElapseBackoff(project="shop", task=key, until=phase.until))
                if phase.until <= self.fleet.now:
                    row.ready(self.fleet.now)

    # What must always hold

    @invariant()
    def model_and_states_agree(self) -> None:
        for key, row in self.rows.items():
            assert phase_name(self.fleet.task(key)) == row.status

    @invariant()
    def who_needs_a_person_is_known(self) -> None:
        """Parked tasks, and those that wait for a need which cannot be met any more; no others here."""
        for key in self.rows:
            task = self.fleet.task(key)
            blocked = task.plan.on_need_failed == "block" and any(task.unmet.values())
            expected = {"parked": {"parked"}, "pending": {"blocked"} if blocked else set[str]()}
            assert set(task.attention) == expected.get(phase_name(task), set())

    @invariant()
    def settled_for_good_stays_so(self) -> None:
        for key in self.rows:
            now = phase_name(self.fleet.task(key))
            assert self.final.get(key, now) == now
            if now in ("completed", "cancelled"):
                self.final[key] = now

    @invariant()
    def one_live_attempt_per_task_and_it_is_the_sessions(self) -> None:
        of_sessions: list[tuple[str, int]] = []
        for session in self.sessions.values():
            state = next(one for stream, one in self.fleet.states.items() if stream == session)
            assert isinstance(state, Session)
            assert len(state.attempts) <= state.opened.capacity
            of_sessions += [(attempt.task, token) for (_, token), attempt in state.attempts.items()]
        assert sorted(of_sessions) == sorted((self.ids[key], int(row.token)) for key, row in self.model.held())

    @invariant()
    def tokens_rise(self) -> None:
        tokens = [one.event.token for one in self.fleet.log if isinstance(one.event, LocksGranted)]
        assert all(earlier < later for earlier, later in pairwise(tokens))

    @invariant()
    def the_index_lists_what_is_ready(self) -> None:
        listed = set(self.fleet.index.candidates(self.fleet.project))
        assert listed == {self.fleet.id_of(key) for key, row in self.rows.items() if row.status == "ready"}

    def teardown(self) -> None:
        """Evolve takes every event that was produced, whatever the state; an example may end before it has a plan."""
        events = {type(one.event): one.event for one in self.fleet.log if one.stream.startswith("task_")}
        states: list[TaskState] = [Absent(), *(self.fleet.task(key) for key in self.ids)]
        for state in states:
            for event in events.values():
                assert isinstance(TASK.evolve(state, event), Task | Absent)


TaskMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWorkFollowsItsModel = TaskMachine.TestCase
