"""Each mistake in a definition is found, at its place, with what mends it; a sound one is told nothing."""

from typing import Any

import pytest

from domain.kernel.pipeline.checks import findings_of
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.findings import Finding
from infrastructure.expressions.conditions import CelExpressions

EXPRESSIONS = CelExpressions()


def work(key: str, *needs: Any, **further: Any) -> dict[str, Any]:
    phase: dict[str, Any] = {name: further.pop(name) for name in ["when", "join", "optional"] if name in further}
    task = {"title": f"do {key}", **further.pop("task", {})}
    edges = [one if isinstance(one, dict) else {"phase": one} for one in needs]
    return {"kind": "work", "key": key, "needs": edges, "work": {"task": task, "effect": "pure", **further}, **phase}


def gate(key: str, *needs: str, **further: Any) -> dict[str, Any]:
    asked = {"gate_class": "merge", "question": "Go?", **further}
    return {"kind": "gate", "key": key, "needs": [{"phase": one} for one in needs], "gate": asked}


def branch(key: str, *needs: str, **further: Any) -> dict[str, Any]:
    arms = [{"name": "small", "when": "inputs.size < 3"}]
    edges = [{"phase": one} for one in needs]
    return {"kind": "branch", "key": key, "needs": edges, "arms": arms, "default": "large", **further}


def external(key: str, what: dict[str, Any], **further: Any) -> dict[str, Any]:
    return {"kind": "external", "key": key, "external": {"project": "core", "what": what, **further}}


def mapped(key: str, *needs: str, **further: Any) -> dict[str, Any]:
    each = {"kind": "work", "task": {"title": "one"}, "effect": "pure", **further.pop("each", {})}
    edges = [{"phase": one} for one in needs]
    return {"kind": "map", "key": key, "needs": edges, "map": {"each": each, **further}}


def repeat(key: str, *phases: dict[str, Any], **further: Any) -> dict[str, Any]:
    return {"kind": "repeat", "key": key, "phases": list(phases), "until": "true", "max_iterations": 3, **further}


SIZE = {"name": "size", "type": "integer", "default": 1}


def found(*phases: dict[str, Any], **further: Any) -> tuple[Finding, ...]:
    """Findings but those about inputs that nobody uses, which most examples have."""
    definition = {"name": "release", "inputs": [SIZE], "phases": list(phases), **further}
    findings = findings_of(Definition.model_validate(definition, strict=False), EXPRESSIONS)
    return tuple(one for one in findings if one.code != "unused_input")


def test_a_sound_definition_is_told_nothing() -> None:
    outputs = [{"name": "files", "type": "list"}, {"name": "ok", "type": "boolean"}]
    loop = repeat("fixing", work("fix"), work("check", "fix", outputs=outputs), until="phases.check.output.ok")
    assert not found(
        work("plan", outputs=outputs),
        branch("size_up", "plan"),
        work("quick", {"phase": "size_up", "arm": "small"}),
        mapped("tests", "plan", over="phases.plan.output.files", each={"inputs": [{"name": "f", "value": "item"}]}),
        work("join_up", "quick", "tests"),
        {**loop, "needs": [{"phase": "join_up"}]},
        gate("ask", "fixing", rework="plan", automatic="phases.fixing.outcome == 'succeeded'"),
        outputs=[{"name": "ok", "value": "phases.ask.output.decision == 'approved'"}],
    )


