"""Plan files: what is read, what each fault says and where, and that nothing but faults ever comes of any text."""

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.plan.faults import FAULTS_MAX, FaultCode, PlanFault
from api.plan.model import PlanForm, ScopeEntry, TaskEntry, plan_schema
from api.plan.notation import notation_of
from api.plan.read import Plan, read_plan, read_plan_bytes
from api.plan.text import BYTES_MAX
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import Budget, Escalation
from domain.task.commands import Need

EXAMPLE = """\
project: shop
defaults: {retry: {max_attempts: 5}, timeout: 20m, run: make all, requires: {lang: python, os: linux}}
tasks:
  - key: schema
    title: Design the schema
    scope: ["path:repo//db/**"]
  - key: api
    title: Write the API
    body: |
      What to do, in markdown.
    kind: code
    priority: 10
    needs: [schema, {task: shop/old/auth, accept: [completed, failed]}]
    scope: ["path:repo//src/api/**", {claim: "path:repo//docs", mode: shared}]
    requires: {lang: go, context_tokens: ">=100000"}
    retry: {on_exhausted: park}
    timeout: null
    run: make api            # optional
"""


def plan_of(text: str, source: str = "plan.yaml") -> Plan:
    plan = read_plan(text, source)
    assert isinstance(plan, Plan), plan
    return plan


def faults_of(text: str, source: str = "plan.yaml") -> tuple[PlanFault, ...]:
    faults = read_plan(text, source)
    assert isinstance(faults, tuple)
    return faults


def only_fault(text: str, source: str = "plan.yaml") -> PlanFault:
    faults = faults_of(text, source)
    assert len(faults) == 1, faults
    return faults[0]


def with_field(field: str) -> str:
    """A plan whose only task carries one more field, in line 5."""
    return f"project: shop\ntasks:\n  - key: a\n    title: t\n    {field}\n"


def test_a_plan_is_read_with_its_defaults() -> None:
    schema, api = plan_of(EXAMPLE).command.tasks
    assert schema.timeout_seconds == 1200
    assert schema.run == "make all"
    assert schema.retry.max_attempts == api.retry.max_attempts == 5
    assert (schema.retry.on_exhausted, api.retry.on_exhausted) == ("fail", "park")
    assert api.timeout_seconds is None
    assert api.needs == (Need(task="schema"), Need(task="old/auth", accept=("completed", "failed")))
    assert api.scope[1] == ScopeClaim(claim="path:repo//docs", mode="shared")
    assert api.requires == (
        Requirement(key="os", value="linux"),
        Requirement(key="lang", value="go"),
        Requirement(key="context_tokens", operator=">=", value=100_000),
    )
    assert api.body == "What to do, in markdown.\n"


def test_units_of_a_pool_are_counted_beside_the_claim_or_in_it() -> None:
    head = "project: p\ntasks: [{key: a, title: A, scope: "
    counted = head + "[{claim: 'pool:gpu;label=big', quantity: 2}, 'pool:cpu']}]"
    said = head + "['pool:gpu;label=big;quantity=2', {claim: 'pool:cpu', quantity: 1}]}]"
    assert plan_of(counted).command == plan_of(said).command


def test_json_with_escaped_pairs_reads_like_yaml() -> None:
    document = {"project": "shop", "tasks": [{"key": "a", "title": "\U0001f600", "requires": {"n": [1, 2.5, True]}}]}
    as_json = plan_of(json.dumps(document), "plan.JSON")
    assert as_json.command == plan_of(json.dumps(document, ensure_ascii=False)).command
    assert as_json.command.tasks[0].title == "\U0001f600"


def test_every_field_leads_to_its_line() -> None:
    lines = plan_of(EXAMPLE).lines
    assert lines.of("api").line == 7
    assert lines.of("api", "requires.lang").line == 15
    assert lines.of("api", "needs", "old/auth") == (13, 21)
    assert lines.of("schema", "timeout_seconds").line == 2
    assert lines.of("schema", "body").line == 4
    assert lines.of("absent", "timeout") == (1, 1)


