"""What a run may spend: set aside before work begins, settled when it is over, and parked where all is spent."""

from typing import Any

import pytest

from domain.dispatch.explain_run import explain_run
from domain.dispatch.explanation import Explanation
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.pipeline.definition import MapPhase, RepeatPhase
from domain.kernel.pipeline.flow import Map
from domain.kernel.pipeline.work import TaskSpec, Undo, Work
from domain.kernel.work import Budget
from domain.project.commands import UpdateProject
from domain.project.settings import ProjectBudget
from domain.run.account import amount
from domain.run.budget_commands import AdjustBudget
from domain.run.budget_events import RunBudgetNoticed
from domain.run.commands import CancelRun, FireTimer, ForkRun, MigrateRun, PauseRun, ResumeRun, RetryPhase, RollbackRun
from domain.run.errors import BudgetRefused
from domain.task.commands import CompleteTask, FailTask, ReportProgress, RetryTask, Usage
from domain.task.errors import BudgetSpent, TaskOfRun
from tests.support.fleet import accepted
from tests.support.nested import Yard, nested
from tests.support.runs import ONCE, work

HUNDRED = Budget(tokens=100)
TAKEN_BACK = Undo(task=TaskSpec(title="Take it back"))


def used(tokens: int) -> Usage:
    return Usage(output_tokens=tokens)


class Purse(Yard):
    """Runs whose work says what it spends."""

    def spends(self, run: str, place: str, tokens: int, *, well: bool = True) -> None:
        task, token = self.begin(run, place)
        said: dict[str, Any] = {"project": "shop", "task": task, "token": token, "usage": used(tokens)}
        accepted(self.ask(CompleteTask(**said) if well else FailTask(**said, kind="agent", reason="it broke")))
        self.react()

    def says(self, run: str, place: str, tokens: int) -> Any:
        """It reports so much while it works."""
        task, token = self.begin(run, place)
        told = self.ask(ReportProgress(project="shop", task=task, token=token, usage=used(tokens)))
        self.react()
        return told.rejection

    def bound(self, run: str, place: str) -> int | None:
        """What the task of a place may spend."""
        tokens: int | None = self.states[StreamId(self.run(run).phase(place).task)].budget.tokens
        return tokens

    def account(self, run: str) -> tuple[int, int]:
        """What is spent and what is set aside."""
        whole = self.run(run).account.whole
        return amount(whole.spent, "tokens"), amount(whole.reserved, "tokens")


def purse_of(*phases: Any, budget: Budget = HUNDRED, **said: Any) -> Purse:
    purse = Purse()
    purse.publish("ship", *phases, budget=budget, **said)
    return purse


def test_work_has_what_is_left_and_gives_back_what_it_does_not_spend() -> None:
    purse = purse_of(work("a"), work("b", "a"))
    run = purse.start("ship")
    assert (purse.bound(run, "a"), purse.account(run)) == (100, (0, 100))
    purse.spends(run, "a", 30)
    assert (purse.bound(run, "b"), purse.account(run)) == (70, (30, 70))
    purse.spends(run, "b", 10)
    assert (purse.stands(run), purse.account(run)) == ("succeeded", (40, 0))


def test_what_begins_at_once_shares_alike_and_what_says_its_bound_has_that() -> None:
    purse = purse_of(work("a"), work("b"), work("c", task={"budget": Budget(tokens=10)}))
    run = purse.start("ship")
    shares = [purse.bound(run, place) for place in ("a", "b", "c")]
    assert shares == [33, 33, 10]
    assert purse.account(run) == (0, 76)


def test_what_comes_later_waits_until_its_share_is_there() -> None:
    purse = purse_of(work("a"), work("x", task={"budget": Budget(tokens=1)}), work("b", "x"), budget=HUNDRED)
    run = purse.start("ship")
    assert purse.account(run) == (0, 51)
    purse.spends(run, "x", 1)
    assert purse.bound(run, "b") == 49
    purse.do(CancelRun(project="shop", run=run))
    other = purse_of(work("a"), work("x", effect="pure"), work("b", "x"), budget=Budget(tokens=2))
    run = other.start("ship")
    other.spends(run, "x", 1)
    assert (other.status(run, "b"), other.account(run)) == ("ready", (1, 1)), "somebody may give back what is left"
    told = explain_run(
        run, "b", ProjectId(other.project), other.now, other, lambda _: UnknownThing(kind="task", name="")
    )
    assert isinstance(told, Explanation)
    assert [one.code for one in told.reasons] == ["budget"]
    other.spends(run, "a", 0)
    assert other.bound(run, "b") == 1


