"""The files the house rules speak about."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ("domain", "projections", "infrastructure", "api")
PRODUCT = (*LAYERS, "signalbox")
AGGREGATES = (
    "project",
    "task",
    "session",
    "lock",
    "pipeline",
    "run",
    "fact",
    "turn",
    "quota",
    "principal",
    "node",
    "note",
    "refusal",
    "proposal",
)


def modules(*folders: str) -> list[Path]:
    """Every Python module below these folders of the repository, relative to its root."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def text(module: Path) -> str:
    return (ROOT / module).read_text(encoding="utf-8")


@cache
def tree(module: Path) -> ast.Module:
    """A module as Python reads it."""
    return ast.parse(text(module))


@cache
def nodes(module: Path) -> tuple[ast.AST, ...]:
    """Everything in a module, at any depth."""
    return tuple(ast.walk(tree(module)))


def project_files() -> Iterator[Path]:
    """What is, or would be, committed; all files where the sources did not come from git."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    names = listing.stdout.decode().split("\0") if listing.returncode == 0 else _unversioned()
    return (Path(name) for name in sorted(set(names)) if name and (ROOT / name).is_file())


def _unversioned() -> list[str]:
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [str(path) for path in paths if not any(part == ".venv" or "cache" in part for part in path.parts)]