@pytest.mark.parametrize(
    ("written", "operator", "value"),
    [
        ("python", "=", "python"),
        ("'5'", "=", "5"),
        ("5", "=", 5),
        ("true", "=", True),
        ("no", "=", "no"),
        ("'=5'", "=", 5),
        ("'!= go'", "!=", "go"),
        ("'<2.5'", "<", 2.5),
        ("'<=3'", "<=", 3),
        ("'> 1e3'", ">", 1000.0),
        ("[a, 1]", "in", ("a", 1)),
        ("{in: [a]}", "in", ("a",)),
        ("{contains: git}", "contains", "git"),
        ("{contains: [git, jq]}", "contains", ("git", "jq")),
        ("{exists: false}", "exists", False),
        ("{'=': '>x'}", "=", ">x"),
    ],
)
def test_requirements_have_a_short_notation(written: str, operator: str, value: object) -> None:
    (requirement,) = plan_of(with_field(f"requires: {{x: {written}}}")).command.tasks[0].requires
    assert (requirement.operator, requirement.value) == (operator, value)
    assert type(requirement.value) is type(value)


def test_several_conditions_on_one_capability() -> None:
    found = plan_of(with_field("requires: {n: {'>=': 1, '<': 9}}")).command.tasks[0].requires
    assert [(one.operator, one.value) for one in found] == [(">=", 1), ("<", 9)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{'=': go, weight: 5}", [("=", "go", 5)]),
        ("{'>=': 8, '<': 9, weight: 1}", [(">=", 8, 1), ("<", 9, 1)]),
        ("[{'>=': 4}, {'>=': 32, weight: 5}, {'>=': 64, weight: 5}]", [(">=", 4, None), (">=", 32, 5), (">=", 64, 5)]),
        ("[{exists: true}, {contains: git, weight: 1000}]", [("exists", True, None), ("contains", "git", 1000)]),
    ],
)
def test_what_is_only_wished_for_has_a_weight(written: str, said: list[object]) -> None:
    found = plan_of(with_field(f"requires: {{n: {written}}}")).command.tasks[0].requires
    assert [(one.operator, one.value, one.weight) for one in found] == said
    assert plan_of(with_field(f"requires: {{n: {json.dumps(notation_of(found))}}}")).command.tasks[0].requires == found


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("2d", 172_800), ("1.5s", 1.5), ("45", 45)]
)
def test_durations(written: str, seconds: float) -> None:
    assert plan_of(with_field(f"timeout: {written}")).command.tasks[0].timeout_seconds == seconds


LAUGHS = "a: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"b{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)

TEXT_FAULTS: list[tuple[FaultCode, str, int, str]] = [
    ("bad_character", "project: a\0b", 1, "U+0000"),
    ("bad_character", "project: x\n\ud800", 2, "U+D800"),
    ("syntax", "project: [1\n", 2, "YAML"),
    ("syntax", "\tproject: x", 1, "YAML"),
    ("empty", "", 1, "nothing"),
    ("empty", "# only a remark\n", 1, "nothing"),
    ("several_documents", "project: a\n---\nproject: b\n", 2, "second document"),
    ("too_deep", "project:\n  " + "[" * 40, 2, "16 deep"),
    ("too_deep", "a: &a [[[[[[[[[1]]]]]]]]]\nb: [[[[[[[[*a]]]]]]]]", 2, "16 deep"),
    ("too_many_values", LAUGHS, 6, "500,000"),
    ("bad_number", with_field("priority: " + "9" * 50), 5, "too large"),
    ("bad_number", with_field("timeout: .Inf"), 5, "too large"),
    ("bad_alias", with_field("needs: *nowhere"), 5, "nowhere"),
    ("bad_alias", with_field("needs: &me [*me]"), 5, "me"),
    ("tag", with_field("body: !!python/object/apply:os.system [ls]"), 5, "python/object"),
    ("tag", with_field("body: !!binary aGk="), 5, "binary"),
    ("merge_key", with_field("<<: {kind: x}"), 5, "merge"),
    ("bad_field_name", with_field("? [a]\n    : b"), 5, "plain text"),
    ("duplicate_field", with_field("title: again"), 5, "line 4"),
    ("duplicate_field", with_field("requires: {a: 1, a: 2}"), 5, "line 5"),
]


