"""The language of pipelines' conditions behind its port: what it speaks of, what it says, and what bounds it."""

import pytest

from domain.kernel.pipeline.expressions import Flaw, Reading, Told
from infrastructure.expressions.conditions import STEPS_MAX, CelExpressions

ROOTS = frozenset({"inputs", "phases", "item"})


def read(text: str) -> Flaw | Reading:
    return CelExpressions().read(text, ROOTS)


def tell(text: str, **values: object) -> Flaw | Told:
    return CelExpressions().tell(text, {"inputs": {}, "phases": {}, **values})


def test_a_text_tells_which_fields_it_takes_and_of_which_it_asks_whether_they_are_there() -> None:
    found = read('has(phases.test.output.failed) && inputs.deep ? phases.test.output.name.startsWith("x") : item.a > 1')
    assert found == Reading(
        fields=(("inputs", "deep"), ("phases", "test", "output", "name"), ("item", "a")),
        asked=(("phases", "test", "output", "failed"),),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inputs.size > 2 && inputs.name in ['a', 'b']", True),
        ("phases.find.output.files.filter(one, one.endsWith('.py'))", ["x.py"]),
        ("phases.find.output.files", ["x.py", "y"]),
        ("{'first': phases.find.output.files[0], 'of': size(phases.find.output.files)}", {"first": "x.py", "of": 2}),
        ("has(phases.gone) ? 'there' : 'gone'", "gone"),
        ("inputs.name + '-' + string(inputs.size)", "a-3"),
    ],
)
def test_it_says_what_json_can_hold(text: str, said: object) -> None:
    values = {"inputs": {"size": 3, "name": "a"}, "phases": {"find": {"output": {"files": ["x.py", "y"]}}}}
    assert tell(text, **values) == Told(said)


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("inputs.size >", "form", "no CEL"),
        ("", "form", "empty"),
        ("other.size", "form", "other is not known here"),
        ("now()", "form", "no function now"),
        ("timestamp('2020-01-01T00:00:00Z')", "form", "no function timestamp"),
        ("inputs.size == 1 &&" * 100 + "true", "form", "characters"),
        ("!" * 200 + "true", "form", "operators"),
        ("(" * 30 + "true" + ")" * 30, "form", "deep"),
        ("inputs.size + 'x'", "type", ""),
        ("inputs.gone > 3", "value", "there is no inputs.gone"),
        ("phases.test.output", "value", "there is no phases.test.output"),
        ("inputs.list[7]", "value", ""),
        ("1 / 0", "value", ""),
        ("1.0 / 0.0", "type", "JSON"),
        ("9223372036854775807 + inputs.size", "value", ""),
        ("string(inputs.list)", "value", "string() does not take a value of that type"),
        ("b'x'", "type", "bytes"),
    ],
)
def test_what_cannot_be_told_says_why(text: str, kind: str, part: str) -> None:
    found = tell(text, inputs={"size": 3, "list": [1]})
    assert isinstance(found, Flaw), found
    assert (found.kind, part in found.reason) == (kind, True), found.reason


def test_walks_through_long_lists_are_refused_before_they_are_taken() -> None:
    names = [f"name {number}" for number in range(2_000)]
    for text in (
        "inputs.names.filter(one, one != 'x')",
        "inputs.names.all(one, inputs.names.exists(other, other == one))",
    ):
        assert tell(text, inputs={"names": names}) == Flaw(
            "cost", f"it takes more than {STEPS_MAX:,} steps on values of this size"
        )
        assert isinstance(tell(text, inputs={"names": names[:50]}), Told)
    assert tell("inputs.names.exists(one, one == 'name 1999')", inputs={"names": names}) == Told(True)
    assert tell("inputs.names", inputs={"names": names}) == Told(names)


def test_the_same_text_under_other_roots_is_another_text() -> None:
    expressions = CelExpressions()
    assert isinstance(expressions.read("item", ROOTS), Reading)
    assert isinstance(expressions.read("item", frozenset({"inputs"})), Flaw)
