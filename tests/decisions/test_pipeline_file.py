"""Pipeline files: what they say, where mistakes stand, how they are drawn and compared; the examples are sound."""

import json
from pathlib import Path

import pytest

from api.pipeline.differences import differences_of
from api.pipeline.forms import pipeline_schema
from api.pipeline.graph_words import graph_lines
from api.pipeline.layout import Drawing, drawing_of
from api.pipeline.lint import lint
from api.pipeline.read import PipelineFault, PipelineFile, read_pipeline, read_pipeline_bytes
from api.pipeline.svg import svg_of
from domain.kernel.pipeline.definition import BranchPhase, Definition, GatePhase, MapPhase, RepeatPhase, WorkPhase
from domain.kernel.pipeline.digest import definition_digest
from domain.kernel.pipeline.flow import Edge, Timer
from infrastructure.expressions.conditions import CelExpressions
from tests.house.sources import ROOT

EXAMPLES = sorted((ROOT / "examples" / "pipelines").rglob("*.yaml"))
EXPRESSIONS = CelExpressions()


def read(text: str, source: str = "p.yaml") -> PipelineFile:
    found = read_pipeline(text, source)
    assert isinstance(found, PipelineFile), found
    return found


def faults(text: str, source: str = "p.yaml") -> tuple[PipelineFault, ...]:
    found = read_pipeline(text, source)
    assert isinstance(found, tuple), found
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_is_sound_and_gives_rise_to_no_warning(path: Path) -> None:
    found = read_pipeline_bytes(path.read_bytes(), path.name)
    assert isinstance(found, PipelineFile), found
    assert lint(found, EXPRESSIONS).everything == ()


def test_the_examples_are_those_that_are_asked_for() -> None:
    kinds = {path.stem: read(path.read_text()).definition for path in EXAMPLES}
    assert len(kinds["twenty-phases"].phases) == 20
    assert any(isinstance(phase, RepeatPhase) for phase in kinds["review-and-fix"].phases)
    assert sum(isinstance(phase, MapPhase) for phase in kinds["each-module"].phases) == 2
    assert {phase.kind for phase in kinds["release"].phases} == {"external", "pipeline", "gate", "work"}
    assert kinds["ship-and-watch"].on_failure == "compensate"
    assert any(isinstance(phase, BranchPhase) for phase in kinds["merge-with-repair"].phases)


SHORT = """
pipeline: release
inputs:
  size: {type: integer, default: 3}
phases:
  plan:
    work:
      title: Plan ${size}
      inputs: {size: inputs.size, deep: true, word: "'x'"}
      outputs: {files: list, ok: {type: boolean, required: false}}
      effect: pure
      timeout: 20m
      retry: {max_attempts: 5, max_lost: 7}
      requires: {cores: ">=4"}
      scope: ["path:repo//${size}/**", {claim: "env:x", mode: shared}]
      budget: {wall_time: 1h}
  way:
    needs: [plan]
    branch: {arms: {small: inputs.size < 3}, default: large}
  ask:
    needs: [way.small, {phase: plan, accept: [succeeded, failed]}]
    join: {at_least: 1, losers: cancel}
    gate: {class: merge, question: Go?, deadline: 2d, reminders: [1h]}
  rest: {needs: [ask], wait: {time: 90s}}
"""


def test_a_file_says_the_same_as_the_definition_in_a_shorter_notation() -> None:
    definition = read(SHORT).definition
    plan, way, ask, rest = definition.phases
    assert isinstance(plan, WorkPhase)
    assert [(one.name, one.value) for one in plan.work.inputs] == [
        ("size", "inputs.size"),
        ("deep", "true"),
        ("word", "'x'"),
    ]
    assert [(one.name, one.type, one.required) for one in plan.work.outputs] == [
        ("files", "list", True),
        ("ok", "boolean", False),
    ]
    task = plan.work.task
    assert (task.timeout_seconds, task.retry.max_attempts, task.max_lost, task.budget.wall_seconds) == (
        1_200,
        5,
        7,
        3_600,
    )
    assert [(one.claim, one.mode) for one in task.scope] == [
        ("path:repo//${size}/**", "exclusive"),
        ("env:x", "shared"),
    ]
    assert [(one.key, one.operator, one.value) for one in task.requires] == [("cores", ">=", 4)]
    assert isinstance(way, BranchPhase)
    assert isinstance(ask, GatePhase)
    assert ask.needs == (Edge(phase="way", arm="small"), Edge(phase="plan", accept=("succeeded", "failed")))
    assert (ask.join.rule, ask.join.at_least, ask.join.losers) == ("at_least", 1, "cancel")
    assert (ask.gate.deadline_seconds, ask.gate.reminders_seconds) == (172_800, (3_600,))
    assert rest.kind == "wait"
    assert rest.wait == Timer(seconds=90)