def test_where_all_is_spent_the_next_is_parked_until_the_budget_is_raised() -> None:
    purse = purse_of(work("a"), work("b", "a"))
    run = purse.start("ship")
    purse.spends(run, "a", 120)
    assert purse.status(run, "b") == "parked"
    assert purse.run(run).phase("b").reason == "120 of 100 tokens are spent"
    assert isinstance(
        purse.ask(AdjustBudget(project="shop", run=run, budget=Budget(tokens=110))).rejection, BudgetRefused
    )
    told = purse.do(AdjustBudget(project="shop", run=run, budget=Budget(tokens=200), reason="it is worth it"))
    assert (told.released, purse.bound(run, "b")) == (("b",), 80)
    purse.spends(run, "b", 5)
    assert (purse.stands(run), purse.account(run)) == ("succeeded", (125, 0))


def test_work_that_has_spent_its_share_is_parked_and_goes_on_with_more() -> None:
    purse = purse_of(work("a", task={"budget": Budget(tokens=40)}), budget=Budget(tokens=50))
    run = purse.start("ship")
    assert isinstance(purse.says(run, "a", 41), BudgetSpent)
    assert (purse.status(run, "a"), purse.account(run)) == ("parked", (41, 0))
    task = purse.run(run).phase("a").task
    assert isinstance(purse.ask(RetryTask(project="shop", task=task)).rejection, TaskOfRun), "its run has to set aside"
    purse.do(RetryPhase(project="shop", run=run, phase="a"))
    assert (purse.bound(run, "a"), purse.account(run)) == (9, (41, 9))
    purse.says(run, "a", 9)
    refused = purse.ask(RetryPhase(project="shop", run=run, phase="a")).rejection
    assert isinstance(refused, BudgetRefused)
    told = purse.do(AdjustBudget(project="shop", run=run, budget=Budget(tokens=60)))
    assert (told.released, purse.status(run, "a"), purse.bound(run, "a")) == (("a",), "offered", 10)


def test_a_failed_phase_counts_and_its_retry_has_what_is_left() -> None:
    purse = purse_of(work("a"))
    run = purse.start("ship")
    purse.spends(run, "a", 70, well=False)
    assert (purse.stands(run), purse.account(run)) == ("failed", (70, 0))
    purse.do(RetryPhase(project="shop", run=run, phase="a"))
    assert (purse.bound(run, "a"), purse.account(run)) == (30, (70, 30))


def test_whoever_is_told_early_is_told_once() -> None:
    purse = purse_of(work("a"), work("b", "a"), work("c", "b"), budget_soft=Budget(tokens=50))
    run = purse.start("ship")
    for place, count in (("a", 0), ("b", 1), ("c", 1)):
        purse.spends(run, place, 30)
        assert sum(isinstance(one.event, RunBudgetNoticed) for one in purse.log) == count


def test_a_start_may_only_lower_what_a_definition_allows() -> None:
    purse = purse_of(work("a"))
    low, high = purse.start("ship", budget=Budget(tokens=10)), purse.start("ship", budget=Budget(tokens=1_000))
    assert (purse.bound(low, "a"), purse.bound(high, "a")) == (10, 100)


def test_a_run_inside_has_a_part_and_what_it_costs_counts_once() -> None:
    purse = Purse()
    purse.publish("inner", work("go"), work("more", "go"))
    purse.publish("outer", nested("call", budget=Budget(tokens=60)), work("last", "call"), budget=HUNDRED)
    run = purse.start("outer")
    child = purse.child(run, "call")
    assert (purse.run(child).limit.tokens, purse.account(run)) == (60, (0, 60))
    purse.spends(child, "go", 25)
    assert purse.account(run) == (0, 60), "it counts once it has ended"
    purse.spends(child, "more", 5)
    assert (purse.account(child), purse.account(run), purse.bound(run, "last")) == ((30, 0), (30, 70), 70)


def test_a_run_inside_has_more_only_out_of_what_its_parent_has_left() -> None:
    purse = Purse()
    purse.publish("inner", work("go"))
    purse.publish("outer", nested("call", budget=Budget(tokens=60)), budget=HUNDRED)
    run = purse.start("outer")
    child = purse.child(run, "call")
    refused = purse.ask(AdjustBudget(project="shop", run=child, budget=Budget(tokens=101))).rejection
    assert isinstance(refused, BudgetRefused)
    purse.do(AdjustBudget(project="shop", run=child, budget=Budget(tokens=90)))
    assert (purse.run(child).limit.tokens, purse.account(run)) == (90, (0, 90))
    purse.spends(child, "go", 60)
    assert purse.account(run) == (60, 0)


