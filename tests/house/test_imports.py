"""Who may import whom (architecture.md, section 2): the contracts of pyproject.toml hold, and can be broken."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.sources import PRODUCT, ROOT, modules, text

SURFACES = ("graphql", "http", "mcp", "console", "cli")
PLANTED = {
    "domain/kernel/planted.py": "import projections.kernel",
    "domain/project/planted.py": "import domain.task.events",
    "domain/task/planted.py": "import domain.policies",
    "projections/kernel/planted.py": "import time",
    "projections/planted.py": "import domain.task.commands",
    "api/http/planted.py": "import api.graphql",
    "api/graphql/planted.py": "import infrastructure.log",
    "infrastructure/planted.py": "import signalbox",
}


def lint_imports(folder: Path) -> tuple[int, str]:
    """Run import-linter over a tree; answers its exit code and what it printed."""
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=folder,
        env=os.environ | {"COLUMNS": "400", "PYTHONPATH": "", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def contract_names() -> set[str]:
    contracts = tomllib.loads(text(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    return {contract["name"] for contract in contracts}


def test_the_contracts_hold() -> None:
    code, output = lint_imports(ROOT)
    assert code == 0, output
    assert f"{len(contract_names())} kept, 0 broken" in output


def test_each_contract_can_be_broken(tmp_path: Path) -> None:
    for folder in PRODUCT:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, line in PLANTED.items():
        (tmp_path / path).write_text(line + "\n")
    code, output = lint_imports(tmp_path)
    assert code != 0
    assert set(re.findall(r"^(.+) BROKEN(?: \(.*\))?$", output, flags=re.MULTILINE)) == contract_names(), output


def test_projections_know_nothing_of_domain_but_events_and_kernel() -> None:
    """Closes what a list of forbidden names leaves open: an aggregate's further modules."""
    allowed = re.compile(r"domain\.(kernel(\.\w+)*|\w+\.(\w+_)?events)")
    found = [
        f"{module}: {name}"
        for module in modules("projections")
        for name in imported(module)
        if name.split(".")[0] == "domain" and not allowed.fullmatch(name)
    ]
    assert not found


def test_every_surface_of_api_is_under_contract() -> None:
    contracts = tomllib.loads(text(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    listed = next(set(contract["modules"]) for contract in contracts if contract["id"] == "surfaces")
    assert listed == {f"api.{name}" for name in SURFACES if (ROOT / "api" / name).is_dir()}


def imported(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(text(module))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            is_folder = (ROOT / node.module.replace(".", "/")).is_dir()
            names.update(f"{node.module}.{alias.name}" if is_folder else node.module for alias in node.names)
    return names