def test_json_says_the_same_as_yaml() -> None:
    content = {"pipeline": "r", "phases": {"a": {"work": {"title": "x", "effect": "pure"}}}}
    yaml = "pipeline: r\nphases:\n  a: {work: {title: x, effect: pure}}\n"
    one, other = read(json.dumps(content), "p.json").definition, read(yaml).definition
    assert definition_digest(one) == definition_digest(other)


@pytest.mark.parametrize(
    ("text", "line", "code", "phase", "part"),
    [
        ("pipeline: r\nphase:\n  a: {}\n", 2, "unknown_field", "", "Did you mean `phases`?"),
        ("pipeline: r\nphases:\n  a:\n    work:\n      titel: x\n", 5, "unknown_field", "a", "Did you mean `title`?"),
        ("pipeline: r\nphases:\n  a:\n    gate:\n      class: huge\n      question: x\n", 5, "bad_value", "a", "these"),
        ("pipeline: r\nphases:\n  a:\n    nead: [b]\n", 4, "unknown_field", "a", "`needs`"),
        ("pipeline: r\nphases:\n  a:\n    wait: {}\n", 4, "bad_value", "a", "time, until, signal"),
        ("pipeline: r\nphases:\n  a:\n    map:\n      over: x\n", 4, "bad_value", "a", "work, pipeline"),
        (
            "pipeline: r\nphases:\n  a:\n    wait: {time: 1s}\n    gate: {class: merge, question: x}\n",
            3,
            "bad_value",
            "a",
            "Make a phase of each",
        ),
        ("pipeline: r\nphases:\n  a:\n    on_exhausted: park\n", 3, "bad_value", "a", "inside of `work`"),
        ("pipeline: r\nphases:\n  a:\n    point_of_no_return: true\n", 3, "bad_value", "a", "of work"),
        ("pipeline: r\nphases:\n  A-b: {}\n", 3, "bad_value", "A-b", "a-z"),
        ("pipeline: r\nphases: {}\n", 2, "out_of_bounds", "", "bound"),
        ("pipeline: r\nphases:\n  a: {work: {title: x, timeout: soon}}\n", 3, "bad_value", "a", "90s"),
        ("pipeline: r\nphases:\n  a: {}\n  a: {}\n", 4, "duplicate_field", "", "Remove"),
        ("", 1, "empty", "", "phases"),
        (
            "pipeline: r\nphases:\n  a:\n    repeat: {until: x, max_iterations: 2, phases: {b: {nead: 1}}}\n",
            4,
            "unknown_field",
            "a",
            "needs",
        ),
    ],
)
def test_a_mistake_of_form_is_told_with_its_line(text: str, line: int, code: str, phase: str, part: str) -> None:
    told = faults(text)
    (one,) = [one for one in told if (one.line, one.code, one.phase) == (line, code, phase)] or [told[0]]
    assert (one.line, one.code, one.phase) == (line, code, phase)
    assert part in one.advice, one


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("inputs.size < 3", "inputs.sice < 3", 18),
        ("title: Plan ${size}", "title: Plan ${sice}", 7),
        ("size: inputs.size,", "size: inputs.sice,", 8),
        ("way.small", "way.smal", 20),
        ('{claim: "env:x", mode: shared}', '{claim: "path:", mode: shared}', 14),
        ("default: 3", "default: x", 3),
        ("deadline: 2d, reminders: [1h]", "deadline: 1h, reminders: [2h]", 22),
        ('cores: ">=4"', "cores: {in: [1]}, x: {'<': 3, '>': 5}", 0),
    ],
)
def test_what_is_found_in_the_definition_is_told_at_the_line_of_the_file(before: str, after: str, line: int) -> None:
    assert before in SHORT
    found = lint(read(SHORT.strip().replace(before, after)), EXPRESSIONS)
    assert [one.line for one in found.faults] == ([line] if line else []), found.faults


