"""examples/lockfile-to-plan on real, circular and hostile lock files."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from api.plan.analysis import analyse
from api.plan.read import Plan, read_plan_bytes

ROOT = Path(__file__).parents[2]

CIRCULAR = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "app", "dependencies": {"@x/a": "1"}},
        "node_modules/@x/a": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "node_modules/b": {"version": "1.0.0", "dependencies": {"c": "^2", "missing-optional": "1"}},
        "node_modules/b/node_modules/c": {"version": "2.0.0", "dependencies": {"@x/a": "1"}},
        "node_modules/c": {"version": "1.0.0"},
        "node_modules/linked": {"link": True, "resolved": "packages/linked"},
        "packages/linked": {"name": "linked", "version": "0.1.0", "dependencies": {"c": "1"}},
    },
}
VERSION_ONE = {
    "lockfileVersion": 1,
    "dependencies": {
        "a": {"version": "1.0.0", "requires": {"b": "2"}, "dependencies": {"b": {"version": "2.0.0"}}},
        "b": {"version": "1.0.0", "requires": {"a": "1"}},
    },
}


def convert(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "examples" / "lockfile-to-plan")
    return subprocess.run([sys.executable, script, str(file), *options], capture_output=True, text=True, timeout=60)


def planned(text: str, source: str = "plan.yaml") -> Plan:
    plan = read_plan_bytes(text.encode(), source)
    assert isinstance(plan, Plan), plan
    return plan


def needs_of(plan: Plan) -> dict[str, list[str]]:
    return {task.key: [need.task for need in task.needs] for task in plan.command.tasks}


def test_the_projects_own_lock_file_becomes_a_sound_plan(tmp_path: Path) -> None:
    output = tmp_path / "plan.yaml"
    done = convert(ROOT / "uv.lock", "-o", str(output), "--project", "self")
    assert done.returncode == 0, done.stderr
    plan = planned(output.read_text())
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    assert len(plan.command.tasks) == len(lock["package"]) >= 80
    analysis = analyse(plan.command.tasks)
    assert f"{analysis.tasks} tasks, {analysis.needs} needs, " in done.stderr
    assert f"critical path: {len(analysis.critical_path)} tasks" in done.stderr
    assert all(task.run is None for task in plan.command.tasks)
    named = {package["name"]: package for package in lock["package"]}
    for key, needs in needs_of(plan).items():
        wanted = {entry["name"] for entry in named[key.rpartition("@")[0]].get("dependencies", [])}
        assert wanted <= {need.rpartition("@")[0] for need in needs}


def test_circles_are_named_and_cut_always_at_the_same_edge(tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps(CIRCULAR))
    first, second = convert(lock, "--run", "make"), convert(lock, "--run", "make")
    assert first.stdout == second.stdout
    assert first.stderr == second.stderr
    assert "circle: b@1.0.0 -> c@2.0.0 -> x/a@1.0.0 -> b@1.0.0; cut: x/a@1.0.0 no longer needs b@1.0.0" in first.stderr
    plan = planned(first.stdout)
    assert needs_of(plan) == {
        "b@1.0.0": ["c@2.0.0"],
        "c@1.0.0": [],
        "c@2.0.0": ["x/a@1.0.0"],
        "linked@0.1.0": ["c@1.0.0"],
        "x/a@1.0.0": [],
    }
    assert {task.run for task in plan.command.tasks} == {"make"}
    assert planned(first.stdout, "plan.json").command == plan.command


def test_version_one_finds_the_nearest_copy(tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps(VERSION_ONE))
    assert needs_of(planned(convert(lock).stdout)) == {"a@1.0.0": ["b@2.0.0"], "b@1.0.0": ["a@1.0.0"], "b@2.0.0": []}


def test_a_uv_dependency_names_its_version_where_there_are_several(tmp_path: Path) -> None:
    lock = tmp_path / "uv.lock"
    lock.write_text(
        '[[package]]\nname = "a"\nversion = "1"\ndependencies = [{name = "b", version = "2"}]\n'
        '[package.dev-dependencies]\ndev = [{name = "c"}]\n'
        '[[package]]\nname = "b"\nversion = "1"\n[[package]]\nname = "b"\nversion = "2"\n[[package]]\nname = "c"\n'
    )
    assert needs_of(planned(convert(lock).stdout)) == {"a@1": ["b@2", "c@0"], "b@1": [], "b@2": [], "c@0": []}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", "this is = = no toml"),
        ("uv.lock", ""),
        ("uv.lock", 'package = "text"'),
        ("uv.lock", "[[package]]\nversion = 1"),
        ("uv.lock", '[[package]]\nname = "a"\ndependencies = [{name = "absent"}]'),
        ("uv.lock", '[[package]]\nname = "' + "a" * 300 + '"'),
        ("uv.lock", "a = " + "[" * 100_000),
        ("package-lock.json", "{"),
        ("package-lock.json", "[]"),
        ("package-lock.json", "[" * 100_000),
        ("package-lock.json", '{"packages": {"node_modules/a": 3}}'),
        ("package-lock.json", '{"packages": {"node_modules/@": {}}}'),
        ("package-lock.json", '{"dependencies": {"a": []}}'),
        ("package-lock.json", json.dumps({"packages": {f"node_modules/p{i}": {} for i in range(2_001)}})),
    ],
)
def test_a_hostile_lock_file_is_refused_in_one_line(tmp_path: Path, name: str, text: str) -> None:
    lock = tmp_path / name
    lock.write_text(text)
    done = convert(lock)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("lockfile-to-plan: ")
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert convert(tmp_path / "uv.lock").returncode == 1
