"""Joins, skips and blocks against a model of their own: every phase settles, whatever comes first."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import Definition, WorkPhase
from domain.kernel.pipeline.expressions import UNTOLD
from domain.kernel.pipeline.flow import Edge, Join
from domain.kernel.pipeline.work import TaskSpec, Work
from domain.run.advance import advance
from domain.run.begin import settled
from domain.run.events import JoinFired, RunStarted
from domain.run.evolve import changed
from domain.run.state import SETTLED, Run
from tests.support.runs import queued_of

AT = Instant(1_700_000_000_000_000)
RULES = ("all", "every", "any", "at_least", "settled")
OUTCOMES = ("succeeded", "failed", "cancelled")
ACCEPTS = (("succeeded",), ("succeeded",), ("succeeded", "skipped"), ("failed",), ("blocked", "failed", "cancelled"))


@dataclass(frozen=True)
class Node:
    """One phase of a random graph: what it needs, and how its work would end."""

    needs: tuple[tuple[int, tuple[str, ...]], ...]
    rule: str
    least: int
    outcome: str
    optional: bool


@st.composite
def graphs(draw: Any) -> tuple[Node, ...]:
    size = draw(st.integers(1, 9))
    nodes = []
    for number in range(size):
        before = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=4)) if number else []
        needs = tuple((one, draw(st.sampled_from(ACCEPTS))) for one in before)
        nodes.append(
            Node(
                needs,
                draw(st.sampled_from(RULES)),
                draw(st.integers(1, max(1, len(needs)))),
                draw(st.sampled_from(OUTCOMES)),
                draw(st.booleans()),
            )
        )
    return tuple(nodes)


def expected(nodes: tuple[Node, ...]) -> list[str]:
    """How each phase settles, told from the end: no order, no events, only what the rules say of final outcomes."""
    found: list[str] = []
    for node in nodes:
        outcomes = [(found[one], accept) for one, accept in node.needs]
        yes = sum(outcome in accept for outcome, accept in outcomes)
        no = sum(outcome not in accept and outcome != "skipped" for outcome, accept in outcomes)
        needed = {"all": 1, "every": len(outcomes), "any": 1, "at_least": node.least, "settled": 0}[node.rule]
        if outcomes and node.rule == "all" and no:
            found.append("blocked")
        elif not outcomes or yes >= needed:
            found.append(node.outcome)
        else:
            found.append("blocked" if no else "skipped")
    return found


def definition_of(nodes: tuple[Node, ...], failure: str) -> Definition:
    phases = tuple(
        WorkPhase(
            key=f"p{number}",
            needs=tuple(Edge.model_validate({"phase": f"p{one}", "accept": accept}) for one, accept in node.needs),
            join=Join.model_validate({"rule": node.rule, "at_least": node.least}),
            optional=node.optional,
            work=Work(task=TaskSpec(title="t")),
        )
        for number, node in enumerate(nodes)
    )
    return Definition.model_validate({"name": "random", "phases": phases, "failure": failure})


class Walk:
    """A run whose work is done by nobody: its phases settle in the order that is asked for."""

    def __init__(self, nodes: tuple[Node, ...], failure: str = "continue") -> None:
        self.nodes = nodes
        run = Run(queued_of(definition_of(nodes, failure), "run_1", "proj_1", AT))
        self.run = changed(run, RunStarted(at=AT))
        self.fired: list[str] = []
        self.go_on()

    def go_on(self) -> None:
        for event in advance(self.run, AT, UNTOLD).events:
            self.run = changed(self.run, event)
            if isinstance(event, JoinFired):
                self.fired.append(event.place)
        assert advance(self.run, AT, UNTOLD).events == ()

    def ready(self) -> list[int]:
        return [number for number in range(len(self.nodes)) if self.run.phase(f"p{number}").status == "ready"]

    def settle(self, number: int) -> None:
        place = f"p{number}"
        outcome: Any = self.nodes[number].outcome
        self.run = changed(self.run, settled(self.run.phase(place), place, outcome, "", AT))
        self.go_on()

    def statuses(self) -> list[str]:
        return [self.run.phase(f"p{number}").status for number in range(len(self.nodes))]


@settings(max_examples=150, deadline=None)
@given(nodes=graphs(), data=st.data())
def test_outcomes_are_the_models_whatever_settles_first(nodes: tuple[Node, ...], data: st.DataObject) -> None:
    walk = Walk(nodes)
    while ready := walk.ready():
        walk.settle(data.draw(st.sampled_from(ready)))
    assert walk.statuses() == expected(nodes)
    assert len(set(walk.fired)) == len(walk.fired)
    bad = [
        number
        for number, (node, status) in enumerate(zip(nodes, walk.statuses(), strict=True))
        if status in ("failed", "cancelled") and not node.optional and not _handled(nodes, walk.statuses(), number)
    ]
    assert walk.run.status == ("failed" if bad else "succeeded")


@settings(max_examples=100, deadline=None)
@given(nodes=graphs(), data=st.data())
def test_a_run_that_fails_fast_settles_too(nodes: tuple[Node, ...], data: st.DataObject) -> None:
    walk = Walk(nodes, "fail_fast")
    while ready := [one for one in walk.ready() if not walk.run.failing or nodes[one].rule == "settled"]:
        walk.settle(data.draw(st.sampled_from(ready)))
    assert set(walk.statuses()) <= SETTLED
    assert walk.run.status in ("succeeded", "failed")
    assert walk.run.status == "failed" or not walk.run.failing


def _handled(nodes: tuple[Node, ...], statuses: list[str], number: int) -> bool:
    return any(
        number == one and statuses[number] in accept and statuses[other] == "succeeded"
        for other, node in enumerate(nodes)
        for one, accept in node.needs
    )