@pytest.mark.parametrize(("code", "text", "line", "words"), TEXT_FAULTS)
def test_a_text_that_is_no_tree_is_refused_at_its_line(code: FaultCode, text: str, line: int, words: str) -> None:
    fault = only_fault(text)
    assert (fault.code, fault.line) == (code, line)
    assert words in fault.message
    assert fault.advice.endswith((".", "`."))
    assert fault.column is not None


FIELD_FAULTS: list[tuple[FaultCode, str, str, str]] = [
    ("unknown_field", "prority: 3", "prority", "`priority`"),
    ("unknown_field", "retry: {max_attempt: 3}", "retry.max_attempt", "`max_attempts`"),
    ("unknown_field", "timeout_seconds: 3", "timeout_seconds", "`timeout`"),
    ("unknown_field", "zzzzzz: 3", "zzzzzz", "Known here"),
    ("unknown_field", "needs: [{task: b, acept: [failed]}]", "needs.0.acept", "`accept`"),
    ("wrong_type", "body: 3", "body", "quotes"),
    ("wrong_type", "kind: true", "kind", "quotes"),
    ("wrong_type", "kind:", "kind", "leave the field out"),
    ("wrong_type", "priority: high", "priority", "a whole number"),
    ("wrong_type", "priority: 1.5", "priority", "a whole number"),
    ("wrong_type", "needs: b", "needs", "a list"),
    ("wrong_type", "needs: [3]", "needs.0", "a mapping"),
    ("wrong_type", "requires: [a]", "requires", "a mapping"),
    ("wrong_type", "retry: 3", "retry", "a mapping"),
    ("wrong_type", "timeout: [3]", "timeout", "a number"),
    ("out_of_bounds", "priority: 101", "priority", "bound"),
    ("out_of_bounds", f"body: {'x' * 65_537}", "body", "bound"),
    ("out_of_bounds", "kind: ''", "kind", "bound"),
    ("out_of_bounds", f"run: {'x' * 8_193}", "run", "bound"),
    ("out_of_bounds", "timeout: 8d", "timeout", "bound"),
    ("out_of_bounds", "timeout: 0", "timeout", "bound"),
    ("out_of_bounds", "retry: {max_attempts: 0}", "retry.max_attempts", "bound"),
    ("out_of_bounds", f"scope: [{', '.join(['path:r//a'] * 65)}]", "scope", "bound"),
    ("out_of_bounds", f"requires: {{{', '.join(f'k{i}: 1' for i in range(65))}}}", "requires", "bound"),
    ("out_of_bounds", "requires: {'': 1}", "requires.", "bound"),
    ("bad_value", "needs: [' b']", "needs.0.task", "letters"),
    ("bad_value", "needs: [{task: b, accept: [done]}]", "needs.0.accept.0", "Choose"),
    ("bad_value", "timeout: 20 minutes", "timeout", "1h30m"),
    ("bad_value", "timeout: 30m1h", "timeout", "1h30m"),
    ("bad_value", "requires: {x: '>=3.11.2'}", "requires.x", "number"),
    ("bad_value", "requires: {x: {'>=': true}}", "requires.x", "number"),
    ("bad_value", "requires: {x: {near: 1}}", "requires.x", "Use one of"),
    ("bad_value", "requires: {x: {in: 1}}", "requires.x", "{in: [a, b]}"),
    ("bad_value", "requires: {x: {exists: 1}}", "requires.x", "{exists: true}"),
    ("bad_value", "requires: {x: {}}", "requires.x", "operator"),
    ("bad_value", "requires: {x: {weight: 3}}", "requires.x", "operator"),
    ("bad_value", "requires: {x: {exists: true, weight: 0}}", "requires.x", "1 to 1000"),
    ("bad_value", "requires: {x: [{exists: true}, 1]}", "requires.x", "one value"),
    ("bad_value", "requires: {x: []}", "requires.x", "1 to 100"),
    ("bad_value", "requires: {x: }", "requires.x", "one value"),
    ("bad_value", f"requires: {{x: '>{'9' * 50}'}}", "requires.x", "finite"),
    ("bad_value", f"requires: {{x: {'y' * 1_001}}}", "requires.x", "Shorten"),
    ("bad_value", "deadline: tomorrow", "deadline", "time zone"),
    ("bad_scope", "scope: [src]", "scope.0.claim", "kind:scope//pattern"),
    ("bad_scope", "scope: ['path:r//../x']", "scope.0.claim", "kind:scope//pattern"),
    ("bad_scope", "scope: [{claim: 'path:r///x'}]", "scope.0.claim", "kind:scope//pattern"),
    ("bad_value", "scope: [{claim: 'path:r//a', quantity: 2}]", "scope.0.quantity", "pool:NAME"),
    ("bad_value", "scope: [{claim: 'pool:gpu;member=m1', quantity: 2}]", "scope.0.quantity", "members"),
    ("bad_value", "scope: [{claim: 'pool:gpu;quantity=3', quantity: 2}]", "scope.0.quantity", "once"),
    ("out_of_bounds", "scope: [{claim: 'pool:gpu', quantity: 257}]", "scope.0.quantity", "bound"),
    ("wrong_type", "budget: {tokens: many}", "budget.tokens", "a whole number"),
    ("wrong_type", "evidence: commit", "evidence", "a list"),
    ("bad_value", "not_before: 2031-05-04T12:00:00", "not_before", "time zone"),
    ("bad_value", "on_need_failed: shrug", "on_need_failed", "Choose"),
    ("bad_value", "evidence: [praise]", "evidence.0", "Choose"),
    ("bad_value", "avoid: [moon]", "avoid.0", "Choose"),
    ("bad_value", "deadline: 1931-05-04T12:00:00Z", "deadline", "time zone"),
    ("bad_value", "scope: [{claim: 'path:r//a', mode: greedy}]", "scope.0.mode", "Choose"),
    ("missing_field", "escalate: [{requires: {tier: '>2'}}]", "escalate.0.after", "after"),
    ("out_of_bounds", "escalate: [{after: 1, requires: {}}]", "escalate.0.requires", "bound"),
    ("out_of_bounds", "budget: {tokens: 0}", "budget.tokens", "bound"),
    ("out_of_bounds", "budget: {wall_time: 31d}", "budget.wall_time", "bound"),
    ("out_of_bounds", "concurrency_limit: 0", "concurrency_limit", "bound"),
    ("cycle", "parent: a", "parent", "its parts"),
    ("duplicate_need", "needs: [b, b]", "needs", "once"),
    ("duplicate_need", "needs: [b, shop/b]", "needs", "once"),
    ("cycle", "needs: [a]", "needs", "Remove one"),
]