def test_a_run_left_to_itself_counts_as_if_it_spent_all_that_it_may() -> None:
    purse = Purse()
    purse.publish("inner", work("go"))
    purse.publish("outer", nested("call", on_parent_cancel="abandon", budget=Budget(tokens=60)), budget=HUNDRED)
    run = purse.start("outer")
    purse.do(CancelRun(project="shop", run=run))
    assert (purse.stands(run), purse.account(run)) == ("cancelled", (60, 0))


def test_all_iterations_of_a_loop_share_its_budget() -> None:
    phases = (work("fix"),)
    loop = RepeatPhase(key="polish", phases=phases, until="iteration == 3", max_iterations=5, budget=Budget(tokens=50))
    purse = purse_of(loop, budget=Budget())
    run = purse.start("ship")
    assert purse.bound(run, "polish/1/fix") == 50
    purse.spends(run, "polish/1/fix", 30)
    assert purse.bound(run, "polish/2/fix") == 20
    purse.spends(run, "polish/2/fix", 25)
    assert purse.status(run, "polish/3/fix") == "parked"
    purse.do(AdjustBudget(project="shop", run=run, phase="polish", budget=Budget(tokens=60)))
    assert purse.bound(run, "polish/3/fix") == 5
    purse.spends(run, "polish/3/fix", 5)
    assert purse.stands(run) == "succeeded"


def test_items_of_a_map_share_what_is_left_when_they_begin() -> None:
    each = {"kind": "work", "task": {"title": "Do", "retry": {"max_attempts": 1}}, "effect": "pure"}
    items = Map.model_validate({"over": "['a', 'b', 'c', 'd']", "each": each, "max_parallel": 2}, strict=False)
    purse = purse_of(MapPhase(key="each", map=items))
    run = purse.start("ship")
    assert [purse.bound(run, f"each/{one}") for one in "ab"] == [50, 50]
    purse.spends(run, "each/a", 10)
    assert purse.bound(run, "each/c") == 40
    purse.spends(run, "each/b", 50)
    purse.spends(run, "each/c", 20)
    assert purse.bound(run, "each/d") == 20
    purse.spends(run, "each/d", 20)
    assert (purse.stands(run), purse.account(run)) == ("succeeded", (100, 0))


@pytest.mark.parametrize("ended", [False, True])
def test_what_is_taken_back_never_waits_for_money(ended: bool) -> None:
    purse = purse_of(work("go", undo=TAKEN_BACK), work("check", "go", effect="pure"))
    purse.do(UpdateProject(project="shop", budget_hard=ProjectBudget(tokens=100)))
    run = purse.start("ship")
    purse.spends(run, "go", 100)
    assert purse.status(run, "check") == "parked"
    if ended:
        purse.do(CancelRun(project="shop", run=run))
    purse.do(RollbackRun(project="shop", run=run, reason="r"))
    back = purse.run(run).rolled_back_by if ended else run
    purse.take_back(back, "go")
    assert purse.stands(back) == ("succeeded" if ended else "cancelled")


def test_a_cancelled_run_has_nothing_set_aside() -> None:
    purse = purse_of(work("a"), work("b"))
    run = purse.start("ship")
    task, token = purse.begin(run, "a")
    purse.ask(ReportProgress(project="shop", task=task, token=token, usage=used(20)))
    purse.do(CancelRun(project="shop", run=run, grace_seconds=0))
    assert (purse.stands(run), purse.account(run)) == ("cancelled", (20, 0))


def test_a_fork_begins_with_the_whole_budget() -> None:
    purse = purse_of(work("a"), work("b", "a"))
    run = purse.start("ship", budget=Budget(tokens=80))
    purse.spends(run, "a", 50)
    forked = purse.do(ForkRun(project="shop", run=run)).run
    assert purse.account(forked) == (0, 80)


def test_only_what_was_bounded_has_other_bounds() -> None:
    purse = purse_of(work("a"))
    run = purse.start("ship")
    refused = purse.ask(AdjustBudget(project="shop", run=run, budget=Budget(cost_microdollars=5))).rejection
    assert isinstance(refused, BudgetRefused)
    before = len(purse.log)
    purse.do(AdjustBudget(project="shop", run=run, budget=Budget(tokens=100)))
    assert len(purse.log) == before, "the same again changes nothing"


