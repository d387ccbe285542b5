"""The mathematics of a plan against definitions that are too slow to ship."""

import json
from itertools import combinations, pairwise, permutations
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.plan.analysis import CircularPlanError, analyse
from api.plan.document import plan_document
from api.plan.read import Plan, read_plan
from domain.kernel.graphs import circles_of
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import Budget, Escalation, RetryRule
from domain.lock.overlap import StepBudget, Witness, overlap
from domain.lock.resource import Resource, parse
from domain.task.commands import ApplyPlan, Need, PlannedTask
from tests.support.plan_yaml import plan_yaml
from tests.support.steps import calls_of

_PATTERNS = ("src/**", "src/a.py", "docs/**", "src/*.py", "docs/x.md", "lib", "**")


@st.composite
def plans(draw: st.DrawFn, most: int = 7) -> tuple[PlannedTask, ...]:
    """Acyclic plans whose keys are shuffled, so that file order is no topological order."""
    count = draw(st.integers(1, most))
    names = draw(st.permutations([f"t{index}" for index in range(count)]))
    tasks = []
    for index, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:index]))) if index else set()
        claims = draw(st.lists(st.sampled_from(_PATTERNS), max_size=2, unique=True))
        mode = draw(st.sampled_from(["shared", "exclusive"]))
        tasks.append(
            PlannedTask(
                key=name,
                title=name,
                priority=draw(st.integers(-3, 3)),
                needs=tuple(Need(task=need) for need in sorted(needs)),
                scope=tuple(
                    ScopeClaim(claim=f"path:r//{claim}", mode="shared" if mode == "shared" else "exclusive")
                    for claim in claims
                ),
            )
        )
    return tuple(sorted(tasks, key=lambda task: task.key))