@pytest.mark.parametrize(("code", "written", "field", "advice"), FIELD_FAULTS)
def test_a_wrong_field_is_refused_with_its_name_and_advice(
    code: FaultCode, written: str, field: str, advice: str
) -> None:
    fault = only_fault(with_field(written))
    assert (fault.code, fault.task, fault.field, fault.line) == (code, "a", field, 5)
    assert fault.column is not None
    assert advice in fault.advice
    assert str(fault).startswith(f"plan.yaml:5:{fault.column}: task a: {field}: ")


PLAN_FAULTS: list[tuple[FaultCode, str, str | None]] = [
    ("missing_field", "tasks: [{key: a, title: t}]", "project"),
    ("missing_field", "project: x", "tasks"),
    ("missing_field", "{project: x, tasks: [{key: a}]}", "title"),
    ("wrong_type", "just words", None),
    ("wrong_type", "- list", None),
    ("wrong_type", "{project: x, tasks: {a: b}}", "tasks"),
    ("wrong_type", "{project: x, tasks: [a]}", None),
    ("out_of_bounds", "{project: x, tasks: []}", "tasks"),
    ("bad_value", "{project: Not A Slug, tasks: [{key: a, title: t}]}", "project"),
    ("bad_value", "{project: x, tasks: [{key: /a, title: t}]}", "key"),
    ("unknown_field", "{project: x, task: 1, tasks: [{key: a, title: t}]}", "task"),
    ("unknown_field", "{project: x, defaults: {title: u}, tasks: [{key: a, title: t}]}", "defaults.title"),
    ("duplicate_task", "{project: x, tasks: [{key: a, title: t}, {key: a, title: t}]}", "key"),
]


