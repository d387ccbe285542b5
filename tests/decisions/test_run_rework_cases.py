"""Three cases of doing a part anew: what one resumes from is kept, what was skipped is looked at, an answer changes."""

from typing import Any

import pytest

from domain.kernel.pipeline.flow import Edge
from domain.kernel.pipeline.words import Binding, ValueField
from domain.run.commands import OverrideGate, PauseRun, ResumeRun
from domain.run.rework import stale
from tests.decisions.test_run_gate import gate
from tests.decisions.test_run_rework import SAFE, Again
from tests.support.fleet import accepted
from tests.support.runs import work

FOUND = (ValueField(name="x", type="integer"),)
TOOK = (Binding(name="x", value="phases.x.output.x"),)


def a_chain() -> Again:
    """x, then y that is handed what x found, then z; both others as often as one likes."""
    return Again(work("x", outputs=FOUND, **SAFE), work("y", "x", inputs=TOOK, **SAFE), work("z", "y", **SAFE))


def handed(again: Again, place: str) -> str:
    return str(again.states[again.task_of(place)].plan.input)


@pytest.mark.parametrize("verb", ["resume", "retry", "rework"])
def test_resume_from_x_keeps_x(verb: str) -> None:
    again = a_chain()
    again.succeed("x", output='{"x": 7}')
    kept = again.run.phase("x")
    match verb:
        case "resume":
            again.do(PauseRun(project="shop", run=again.run_id))
            again.do(ResumeRun(project="shop", run=again.run_id))
        case "retry":
            again.go_wrong("y")
            accepted(again.retry("y"))
        case _:
            again.go_wrong("y")
            assert again.planned("y").kept == ("x",)
    assert (again.run.phase("x"), handed(again, "y")) == (kept, '{"x":7}')
    again.succeed("y", "z")
    assert (again.stands(), again.generations()["x"], stale(again.run)) == ("succeeded", 1, ())


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_re_run_producer_skipped_consumer(first: int, then: int) -> None:
    """Whoever was skipped for what the producer said runs where it says otherwise now, and the other way round."""
    consumer = work("consumer", "x", when="phases.x.output.x > 1", **SAFE)
    again = Again(work("x", outputs=FOUND, **SAFE), consumer, work("behind", "consumer", join="settled", **SAFE))
    again.succeed("x", output=f'{{"x": {first}}}')
    if first > 1:
        again.succeed("consumer")
    assert again.status("consumer") == ("succeeded" if first > 1 else "skipped")
    assert again.planned("x").redone == ("x", "consumer", "behind")
    again.succeed("x", output=f'{{"x": {then}}}')
    if then > 1:
        again.succeed("consumer")
    assert again.status("consumer") == ("succeeded" if then > 1 else "skipped")
    again.succeed("behind")
    assert (again.stands(), again.generations(), stale(again.run)) == (
        "succeeded",
        {"x": 2, "consumer": 2, "behind": 2},
        (),
    )


def test_changed_answer_at_a_gate() -> None:
    """What the first answer let through does not count once the gate is asked anew and answers otherwise."""
    again = Again(
        work("x", outputs=FOUND, **SAFE),
        gate("ask", "x", on_reject="skip"),
        work("ship", "ask", **SAFE),
        work("tell", Edge(phase="ship", accept=("succeeded", "skipped")), join="settled", **SAFE),
    )

    def answer(decision: Any) -> None:
        said: dict[str, Any] = {"project": "shop", "run": again.run_id, "phase": "ask", "decision": decision}
        again.do(OverrideGate(**said, reason="so it is"))

    again.succeed("x", output='{"x": 1}')
    answer("approved")
    again.succeed("ship")
    assert again.planned("ask").redone == ("ask", "ship", "tell")
    answer("rejected")
    assert (again.status("ask"), again.status("ship"), again.run.phase("ship").task) == ("skipped", "skipped", "")
    again.succeed("tell")
    assert (again.stands(), again.generations()["x"], stale(again.run)) == ("succeeded", 1, ())
    assert {one.place: one.generation for one in again.run.phase("tell").consumed} == {"ship": 2}