def _before(tasks: tuple[PlannedTask, ...]) -> set[tuple[str, str]]:
    """Pairs (earlier, later), closed by repetition."""
    pairs = {(need.task, task.key) for task in tasks for need in task.needs}
    while True:
        more = {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs
        if not more:
            return pairs
        pairs |= more


def _chains(tasks: tuple[PlannedTask, ...], before: set[tuple[str, str]], antichain: bool) -> int:
    """Largest set of tasks that are all ordered, or all unordered."""
    keys = [task.key for task in tasks]
    return max(
        size
        for size in range(len(keys) + 1)
        for some in combinations(keys, size)
        if all((((a, b) in before) or ((b, a) in before)) is not antichain for a, b in combinations(some, 2))
    )


@settings(max_examples=60, deadline=None)
@given(plans())
def test_critical_path_and_width_are_the_largest_chain_and_antichain(tasks: tuple[PlannedTask, ...]) -> None:
    before = _before(tasks)
    analysis = analyse(tasks)
    assert analysis.critical_weight == len(analysis.critical_path) == _chains(tasks, before, antichain=False)
    path = analysis.critical_path
    direct = {(need.task, task.key) for task in tasks for need in task.needs}
    assert all(edge in direct for edge in pairwise(path))
    assert analysis.width == _chains(tasks, before, antichain=True)


@settings(max_examples=40, deadline=None)
@given(plans(most=6), st.integers(1, 3))
def test_no_schedule_beats_the_bound_and_the_estimate_is_one(tasks: tuple[PlannedTask, ...], workers: int) -> None:
    free = tuple(task.model_copy(update={"scope": ()}) for task in tasks)
    span = analyse(free).makespan(workers)
    best = _best_makespan(free, workers)
    assert span.bound <= best <= span.estimate
    assert span.estimate <= best * (2 - 1 / workers)
    assert span.bound == max(analyse(free).critical_weight, ceil(len(free) / workers))
    crowded = analyse(tasks).makespan(workers)
    assert span.bound == crowded.bound <= crowded.estimate <= len(tasks)


def _best_makespan(tasks: tuple[PlannedTask, ...], workers: int) -> int:
    """The shortest of all schedules: every order of tasks, each begun as early as its needs and a worker allow."""
    needs = {task.key: [need.task for need in task.needs] for task in tasks}
    best = len(tasks)
    for order in permutations(needs):
        ends: dict[str, int] = {}
        for key in order:
            if not all(need in ends for need in needs[key]):
                break
            start = max((ends[need] for need in needs[key]), default=0)
            while sum(end == start + 1 for end in ends.values()) >= workers:
                start += 1
            ends[key] = start + 1
        else:
            best = min(best, max(ends.values()))
    return best


@settings(max_examples=60, deadline=None)
@given(plans(), st.dictionaries(st.sampled_from([f"t{i}" for i in range(7)]), st.integers(0, 50).map(float)))
def test_seconds_weigh_the_path(tasks: tuple[PlannedTask, ...], seconds: dict[str, float]) -> None:
    analysis = analyse(tasks, seconds)
    needs = {task.key: [need.task for need in task.needs] for task in tasks}

    def end(key: str) -> float:
        return seconds.get(key, 0.0) + max((end(need) for need in needs[key]), default=0.0)

    assert analysis.critical_weight == max(end(key) for key in needs)
    assert analysis.total_weight == sum(seconds.get(key, 0.0) for key in needs)
    assert analysis.makespan(2).bound <= analysis.makespan(2).estimate


@settings(max_examples=80, deadline=None)
@given(plans())
def test_overlaps_are_all_unordered_conflicts_and_the_proposals_order_them(tasks: tuple[PlannedTask, ...]) -> None:
    before = _before(tasks)
    overlaps = analyse(tasks).overlaps
    found = {frozenset((pair.first, pair.second)) for pair in overlaps.pairs}
    expected = {
        frozenset((one.key, other.key))
        for one, other in combinations(tasks, 2)
        if (one.key, other.key) not in before and (other.key, one.key) not in before and _excludes(one, other)
    }
    assert found == expected
    assert overlaps.complete
    assert overlaps.pairs_total == len(found)
    assert len(overlaps.pairs) == len(found)
    wanted = {(proposal.task, proposal.need) for proposal in overlaps.proposals}
    ordered = tuple(
        task.model_copy(
            update={"needs": (*task.needs, *(Need(task=need) for key, need in sorted(wanted) if key == task.key))}
        )
        for task in tasks
    )
    assert analyse(ordered).overlaps.pairs_total == 0
    for dropped in wanted:
        fewer = tuple(
            task.model_copy(update={"needs": tuple(n for n in task.needs if (task.key, n.task) != dropped)})
            for task in ordered
        )
        assert analyse(fewer).overlaps.pairs_total > 0, "a proposal that orders nothing"


def _excludes(one: PlannedTask, other: PlannedTask) -> bool:
    return any(
        isinstance(overlap(_resource(a.claim), _resource(b.claim), StepBudget()), Witness)
        for a in one.scope
        for b in other.scope
        if "exclusive" in (a.mode, b.mode)
    )


def _resource(text: str) -> Resource:
    found = parse(text)
    assert isinstance(found, Resource)
    return found


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.sets(st.integers(0, n - 1)), min_size=n, max_size=n)))
def test_every_circle_is_one_and_none_is_missed(edges: list[set[int]]) -> None:
    needs = [sorted(some) for some in edges]
    reach = {(a, b) for a, some in enumerate(needs) for b in some}
    for _ in needs:
        reach |= {(a, d) for a, b in reach for c, d in reach if b == c}
    circles = circles_of(needs)
    for circle in circles:
        assert all(following in needs[task] for task, following in zip(circle, [*circle[1:], circle[0]], strict=True))
        assert len(set(circle)) == len(circle)
    knots = {frozenset(b for b in range(len(needs)) if (a, b) in reach and (b, a) in reach) for a in range(len(needs))}
    assert {next(knot for knot in knots if circle[0] in knot) for circle in circles} == knots - {frozenset()}
    assert len(circles) == len(knots - {frozenset()})


def test_a_plan_with_a_circle_has_no_analysis() -> None:
    looped = PlannedTask(key="a", title="a", needs=(Need(task="a"),))
    with pytest.raises(CircularPlanError):
        analyse((looped,))


def test_a_plan_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="worker"):
        analyse((PlannedTask(key="a", title="a"),)).makespan(0)


def crowd(count: int) -> tuple[PlannedTask, ...]:
    """Tasks with a few needs each, many of them in each of fifty folders."""
    return tuple(
        PlannedTask(
            key=f"k{i}",
            title="t",
            needs=tuple(Need(task=f"k{j}") for j in range(max(0, i - 40), i, 7)),
            scope=(ScopeClaim(claim=f"path:r//src/{i % 50}/**"),),
        )
        for i in range(count)
    )


def test_the_work_of_an_analysis_grows_with_the_pairs_of_tasks_at_most() -> None:
    few, many = (calls_of(lambda tasks: analyse(tasks).makespan(8), crowd(count)) for count in (250, 500))
    assert many < 5 * few
    assert analyse(crowd(2_000)).tasks == 2_000