def test_work_that_may_run_side_by_side_on_one_scope_is_warned_of_unless_only_one_ever_runs() -> None:
    scope = 'scope: ["path:repo//src/**"], effect: pure'
    side = f"pipeline: r\nphases:\n  a: {{work: {{title: x, {scope}}}}}\n  b: {{work: {{title: x, {scope}}}}}\n"
    told = lint(read(side), EXPRESSIONS).warnings
    assert [(one.code, one.line, one.phase) for one in told] == [("overlapping_scopes", 4, "b")]
    assert "come after a" in told[0].advice
    arms = (
        "pipeline: r\nphases:\n  w: {branch: {arms: {x: 'true'}, default: y}}\n"
        f"  a: {{needs: [w.x], work: {{title: x, {scope}}}}}\n  b: {{needs: [w.y], work: {{title: x, {scope}}}}}\n"
    )
    assert lint(read(arms), EXPRESSIONS).everything == ()


def test_the_phases_are_told_in_an_order_in_which_they_could_begin() -> None:
    lines = graph_lines(read(SHORT).definition)
    assert [line.split()[0] for line in lines] == ["plan", "way", "ask", "rest"]
    assert lines[2].endswith("after way.small, plan (succeeded/failed); join at least 1")
    loop = read((ROOT / "examples" / "pipelines" / "review-and-fix.yaml").read_text()).definition
    assert [line.split()[0] for line in graph_lines(loop)] == ["write", "polish", "review", "fix", "merge"]


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_in_a_drawing_nothing_covers_anything_and_every_line_leads_down(path: Path) -> None:
    definition = read(path.read_text()).definition
    drawing = drawing_of(definition.phases)
    whole(drawing)
    assert svg_of(definition) == svg_of(Definition.model_validate_json(definition.model_dump_json()))
    assert svg_of(definition).count("<path d=") == 1 + sum(1 for line in every_line(drawing))


def whole(drawing: Drawing) -> None:
    boxes = list(drawing.boxes.values())
    for index, box in enumerate(boxes):
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
        for other in boxes[:index]:
            apart = (
                box.x + box.width <= other.x
                or other.x + other.width <= box.x
                or box.y + box.height <= other.y
                or other.y + other.height <= box.y
            )
            assert apart, (box.phase.key, other.phase.key)
        if box.inside is not None:
            whole(box.inside)
    for line in drawing.lines:
        heights = [y for _, y in line.points]
        assert heights == sorted(heights)


def every_line(drawing: Drawing) -> list[object]:
    inner = [line for box in drawing.boxes.values() if box.inside is not None for line in every_line(box.inside)]
    return [*drawing.lines, *inner]


def test_two_definitions_differ_phase_by_phase_in_what_is_done_or_where_it_stands() -> None:
    before = read(SHORT).definition
    text = SHORT.replace("title: Plan ${size}", "title: Scheme ${size}").replace(
        "{needs: [ask],", "{needs: [ask, plan],"
    )
    after = read(text + "  more: {needs: [rest], wait: {time: 1s}}\n").definition
    found = differences_of(before, after)
    assert (found.added, found.removed, found.unchanged) == (("more",), (), ("way", "ask"))
    assert [(one.key, one.does_other) for one in found.changed] == [("plan", True), ("rest", False)]
    assert [one.field for one in found.changed[0].fields] == ["work.task.title"]
    assert differences_of(before, before).nothing
    renamed = differences_of(before, before.model_copy(update={"name": "other"}))
    assert [(one.field, one.before, one.after) for one in renamed.whole] == [("name", "release", "other")]


def test_the_schema_tells_editors_every_field() -> None:
    schema = json.dumps(pipeline_schema())
    for field in ("point_of_no_return", "max_iterations", "correlation_key", "on_expiry", "https://json-schema.org"):
        assert field in schema
