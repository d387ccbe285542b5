"""Gates that send work back, in any order with all else: no join fires twice, no task is left, nothing is stale."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.ids import derived_id
from domain.principal.events import KeyIssued
from domain.run.commands import CastVote
from domain.run.events import RunReworked
from tests.decisions.test_run_gate import gate
from tests.properties.test_run_invariants import UNDO, VERBS, Rolling
from tests.properties.test_run_model import Node, graphs
from tests.support.runs import Railway, work

REWORKS_MAX = 2


class Sending(Rolling):
    """A run over a random graph, behind which a gate may send back to its first phase or take all back."""

    def __init__(self, nodes: tuple[Node, ...], on_reject: str) -> None:
        phases = [
            work(
                f"p{number}",
                *({"phase": f"p{one}", "accept": accept} for one, accept in node.needs),
                join={"rule": node.rule, "at_least": node.least},
                effect="idempotent",
                undo=UNDO,
                optional=node.optional,
            )
            for number, node in enumerate(nodes)
        ]
        asked = gate("ask", "p0", rework="p0", reworks_max=REWORKS_MAX, on_reject=on_reject)
        Railway.__init__(self, *phases, asked, work("end", "ask"), failure="continue", on_failure="compensate")
        self.voter = derived_id("key", self.now, ("voter",))
        issued = KeyIssued(name="v", role="operator", projects=(), digest="", expires_at=None, at=self.now)
        self.given(self.voter, issued)

    def act(self, verb: str, place: str) -> None:
        if verb != "vote":
            super().act(verb, place)
            return
        verdict: Any = {"p0": "request_changes", "p1": "reject"}.get(place, "request_changes")
        self.ask(CastVote(project="shop", run=self.run_id, phase="ask", verdict=verdict), by=self.voter)
        self.react()

    def check(self) -> None:
        super().check()
        sent = [one.event for one in self.log if isinstance(one.event, RunReworked) and one.event.gate]
        assert len(sent) <= REWORKS_MAX, "sent back more often than the gate may"


@settings(max_examples=30, deadline=None)
@given(
    nodes=graphs(),
    on_reject=st.sampled_from(("rework", "compensate", "fail")),
    steps=st.lists(st.tuples(st.sampled_from((*VERBS, "vote", "vote", "vote")), st.integers(0, 8)), max_size=25),
)
def test_work_that_is_sent_back(nodes: tuple[Node, ...], on_reject: str, steps: list[tuple[str, int]]) -> None:
    sending = Sending(nodes, on_reject)
    sending.act("succeed", "p0")
    sending.check()
    for verb, number in steps:
        sending.act(verb, f"p{number % len(nodes)}")
        sending.check()