FAULTS: dict[str, tuple[str, str, str, tuple[dict[str, Any], ...]]] = {
    "a key twice": ("duplicate_key", "phases.0.key", "Give each phase its own", (work("a"), work("a"))),
    "a key inside of a loop": ("duplicate_key", "phases.0.key", "its own", (work("a"), repeat("r", work("a")))),
    "a call of itself": (
        "cycle",
        "phases.0.call.pipeline",
        "recursive_depth_max",
        ({"kind": "pipeline", "key": "a", "call": {"pipeline": "release"}},),
    ),
    "a word of the language": ("reserved_word", "phases.0.key", "otherwise", (work("in"),)),
    "two arms of one name": (
        "duplicate_name",
        "phases.0.arms.1",
        "rename",
        (branch("b", arms=[{"name": "x", "when": "true"}, {"name": "x", "when": "false"}]),),
    ),
    "two inputs of one name": (
        "duplicate_name",
        "phases.0.work.inputs.1",
        "rename",
        (work("a", inputs=[{"name": "x", "value": "1"}, {"name": "x", "value": "2"}]),),
    ),
    "after itself": ("needs_itself", "phases.0.needs.0", "Remove this edge", (work("a", "a"),)),
    "after nothing that is there": (
        "unknown_phase",
        "phases.1.needs.0",
        "Did you mean build?",
        (work("build"), work("test", "biuld")),
    ),
    "after a phase inside of a loop": (
        "unknown_phase",
        "phases.1.needs.0",
        "after the loop itself",
        (repeat("r", work("x")), work("y", "x")),
    ),
    "out of a loop": (
        "unknown_phase",
        "phases.1.phases.0.needs.0",
        "inside of one loop",
        (work("a"), repeat("r", work("x", "a"))),
    ),
    "twice after one": ("duplicate_edge", "phases.1.needs.1", "into one", (work("a"), work("b", "a", "a"))),
    "an arm that is not there": (
        "unknown_arm",
        "phases.1.needs.0",
        "Did you mean small?",
        (branch("b"), work("a", {"phase": "b", "arm": "smal"})),
    ),
    "a fallback that was not said": (
        "unknown_arm",
        "phases.1.needs.0",
        "on_exhausted: fallback",
        (work("a"), work("b", {"phase": "a", "arm": "fallback"})),
    ),
    "a gate with two ways and an edge along none": (
        "missing_arm",
        "phases.1.needs.0",
        "approved",
        (gate("g", on_expiry="arm", deadline_seconds=5), work("a", "g")),
    ),
    "a circle": ("cycle", "phases.1.needs.0", "Remove one", (work("a", "b"), work("b", "a"))),
    "falling back in a circle": (
        "fallback_loop",
        "phases.1.needs.0",
        "repeat",
        (
            work("a", {"phase": "b", "arm": "fallback"}, on_exhausted="fallback"),
            work("b", {"phase": "a", "arm": "fallback"}, on_exhausted="fallback"),
        ),
    ),
    "falling back on nobody": (
        "missing_fallback",
        "phases.0",
        "arm: fallback",
        (work("a", on_exhausted="fallback"),),
    ),
    "no way where no arm is true": ("missing_default", "phases.0.arms", "exhaustive", (branch("b", default=None),)),
    "a default that is never taken": (
        "contradiction",
        "phases.0.exhaustive",
        "Remove one",
        (branch("b", exhaustive=True),),
    ),
    "more than there are": (
        "join_never_fires",
        "phases.1.join",
        "Ask for fewer",
        (work("a"), work("b", "a", join={"rule": "at_least", "at_least": 2})),
    ),
    "every one of two arms": (
        "join_never_fires",
        "phases.1.join",
        "`all`",
        (branch("b"), work("a", *({"phase": "b", "arm": arm} for arm in ("small", "large")), join={"rule": "every"})),
    ),
    "what never fails": (
        "join_never_fires",
        "phases.1.join",
        "Accept another outcome",
        ({"kind": "join", "key": "j"}, work("a", {"phase": "j", "accept": ["failed"]})),
    ),
    "nothing to join": ("join_never_fires", "phases.0.join", "leave the join out", (work("a", join={"rule": "any"}),)),
    "never true": ("unreachable_phase", "phases.0.when", "Remove", (work("a", when="false"),)),
    "behind what never runs": (
        "unreachable_phase",
        "phases.1.needs",
        "accept `skipped`",
        (work("a", join={"rule": "any"}), work("b", "a")),
    ),
    "an input that is not there": (
        "unknown_input",
        "phases.0.when",
        "Did you mean size?",
        (work("a", when="inputs.sice > 1"),),
    ),
    "a phase that does not come before": (
        "not_before",
        "phases.1.when",
        "come after a",
        (work("a"), work("b", when="phases.a.outcome == 'failed'")),
    ),
    "a phase that is nowhere": (
        "unknown_phase",
        "phases.1.when",
        "Did you mean a?",
        (work("a"), work("b", "a", when="phases.aa.outcome == 'failed'")),
    ),
    "an output that is not declared": (
        "unknown_field",
        "phases.1.when",
        "Did you mean passed?",
        (work("a", outputs=[{"name": "passed", "type": "boolean"}]), work("b", "a", when="phases.a.output.pased")),
    ),
    "a field that phases lack": (
        "unknown_field",
        "phases.1.when",
        "outcome",
        (work("a"), work("b", "a", when="phases.a.result == 'x'")),
    ),
    "a word that is none": ("bad_expression", "phases.0.when", "CEL", (work("a", when="inputs.size >"),)),
    "a function that is none": ("bad_expression", "phases.0.when", "CEL", (work("a", when="now() > 3"),)),
    "neither true nor false": ("wrong_type", "phases.0.when", "one type", (work("a", when="inputs.size"),)),
    "text and number": ("wrong_type", "phases.0.when", "one type", (work("a", when="inputs.size + 'x' == 'y'"),)),
    "no list": ("wrong_type", "phases.0.map.over", "one type", (mapped("m", over="inputs.size"),)),
    "an item outside of a map": ("bad_expression", "phases.0.when", "CEL", (work("a", when="item == 1"),)),
    "a name in a text": (
        "unknown_name",
        "phases.0.work.task.title",
        "Its inputs: where",
        (work("a", task={"title": "to ${whom}"}, inputs=[{"name": "where", "value": "'x'"}]),),
    ),
    "a name in a question": ("unknown_name", "phases.0.gate.question", "none", (gate("g", question="${x}?"),)),
    "a rework of what comes after": (
        "not_before",
        "phases.0.gate.rework",
        "Before it come",
        (gate("g", rework="a"), work("a", "g")),
    ),
    "a rework of nothing": ("contradiction", "phases.0.gate.on_reject", "rework", (gate("g", on_reject="rework"),)),
    "an expiry without a deadline": (
        "contradiction",
        "phases.0.gate.on_expiry",
        "deadline",
        (gate("g", on_expiry="reject"),),
    ),
    "more people than votes": (
        "contradiction",
        "phases.0.gate.quorum",
        "lower",
        (gate("g", quorum={"people_min": 2}),),
    ),
    "more roles than votes": (
        "contradiction",
        "phases.0.gate.quorum",
        "Raise",
        (gate("g", quorum={"per_role": [{"role": "admin", "approvals": 2}]}),),
    ),
    "a role that no key has": (
        "unknown_name",
        "phases.0.gate",
        "Did you mean operator?",
        (gate("g", eligible=[{"who": "role", "name": "operators"}, {"who": "capability", "name": "judge"}]),),
    ),
    "a role in a quorum that no key has": (
        "unknown_name",
        "phases.0.gate.escalate.0",
        "Roles: owner",
        (gate("g", escalate=[{"after_seconds": 1, "quorum": {"per_role": [{"role": "boss", "approvals": 1}]}}]),),
    ),
    "a strategic gate by itself": (
        "contradiction",
        "phases.0.gate.automatic",
        "another class",
        (gate("g", gate_class="strategic", automatic="true"),),
    ),
    "a strategic gate of agents": (
        "contradiction",
        "phases.0.gate",
        "Ask for a person",
        (gate("g", gate_class="strategic", quorum={"people_min": 0}),),
    ),
    "a strategic gate that time approves": (
        "contradiction",
        "phases.0.gate",
        "let time not approve",
        (gate("g", gate_class="strategic", deadline_seconds=5, on_expiry="approve"),),
    ),
    "reminders that fall": (
        "contradiction",
        "phases.0.gate.reminders_seconds",
        "earliest first",
        (gate("g", reminders_seconds=[5, 3]),),
    ),
    "a rung behind the deadline": (
        "contradiction",
        "phases.0.gate.escalate",
        "earlier",
        (gate("g", deadline_seconds=5, escalate=[{"after_seconds": 6}]),),
    ),
    "a wait for nothing": (
        "contradiction",
        "phases.0.wait",
        "one of the two",
        ({"kind": "wait", "key": "w", "wait": {"kind": "timer"}},),
    ),
    "a map of nothing": ("contradiction", "phases.0.map", "over", (mapped("m"),)),
    "a map that counts nothing": (
        "contradiction",
        "phases.0.map.settle",
        "one of the two",
        (mapped("m", over="['a']", settle={"rule": "tolerate"}),),
    ),
    "a map that counts too much": (
        "contradiction",
        "phases.0.map.settle",
        "tolerate",
        (mapped("m", over="['a']", settle={"items": 1}),),
    ),
    "the first none": (
        "contradiction",
        "phases.0.map.settle",
        "one at least",
        (mapped("m", over="['a']", settle={"rule": "first", "items": 0}),),
    ),
    "an axis of nothing": (
        "contradiction",
        "phases.0.map.matrix.axes.0",
        "values",
        (mapped("m", matrix={"axes": [{"name": "os"}]}),),
    ),
    "an axis that is not there": (
        "unknown_name",
        "phases.0.map.matrix.exclude.0",
        "Did you mean os?",
        (
            mapped(
                "m",
                matrix={
                    "axes": [{"name": "os", "values": ["a"]}],
                    "exclude": [{"at": [{"axis": "oss", "value": "a"}]}],
                },
            ),
        ),
    ),
    "half of a combination": (
        "contradiction",
        "phases.0.map.matrix.include.0",
        "missing",
        (
            mapped(
                "m",
                matrix={
                    "axes": [{"name": "os", "values": ["a"]}, {"name": "py", "values": ["3"]}],
                    "include": [{"at": [{"axis": "os", "value": "b"}]}],
                },
            ),
        ),
    ),
    "an undo of nothing": (
        "contradiction",
        "phases.0.work.undo",
        "Remove",
        (work("a", undo={"task": {"title": "x"}}),),
    ),
    "what follows a late begin without a time for it": (
        "contradiction",
        "phases.0.work.on_start_late",
        "start_within",
        (work("a", on_start_late="fail"),),
    ),
    "over before it has to have begun": (
        "contradiction",
        "phases.0.map.each.close_within_seconds",
        "Raise",
        (
            mapped(
                "m",
                over="['a']",
                each={
                    "kind": "work",
                    "task": {"title": "x"},
                    "start_within_seconds": 60,
                    "close_within_seconds": 59,
                },
            ),
        ),
    ),
    "a bound that is none": (
        "bad_value",
        "phases.0.external.what.constraint",
        ">=1.2,<2",
        (external("x", {"kind": "artefact", "name": "core", "constraint": ">=1.2,~2"}),),
    ),
    "a signal that fails": (
        "contradiction",
        "phases.0.external.accept",
        "Leave",
        (external("x", {"kind": "signal", "name": "go"}, accept=["failed"]),),
    ),
    "a signal that is taken back": (
        "contradiction",
        "phases.0.external.on_revised",
        "Leave",
        (external("x", {"kind": "signal", "name": "go"}, on_revised="pause"),),
    ),
    "locks of nothing": (
        "contradiction",
        "phases.1.gate.keep_locks_seconds",
        "remove",
        (mapped("m", over="['a']"), gate("g", "m", keep_locks_seconds=60)),
    ),
    "a label twice": ("contradiction", "phases.0.work.task.labels", "once", (work("a", task={"labels": ["x", "x"]}),)),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_found_where_it_is_with_what_mends_it(case: str) -> None:
    code, place, part, phases = FAULTS[case]
    told = [one for one in found(*phases) if one.code == code]
    assert told, found(*phases)
    assert (told[0].severity, told[0].place) == ("fault", place)
    assert part in told[0].advice, told[0].advice
    assert told[0].message


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ({"name": "n", "type": "integer", "default": "x"}, "inputs.0.default"),
        ({"name": "n", "type": "text", "choices": ["a", 3]}, "inputs.0.choices"),
        ({"name": "n", "type": "text", "choices": ["a"], "default": "b"}, "inputs.0.default"),
    ],
)
def test_a_default_or_choice_of_another_type_is_a_fault(field: dict[str, Any], place: str) -> None:
    told = found(work("a"), inputs=[field])
    assert [(one.code, one.place) for one in told] == [("bad_value", place)]


