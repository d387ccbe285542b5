"""The house style, where a program can check it (architecture.md, section 9)."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house.sources import AGGREGATES, LAYERS, PRODUCT, ROOT, modules, nodes, project_files, text, tree

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|managers?|base|misc)$")
LEFTOVERS = re.compile(r"type: *ignore|# *noqa|pyright: *(ignore|basic)|NotImplementedError|\b(TODO|FIXME|XXX)\b")
# Assembled here, so that this file does not hold what it forbids.
MACHINE_PATHS = re.compile("/(work|farm|root)" + "/|/tmp" + "/[a-z]|/opt" + "/(pypi|wheels)")
AGGREGATE_FILES = {"__init__", "commands", "events", "state", "states", "errors", "decider", "evolve", "upcasts"}
AGGREGATE_FILES |= {"sealed", "erasure"}
# A part with a subject of its own, which the others do not have, is named here.
ONLY_IN = {
    "principal": {"allow"},
    "session": {"liveness", "signals", "hierarchy"},
    "project": {"settings"},
    "node": {"health"},
    "pipeline": {"pins", "pin_events"},
    "run": {
        "account",
        "budget_commands",
        "budget_events",
        "budgets",
        "advance",
        "answers",
        "begin",
        "closing",
        "ending",
        "evolve_undo",
        "failures",
        "gate_events",
        "gates",
        "joins",
        "known",
        "rework",
        "waits",
        "loop_events",
        "child_events",
        "children",
        "evolve_children",
        "evolve_gates",
        "evolve_needs",
        "fork",
        "fork_events",
        "outline",
        "need_events",
        "needs",
        "loops",
        "map_events",
        "evolve_migrate",
        "migrate",
        "migrate_events",
        "maps",
        "tallies",
        "tally",
        "undo",
        "undo_events",
        "undo_order",
        "remark_commands",
        "remark_events",
        "evolve_remarks",
        "work_time",
        "kept_locks",
    },
    "task": {
        "awaited_events",
        "holder_commands",
        "holder_events",
        "aggregate",
        "attempt_end",
        "attention",
        "derived",
        "evidence",
        "evolve_attempt",
        "routing",
        "spending",
        "terms",
        "waiting",
    },
}


def test_files_stop_at_300_lines() -> None:
    lengths = {module: len(text(module).splitlines()) for module in modules(*PRODUCT)}
    assert not {module: length for module, length in lengths.items() if length > FILE_LINES_MAX}


def test_functions_stop_at_70_lines() -> None:
    long = [
        f"{module}:{node.lineno} {node.name}"
        for module in modules(*PRODUCT)
        for node in nodes(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert not long


def test_module_names_say_something() -> None:
    assert not [module for module in modules(*PRODUCT, "tests") if EMPTY_NAMES.search(module.stem)]


def test_a_module_opens_with_a_sentence() -> None:
    silent = []
    for module in modules(*PRODUCT, "tests"):
        opening = (ast.get_docstring(tree(module)) or "").split("\n\n")[0].strip()
        if not opening or opening[-1] not in ".:?!":
            silent.append(module)
    assert not silent


def test_product_code_silences_no_check_and_leaves_nothing_for_later() -> None:
    found = [
        f"{module}:{number}: {line.strip()}"
        for module in modules(*PRODUCT)
        for number, line in enumerate(text(module).splitlines(), start=1)
        if LEFTOVERS.search(line)
    ]
    assert not found


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    excuse = re.compile(r"pytest\." + r"(skip|xfail|importorskip)|mark\." + r"(skip|skipif|xfail)")
    assert not [module for module in modules("tests") if excuse.search(text(module))]


def test_who_knows_one_aggregate_knows_them_all() -> None:
    folders = [ROOT / "domain" / name for name in AGGREGATES if (ROOT / "domain" / name).is_dir()]
    for folder in folders:
        names = {path.stem for path in folder.glob("*.py")}
        assert {"__init__", "events"} <= names, folder.name
        # The lock service is an algorithm of several parts beside its decider.
        assert folder.name == "lock" or names <= AGGREGATE_FILES | ONLY_IN.get(folder.name, set()), folder.name


def test_every_folder_of_a_layer_is_a_package() -> None:
    folders = {module.parent for module in modules(*PRODUCT)}
    assert not [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()]


def test_no_path_of_a_machine_is_committed() -> None:
    found = []
    for path in project_files():
        if path.suffix == ".lock":
            continue
        content = (ROOT / path).read_bytes().decode(errors="ignore")
        found += [f"{path}: {match.group()}" for match in MACHINE_PATHS.finditer(content)]
    assert not found


def sql_files() -> list[Path]:
    return sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.sql"))


def test_sql_lives_with_the_infrastructure() -> None:
    assert all(path.is_relative_to(ROOT / "infrastructure") for path in sql_files())


def test_every_query_has_a_name() -> None:
    """A .sql file is a numbered migration, or opens with `-- name: …`; a name occurs once in its file."""
    for path in sql_files():
        if re.match(r"\d{3,}_", path.name):
            continue
        content = path.read_text(encoding="utf-8")
        names = re.findall(r"^-- name: *([a-z][a-z0-9_]*)", content, flags=re.MULTILINE)
        first = next((line for line in content.splitlines() if line.strip()), "")
        assert first.startswith("-- "), path
        assert names, path
        assert max(Counter(names).values()) == 1, path


@pytest.mark.parametrize("statement", ["SELECT", "INSERT INTO", "UPDATE", "DELETE FROM", "CREATE TABLE"])
def test_python_holds_no_sql(statement: str) -> None:
    pattern = re.compile(rf"\A\s*{statement}\s+[a-z_*(\"]")
    found = [
        f"{module}:{node.lineno}: {node.value.strip()[:60]}"
        for module in modules(*PRODUCT)
        for node in nodes(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.match(node.value)
    ]
    assert not found


def test_the_first_two_commands_of_the_readme_are_all_one_needs() -> None:
    block = re.search(r"```(?:sh|bash|console)\n(.*?)```", text(Path("README.md")), flags=re.DOTALL)
    assert block is not None
    commands = [line.partition("#")[0].removeprefix("$ ").strip() for line in block.group(1).splitlines()]
    assert [command for command in commands if command][:2] == ["make up", "make test"]


def test_binding_decisions_are_numbered_without_gaps() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(numbers) + 1))
    for path in decisions:
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}. "), path.name


def test_a_binding_decision_names_its_check() -> None:
    for path in sorted((ROOT / "docs" / "adr").glob("*.md")):
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name), path.name
        content = path.read_text(encoding="utf-8")
        for heading in ("Context", "Decision", "Consequences", "Alternatives"):
            assert f"## {heading}" in content, f"{path.name}: {heading}"
        checks = re.findall(r"`([^`\s]+)`", content.partition("Confirmed by")[2])
        assert checks, path.name
        assert all((ROOT / check.partition("::")[0]).exists() for check in checks), path.name
