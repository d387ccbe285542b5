"""A definition as data: its digests, the graph of its phases, the arms that lead on, and texts with holes."""

from typing import Any

from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.digest import definition_digest, spec_digest
from domain.kernel.pipeline.graph import arms_of, behind_arm, every_phase, graph_of
from domain.kernel.pipeline.texts import filled, names_in


def work(key: str, *needs: Any, optional: bool = False, when: str | None = None, **further: Any) -> dict[str, Any]:
    task = {"title": further.pop("title", f"do {key}")}
    edges = [one if isinstance(one, dict) else {"phase": one} for one in needs]
    phase = {"kind": "work", "key": key, "needs": edges, "work": {"task": task, **further}}
    return {**phase, "optional": optional, "when": when}


def definition(*phases: dict[str, Any], **further: Any) -> Definition:
    return Definition.model_validate({"name": "release", "phases": list(phases), **further}, strict=False)


def branch(key: str, *needs: str) -> dict[str, Any]:
    arms = [{"name": "small", "when": "inputs.size < 3"}]
    return {
        "kind": "branch",
        "key": key,
        "needs": [{"phase": one} for one in needs],
        "arms": arms,
        "default": "large",
    }


def test_the_digest_of_a_definition_is_the_same_for_ever() -> None:
    found = definition(work("plan"), work("test", "plan", effect="pure"))
    assert definition_digest(found) == "sha256:98f8efe9e5b52427960fec1309f378fc5c609f8f30f3a9ec2fb4d4882f1889db"
    assert definition_digest(Definition.model_validate_json(found.model_dump_json())) == definition_digest(found)


def test_what_is_said_by_default_changes_no_digest_and_what_differs_does() -> None:
    plain, said = definition(work("plan")), definition(work("plan", effect="effectful"), failure="fail_fast")
    assert definition_digest(plain) == definition_digest(said)
    assert definition_digest(plain) != definition_digest(definition(work("plan", effect="pure")))


def test_one_and_true_are_different_things_to_require() -> None:
    def required(value: object) -> str:
        spec = {"title": "x", "requires": [{"key": "gpu", "value": value}]}
        return definition_digest(definition({"kind": "work", "key": "a", "work": {"task": spec}}))

    assert required(True) != required(1)


def test_a_signal_and_an_artefact_of_one_name_are_different_facts() -> None:
    def awaited(kind: str) -> str:
        external = {"project": "shop", "what": {"kind": kind, "name": "ready"}}
        return definition_digest(definition({"kind": "external", "key": "a", "external": external}))

    assert awaited("signal") != awaited("artefact")


def test_where_a_phase_stands_is_no_part_of_what_it_does() -> None:
    one = definition(work("plan"), work("test"))
    other = definition(work("plan"), {**work("check", "plan", title="do test"), "title": "Tests", "optional": True})
    assert spec_digest(one.phases[1]) == spec_digest(other.phases[1])
    changed = definition(work("plan"), work("test", when="inputs.deep"))
    assert spec_digest(one.phases[1]) != spec_digest(changed.phases[1])


def test_phases_come_after_what_they_need_and_otherwise_as_they_are_written() -> None:
    graph = graph_of(definition(work("c", "a", "b"), work("b", "a"), work("a"), work("d")).phases)
    assert graph.order == ("a", "d", "b", "c")
    assert graph.roots == ("a", "d")
    assert graph.ancestors["c"] == {"a", "b"}
    assert graph.dependants["a"] == ("c", "b")


def test_phases_in_a_circle_or_behind_one_are_not_in_the_order() -> None:
    graph = graph_of(definition(work("a"), work("b", "a", "c"), work("c", "b"), work("d", "c")).phases)
    assert graph.order == ("a",)


def test_the_phases_of_a_loop_are_a_scope_of_their_own_and_told_with_the_others() -> None:
    loop = {
        "kind": "repeat",
        "key": "loop",
        "until": "true",
        "max_iterations": 3,
        "phases": [work("x"), work("y", "x")],
    }
    found = definition(work("a"), loop, work("b", "loop"))
    assert [phase.key for phase in every_phase(found)] == ["a", "loop", "x", "y", "b"]
    assert graph_of(found.phases).order == ("a", "loop", "b")


def test_the_arms_of_a_branch_lead_to_what_runs_only_behind_them() -> None:
    chosen = {"phase": "size", "arm": "small"}
    found = definition(
        branch("size"), work("quick", chosen), work("more", "quick"), work("end", "size", "more"), work("both", "size")
    )
    graph = graph_of(found.phases)
    assert arms_of(found.phases[0]) == ("small", "large")
    assert behind_arm(graph, "size", "small") == ("quick", "more")


def test_who_falls_back_and_a_gate_with_a_way_for_expiry_have_arms() -> None:
    gate = {"gate_class": "merge", "question": "?", "on_expiry": "arm", "deadline_seconds": 60}
    found = definition(work("a", on_exhausted="fallback"), work("b"), {"kind": "gate", "key": "g", "gate": gate})
    assert [arms_of(phase) for phase in found.phases] == [("fallback",), (), ("approved", "expired")]


def test_holes_are_filled_with_text_as_it_is_and_with_anything_else_as_json() -> None:
    text = "deploy ${what} to ${where}: ${flags} ${gone}$5 ${"
    assert names_in(text) == {"what", "where", "flags", "gone"}
    assert filled(text, {"what": "a b", "where": 3, "flags": [True, None]}) == "deploy a b to 3: [true,null] $5 ${"