@pytest.mark.parametrize(("code", "text", "field"), PLAN_FAULTS)
def test_a_wrong_plan_is_refused(code: FaultCode, text: str, field: str | None) -> None:
    fault = only_fault(text)
    assert (fault.code, fault.field) == (code, field)


def test_a_circle_is_named_whole_and_told_where_it_closes() -> None:
    tasks = "".join(f"  - {{key: {k}, title: t, needs: [{n}]}}\n" for k, n in ("ab", "bc", "ca", "da"))
    fault = only_fault(f"project: x\ntasks:\n{tasks}")
    assert fault.code == "cycle"
    assert "a needs b needs c needs a" in fault.message
    assert (fault.task, fault.line) == ("c", 5)


def test_a_need_that_nobody_has_is_told_with_the_nearest_key() -> None:
    plan = plan_of(
        "{project: x, tasks: [{key: schema, title: t, needs: [old]}, {key: api, title: t, needs: [schemas]}]}"
    )
    assert [fault.task for fault in plan.unknown_needs(())] == ["schema", "api"]
    (fault,) = plan.unknown_needs({"old"})
    assert (fault.code, fault.task, fault.advice) == ("unknown_need", "api", "Did you mean schema?")


def test_what_a_task_says_beside_its_content_becomes_part_of_the_command() -> None:
    plan = plan_of("""
project: shop
defaults: {labels: [v2], budget: {tokens: 500, wall_time: 1h}, evidence: [commit]}
tasks:
  - {key: epic, title: Epic}
  - key: a
    title: A
    parent: epic
    labels: [api, v2]
    evidence: [test_report, review]
    budget: {tokens: null, cost_microdollars: 9}
    on_need_failed: proceed
    not_before: 2031-05-04T12:00:00+02:00
    deadline: 2031-05-04T12:00:00Z
    concurrency_key: staging
    concurrency_limit: 2
    idempotency_key: issue-17
    escalate: [{after: 2, requires: {tier: ">=3"}}]
    avoid: [session, model]
    retry: {on_exhausted: cancel, max_lost: 5}
    needs: [platform/auth/login, {task: shop/old/auth, accept: [failed]}]
    scope: ["env:staging", {claim: "path:repo//docs/**", mode: intent}]
""")
    epic, task = plan.command.tasks
    assert (epic.labels, epic.evidence, epic.budget) == (("v2",), ("commit",), Budget(tokens=500, wall_seconds=3600.0))
    assert task.labels == ("v2", "api")
    assert task.evidence == ("test_report", "review")
    assert task.budget == Budget(cost_microdollars=9, wall_seconds=3600.0)
    assert (task.parent, task.on_need_failed, task.idempotency_key) == ("epic", "proceed", "issue-17")
    assert (task.concurrency_key, task.concurrency_limit) == ("staging", 2)
    assert task.deadline == 1_935_662_400_000_000
    assert task.not_before == task.deadline - 2 * 3_600_000_000
    assert task.escalate == (Escalation(after=2, requires=(Requirement(key="tier", operator=">=", value=3),)),)
    assert task.avoid == ("session", "model")
    assert (task.retry.on_exhausted, task.retry.max_lost) == ("cancel", 5)
    assert [(need.project, need.task) for need in task.needs] == [("platform", "auth/login"), ("", "old/auth")]
    assert [(one.claim, one.mode) for one in task.scope] == [
        ("env:staging", "exclusive"),
        ("path:repo//docs/**", "intent"),
    ]