WARNINGS: dict[str, tuple[str, str, tuple[dict[str, Any], ...]]] = {
    "an effect that stays": ("no_undo", "phases.0.work", (work("a", effect="effectful"),)),
    "an effect of each item": (
        "no_undo",
        "phases.0.map.each",
        (mapped("m", over="[1]", each={"effect": "effectful"}),),
    ),
    "a yes that nobody said": (
        "auto_approve",
        "phases.0.gate.on_expiry",
        (gate("g", on_expiry="approve", deadline_seconds=5),),
    ),
    "an arm that leads nowhere": ("arm_leads_nowhere", "phases.0.arms.0", (branch("b"),)),
    "an output that may not be there": (
        "may_be_absent",
        "phases.2.when",
        (
            work("a", when="inputs.size > 1", outputs=[{"name": "ok", "type": "boolean"}]),
            work("b"),
            work("c", "a", "b", when="phases.a.output.ok"),
        ),
    ),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_what_is_probably_not_meant_is_told_and_refuses_nothing(case: str) -> None:
    code, place, phases = WARNINGS[case]
    assert [(one.code, one.severity, one.place) for one in found(*phases)] == [(code, "warning", place)]


def test_who_asks_first_or_comes_after_that_phase_alone_is_not_warned() -> None:
    ok = [{"name": "ok", "type": "boolean"}]
    first = work("a", when="inputs.size > 1", outputs=ok)
    asks = work("c", "a", "b", when="has(phases.a.output) && phases.a.output.ok")
    assert not found(first, work("b"), asks)
    assert not found(first, work("c", "a", when="phases.a.output.ok"))


def test_an_input_that_nothing_speaks_of_is_told() -> None:
    definition = Definition.model_validate({"name": "r", "inputs": [SIZE], "phases": [work("a")]}, strict=False)
    assert [(one.code, one.place) for one in findings_of(definition, EXPRESSIONS)] == [("unused_input", "inputs.0")]


def test_a_circle_is_told_once_and_hides_no_other_mistake() -> None:
    told = found(work("a", "b"), work("b", "a"), work("c", "gone"))
    assert [one.code for one in told] == ["unknown_phase", "cycle"]