def test_a_crowd_on_one_file_is_counted_whole_and_proposed_as_a_chain() -> None:
    tasks = tuple(PlannedTask(key=f"k{i}", title="t", scope=(ScopeClaim(claim="path:r//a.py"),)) for i in range(300))
    overlaps = analyse(tasks).overlaps
    assert overlaps.pairs_total == 300 * 299 // 2
    assert len(overlaps.pairs) == 1_000
    assert overlaps.proposals_total == 299
    assert analyse(tasks).makespan(8).estimate == 300


_words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=12)
_numbers = st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6, allow_nan=False)
_scalars = st.booleans() | _numbers | _words
_conditions = (
    st.tuples(st.sampled_from(["=", "!="]), _scalars)
    | st.tuples(st.sampled_from(["<", "<=", ">", ">="]), _numbers)
    | st.tuples(st.just("in"), st.lists(_scalars, min_size=1, max_size=3).map(tuple))
    | st.tuples(st.just("contains"), _scalars | st.lists(_scalars, min_size=1, max_size=3).map(tuple))
    | st.tuples(st.just("exists"), st.booleans())
)


@st.composite
def commands(draw: st.DrawFn) -> ApplyPlan:
    """Any plan that the command can carry and that is sound."""
    tasks = draw(plans(most=4))
    made = []
    for task in tasks:
        outside = draw(st.sets(st.sampled_from(["old", "old/auth", "shop/x", "Up/down"])))
        named = draw(
            st.dictionaries(_words, st.lists(_conditions, min_size=1, max_size=2, unique_by=lambda c: c[0]), max_size=3)
        )
        made.append(
            task.model_copy(
                update={
                    "needs": (*task.needs, *(Need(task=key, accept=("failed",)) for key in sorted(outside))),
                    "title": draw(_words),
                    "body": draw(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]))),
                    "kind": draw(_words),
                    "run": draw(st.none() | _words),
                    "timeout_seconds": draw(st.none() | st.floats(0.001, 600_000) | st.integers(1, 600_000).map(float)),
                    "retry": RetryRule(
                        max_attempts=draw(st.integers(1, 9)),
                        on_exhausted=draw(st.sampled_from(["fail", "park", "cancel"])),
                        max_lost=draw(st.integers(1, 9)),
                    ),
                    **draw(_terms),
                    "requires": tuple(
                        Requirement.model_validate({"key": key, "operator": operator, "value": value})
                        for key, found in named.items()
                        for operator, value in found
                    ),
                }
            )
        )
    return ApplyPlan(project="shop", tasks=tuple(made))


_instants = st.none() | st.integers(0, 2**53).map(lambda number: number - number % 1_000)
_terms = st.fixed_dictionaries(
    {
        "evidence": st.lists(st.sampled_from(["commit", "test_report", "review"]), unique=True).map(tuple),
        "on_need_failed": st.sampled_from(["block", "cancel", "proceed"]),
        "not_before": _instants,
        "deadline": _instants,
        "labels": st.lists(st.text("ab/- ", min_size=1, max_size=5), unique=True, max_size=3).map(tuple),
        "budget": st.builds(
            Budget,
            tokens=st.none() | st.integers(1, 10**15),
            cost_microdollars=st.none() | st.integers(1, 10**15),
            wall_seconds=st.none() | st.floats(0.5, 86_400 * 30),
        ),
        "concurrency_key": st.text("ab:/", max_size=5),
        "concurrency_limit": st.integers(1, 10_000),
        "idempotency_key": st.text("ab:#1", max_size=5),
        "avoid": st.lists(st.sampled_from(["session", "host", "model"]), unique=True).map(tuple),
        "escalate": st.lists(
            st.builds(Escalation, after=st.integers(1, 9), requires=st.just((Requirement(key="tier", value="high"),))),
            max_size=2,
        ).map(tuple),
    }
)


@settings(max_examples=80, deadline=None)
@given(commands())
def test_a_plan_written_and_read_again_is_the_same(command: ApplyPlan) -> None:
    document = plan_document(command)
    as_json = read_plan(json.dumps(document), "plan.json")
    assert isinstance(as_json, Plan), as_json
    assert as_json.command == command
    as_yaml = read_plan(plan_yaml(document), "plan.yaml")
    assert isinstance(as_yaml, Plan), as_yaml
    assert as_yaml.command == command
