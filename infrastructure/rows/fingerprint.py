"""Tells whether the code that folds a projection is the code that began its rows."""

import ast
import hashlib
import inspect
from functools import lru_cache
from pathlib import Path
from typing import Final

from projections.catalogue import AnyProjection
from projections.kernel import projection as kernel_projection
from projections.kernel import rows as kernel_rows

_NOT_FOLDING: Final = frozenset({"__init__.py", "queries.py"})


def fingerprint(projection: AnyProjection) -> str:
    """A hash over the folding code, the upcasts and the shapes of the events; comments and docstrings do not count."""
    digest = hashlib.sha256(projection.table.encode())
    for file in _sources(projection):
        digest.update(_meaning(file).encode())
    return digest.hexdigest()


def _sources(projection: AnyProjection) -> list[Path]:
    folder = Path(inspect.getfile(projection.evolve)).parent
    own = sorted(file for file in folder.glob("*.py") if file.name not in _NOT_FOLDING)
    events = sorted({Path(inspect.getfile(event)) for event in projection.handles})
    upcasts = [file.with_name("upcasts.py") for file in events]
    kernel = [Path(inspect.getfile(module)) for module in (kernel_projection, kernel_rows)]
    return [*own, *events, *(file for file in upcasts if file.exists()), *kernel]


@lru_cache(maxsize=256)
def _meaning(file: Path) -> str:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
