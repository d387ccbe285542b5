"""Texts with holes: ``${name}`` stands for the value of a binding."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from domain.kernel.pipeline.work import TaskSpec

HOLE: Final = re.compile(r"\$\{([A-Za-z0-9_]*)\}")


def names_in(text: str) -> frozenset[str]:
    """The names that a text speaks of."""
    return frozenset(HOLE.findall(text))


def filled(text: str, values: Mapping[str, object]) -> str:
    """The text with its holes filled; a name without a value leaves nothing. Text goes in as it is, else JSON."""
    if "${" not in text:
        return text  # most texts, and every task of a run asks for six of them
    return HOLE.sub(lambda found: _shown(values.get(found.group(1))), text)


def texts_of(task: TaskSpec) -> Iterator[tuple[str, str]]:
    """Every text of a task in which holes are filled, with the name of its field."""
    yield "title", task.title
    yield "body", task.body
    yield "concurrency_key", task.concurrency_key
    for label in task.labels:
        yield "labels", label
    for claim in task.scope:
        yield "scope", claim.claim


def _shown(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
