"""Numbered migrations and named queries, as .sql files, and how they are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

_FOLDER: Final = Path(__file__).parent
_HEADING: Final = re.compile(r"^-- name: *(\S+) *$")
_MIGRATION: Final = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


class MalformedSqlError(Exception):
    """Fault: a .sql file does not keep the form that its readers expect."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a store's schema; steps are applied in order of ``number``, each once, and never edited."""

    number: int
    name: str
    text: str


@cache
def load(path: str) -> Mapping[str, str]:
    """The queries of one file, such as ``sqlite/log.sql``, by name.

    Each query begins with ``-- name: its_name`` and a comment of one sentence; both stay out of its text.
    Raises MalformedSqlError for a text outside a query, a missing sentence, an empty query or a name used twice.
    """
    queries: dict[str, str] = {}
    for block in _blocks(path):
        name, text = _query(path, block)
        if name in queries:
            raise MalformedSqlError(f"{path}: {name} is there twice")
        queries[name] = text
    return MappingProxyType(queries)


@cache
def migrations(store: str) -> tuple[Migration, ...]:
    """The migrations of one store, such as ``sqlite``, in order; numbers start at 1 without holes.

    Raises MalformedSqlError where a number is missing or used twice.
    """
    found: list[Migration] = []
    for file in sorted((_FOLDER / store).glob("[0-9]*.sql")):
        match = _MIGRATION.match(file.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise MalformedSqlError(f"{store}/{file.name}: expected number {len(found) + 1:04d} and a name")
        found.append(Migration(number=int(match[1]), name=match[2], text=file.read_text(encoding="utf-8")))
    return tuple(found)


def _blocks(path: str) -> list[list[str]]:
    blocks: list[list[str]] = []
    for line in (_FOLDER / path).read_text(encoding="utf-8").splitlines():
        if _HEADING.match(line):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
        elif line.strip() and not line.startswith("--"):
            raise MalformedSqlError(f"{path}: text before the first query")
    return blocks


def _query(path: str, block: list[str]) -> tuple[str, str]:
    heading = _HEADING.match(block[0])
    name = heading[1] if heading else ""
    if len(block) < 2 or not block[1].startswith("-- "):
        raise MalformedSqlError(f"{path}: {name} has no sentence that says what it does")
    text = "\n".join(line for line in block[1:] if not line.startswith("--")).strip().removesuffix(";")
    if not text:
        raise MalformedSqlError(f"{path}: {name} is empty")
    return name, text