def test_a_part_that_needs_its_parent_is_a_circle() -> None:
    text = "{project: x, tasks: [{key: p, title: t}, {key: part, title: t, parent: p, needs: [p]}]}"
    assert only_fault(text).code == "cycle"


def test_a_key_with_a_slash_is_no_project() -> None:
    text = "{project: x, tasks: [{key: src/a, title: t}, {key: b, title: t, needs: [src/a, x/src/old, Up/down]}]}"
    assert [need.task for need in plan_of(text).command.tasks[1].needs] == ["src/a", "src/old", "Up/down"]


def test_too_many_requirements_after_merging_are_told() -> None:
    own = ", ".join(f"k{i}: 1" for i in range(64))
    fault = only_fault(
        f"project: x\ndefaults: {{requires: {{z: 1}}}}\ntasks: [{{key: a, title: t, requires: {{{own}}}}}]"
    )
    assert (fault.code, fault.task, fault.field, fault.line) == ("out_of_bounds", "a", "requires", 3)


def test_too_many_needs_are_told() -> None:
    keys = ", ".join(f"k{i}" for i in range(150))
    tasks = "".join(f"- {{key: t{i}, title: t, needs: [{keys}]}}\n" for i in range(150))
    assert only_fault(f"project: x\ntasks:\n{tasks}").code == "out_of_bounds"


def test_too_many_tasks_are_told() -> None:
    tasks = "".join(f"- {{key: t{i}, title: t}}\n" for i in range(2_001))
    assert only_fault(f"project: x\ntasks:\n{tasks}").code == "out_of_bounds"


def test_faults_are_counted_beyond_a_hundred_and_come_in_order() -> None:
    faults = faults_of("project: x\ntasks:\n" + "".join(f"- {{key: t{i}}}\n" for i in range(300)))
    assert len(faults) == FAULTS_MAX
    assert faults[-1].code == "more_faults"
    assert "201 more" in faults[-1].message
    assert [fault.line for fault in faults] == list(range(3, 3 + FAULTS_MAX))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('{"a": 1,}', 9),
        ("{'a': 1}", 2),
        ("[1 2]", 4),
        ("nul", 1),
        ("[01]", 3),
        ('"\\ud800"', 1),
        ('"a\tb"', 3),
        ("{} x", 4),
    ],
)
def test_json_is_read_strictly(text: str, column: int) -> None:
    fault = only_fault(text, "plan.json")
    assert (fault.code, fault.line, fault.column) == ("syntax", 1, column)


def test_json_has_the_same_guards() -> None:
    assert only_fault("[" * 100_000, "p.json").code == "too_deep"
    assert only_fault(" ", "p.json").code == "empty"
    assert only_fault('{\n"a": 1,\n"a": 2}', "p.json").line == 3
    assert only_fault("1e999", "p.json").code == "bad_number"
    assert only_fault(f"[{'1,' * 500_000}1]", "p.json").code == "too_many_values"


