"""When a phase may begin: what its join makes of the inputs that have settled and of those that have not."""

from collections.abc import Sequence
from typing import Literal, assert_never

from domain.kernel.pipeline.flow import Edge, JoinRule
from domain.run.state import PhaseState

InputState = Literal["open", "satisfied", "neutral", "dead"]
"""``open``: not settled. ``satisfied``: settled as its edge accepts. ``neutral``: skipped. ``dead``: settled else."""
Verdict = Literal["wait", "fire", "skip", "block"]


def input_state(edge: Edge, source: PhaseState) -> InputState:
    """What an edge is worth to the phase that it leads to."""
    match source.status:
        case "succeeded" | "skipped" | "failed" | "blocked" | "cancelled":
            taken = source.arm == edge.arm if edge.arm is not None else source.status in edge.accept
            if taken:
                return "satisfied"
            passed_by = edge.arm is not None and source.status == "succeeded"
            return "neutral" if passed_by or source.status == "skipped" else "dead"
        case "pending" | "fired" | "ready" | "offered" | "waiting" | "parked":
            return "open"
        case _:
            assert_never(source.status)


def verdict(rule: JoinRule, least: int, inputs: Sequence[InputState]) -> Verdict:
    """What follows from the inputs. A root, which has none, fires; ``least`` counts for ``at_least`` alone.

    What is not the default waits until nothing is open before it gives up: so what comes of a run does not depend on
    the order in which its phases settle (pipelines.md 3, rule 4).
    """
    if not inputs:
        return "fire"
    satisfied, dead, still = inputs.count("satisfied"), inputs.count("dead"), inputs.count("open")
    given_up: Verdict = "block" if dead else "skip"
    match rule:
        case "all":
            if dead:
                return "block"
            return "wait" if still else "fire" if satisfied else "skip"
        case "every":
            return "fire" if satisfied == len(inputs) else "wait" if still else given_up
        case "any":
            return "fire" if satisfied else "wait" if still else given_up
        case "at_least":
            return "fire" if satisfied >= least else "wait" if still else given_up
        case "settled":
            return "wait" if still else "fire"
        case _:
            assert_never(rule)