def test_a_fork_to_another_version_keeps_what_its_start_had_bounded() -> None:
    purse = Purse()
    purse.publish("ship", work("a"))
    run, free = purse.start("ship", budget=Budget(tokens=80)), purse.start("ship")
    purse.publish("ship", work("a", effect="pure"), budget=HUNDRED)
    forked = [purse.do(ForkRun(project="shop", run=one, version=2)).run for one in (run, free)]
    assert [purse.run(one).limit.tokens for one in forked] == [80, 100]


def test_what_an_undo_has_spent_counts_although_its_time_was_over() -> None:
    back = Undo(task=TaskSpec(title="Undo", retry=ONCE), close_within_seconds=50)
    purse = purse_of(work("a", undo=back), work("b", "a", effect="pure"), on_failure="compensate")
    run = purse.start("ship")
    purse.spends(run, "a", 10)
    purse.go_wrong(run, "b")
    task = purse.run(run).ledger["a@1"].undo_task
    token = purse.claimed(purse.crew, task).token
    purse.do(ReportProgress(project="shop", task=task, token=token, usage=used(7)))
    purse.advance(51)
    purse.do(FireTimer(project="shop", run=run, place="a", generation=1, kind="undo"))
    assert (purse.run(run).ledger["a@1"].undo, purse.account(run)) == ("failed", (17, 0))


def test_what_it_took_to_take_back_a_run_inside_counts_around_it_at_every_depth() -> None:
    purse = Purse()
    purse.publish("core", work("z", undo=TAKEN_BACK))
    purse.publish("inner", nested("deep", pipeline="core"))
    purse.publish("outer", nested("sub"), work("c", "sub", effect="pure"), on_failure="compensate", budget=HUNDRED)
    run = purse.start("outer")
    inner = purse.child(run, "sub")
    purse.spends(purse.child(inner, "deep"), "z", 10)
    purse.spends(run, "c", 5, well=False)
    outside = purse.run(inner).rolled_back_by
    inside = purse.run(purse.child(inner, "deep")).rolled_back_by
    (entry,) = purse.run(inside).ledger.values()
    token = purse.claimed(purse.crew, entry.undo_task).token
    purse.do(CompleteTask(project="shop", task=entry.undo_task, token=token, usage=used(7)))
    assert [purse.account(one) for one in (inside, outside, run)] == [(7, 0), (7, 0), (22, 0)]
    assert purse.stands(run) == "failed"


def a_loop(*, tokens: int, bound: int | None = None) -> RepeatPhase:
    spec = TaskSpec(title="Do fix", retry=ONCE, budget=Budget(tokens=bound))
    phases = (work("fix", effect="pure").model_copy(update={"work": Work(task=spec, effect="pure")}),)
    return RepeatPhase(
        key="polish", phases=phases, until="iteration == 3", max_iterations=5, budget=Budget(tokens=tokens)
    )


def migrated(purse: Purse, run: str, *phases: Any) -> None:
    """The run goes over to a version with these phases, and goes on."""
    purse.publish("ship", *phases)
    purse.do(PauseRun(project="shop", run=run))
    purse.do(MigrateRun(project="shop", run=run, reason="a mend"))
    purse.do(ResumeRun(project="shop", run=run))


def test_a_loop_that_stays_the_same_keeps_its_account_in_another_version_and_what_was_raised_by_hand() -> None:
    purse = purse_of(a_loop(tokens=50), work("end", "polish"), budget=Budget())
    run = purse.start("ship")
    purse.spends(run, "polish/1/fix", 30)
    purse.do(AdjustBudget(project="shop", run=run, phase="polish", budget=Budget(tokens=60)))
    migrated(purse, run, a_loop(tokens=50), work("end", "polish", effect="pure"))
    assert (purse.bound(run, "polish/2/fix"), purse.run(run).phase("polish").generation) == (20, 1)
    purse.spends(run, "polish/2/fix", 20)
    assert purse.bound(run, "polish/3/fix") == 10


def test_a_loop_with_another_budget_begins_anew_with_that_whatever_was_raised_before() -> None:
    purse = purse_of(a_loop(tokens=50), budget=Budget())
    run = purse.start("ship")
    purse.spends(run, "polish/1/fix", 30)
    purse.do(AdjustBudget(project="shop", run=run, phase="polish", budget=Budget(tokens=60)))
    migrated(purse, run, a_loop(tokens=80))
    assert purse.run(run).phase("polish").generation == 2
    assert purse.bound(run, "polish/1/fix") == 80
    purse.spends(run, "polish/1/fix", 75)
    assert purse.bound(run, "polish/2/fix") == 5