def test_bytes_must_be_utf_8() -> None:
    for data, place in ((b"project: x\nt: \xe4\xe4", (2, 4)), (EXAMPLE.encode("utf-16"), (1, 1))):
        faults = read_plan_bytes(data, "p")
        assert isinstance(faults, tuple)
        assert [(fault.code, fault.line, fault.column) for fault in faults] == [("bad_encoding", *place)]
    assert isinstance(read_plan_bytes(b"\xef\xbb\xbf" + EXAMPLE.encode(), "p"), Plan)


def test_a_file_over_eight_mebibytes_is_refused_unread() -> None:
    assert only_fault("#" * (BYTES_MAX + 1)).code == "too_large"
    assert only_fault("\u20ac" * (BYTES_MAX // 3 + 1)).code == "too_large"
    faults = read_plan_bytes(b"\xff" * (BYTES_MAX + 1), "p")
    assert isinstance(faults, tuple)
    assert faults[0].code == "too_large"


def test_every_class_of_fault_has_a_case_here() -> None:
    cases = {code for code, *_ in (*TEXT_FAULTS, *FIELD_FAULTS, *PLAN_FAULTS)}
    told_above = {"too_large", "bad_encoding", "unknown_need", "more_faults"}
    assert cases | told_above == set(get_args(FaultCode))


def test_the_schema_speaks_of_every_field_and_of_the_commands_bounds() -> None:
    definitions = plan_schema()["$defs"]
    assert isinstance(definitions, dict)
    task = definitions["TaskEntry"]["properties"]
    assert task["title"]["maxLength"] == 300
    assert task["priority"]["maximum"] == 100
    assert all("description" in field for field in task.values())
    assert task["concurrency_limit"]["minimum"] == 1


_pieces = st.sampled_from(
    [
        "project: x\n",
        "tasks:\n",
        "- key: a\n",
        "  title: t\n",
        "  needs: ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "a",
        ":",
        " ",
        "\n",
        "- ",
        "!!str ",
        "'",
        '"',
        "|",
        ">",
        "? ",
        "<<: ",
        "\0",
        "\t",
        "---\n",
        "%YAML 1.1\n",
        "1e9",
        "~",
        "#",
        "\ud800",
        "  scope: [",
        "path:r//[a-z]*",
        "  requires: {x: '>='}\n",
        "\ufeff",
        "\x85",
        "\u2028",
        "\r",
    ]
)


@settings(max_examples=300, deadline=None)
@example("---", "p.yaml")  # the parser places what is missing one line below the last one
@given(st.text() | st.lists(_pieces, max_size=30).map("".join), st.sampled_from(["p.yaml", "p.json"]))
def test_any_text_gives_a_plan_or_faults(text: str, source: str) -> None:
    found = read_plan(text, source)
    if isinstance(found, tuple):
        assert 1 <= len(found) <= FAULTS_MAX
        last = (
            text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 1
        )
        assert all(1 <= fault.line <= last for fault in found)
        assert all(str(fault).isprintable() for fault in found)


_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["a", "b", "20m"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["key", "title", "needs", "scope", "requires", "retry", "timeout", "task", "claim", "budget", ">="]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_trees, max_size=3), _trees)
def test_any_tree_gives_a_plan_or_faults(tasks: list[object], defaults: object) -> None:
    found = read_plan(json.dumps({"project": "x", "defaults": defaults, "tasks": tasks}), "p.json")
    assert isinstance(found, Plan) or len(found) >= 1


@settings(max_examples=100, deadline=None)
@given(st.binary())
def test_any_bytes_give_a_plan_or_faults(data: bytes) -> None:
    found = read_plan_bytes(data, "p.yaml")
    assert isinstance(found, Plan) or len(found) >= 1


def test_the_reference_page_names_every_field() -> None:
    page = (Path(__file__).parents[2] / "docs" / "plan.md").read_text(encoding="utf-8")
    fields = {name for form in (PlanForm, TaskEntry, ScopeEntry) for name in form.model_fields}
    assert not {name for name in fields - {"claim"} if f"`{name}" not in page and f"{name}:" not in page}
