"""What every refusal owes its caller: a known code, words, advice, a status; and nothing of our inside."""

import json
import re
from collections.abc import Iterator
from typing import Any

from domain.kernel.errors import Rejection
from tests.support.whole_server import Told

ANSWER_BYTES_MAX = 16_384
"""A refusal is for reading, however large what it refuses."""
_INSIDE = re.compile(
    r"Traceback|File \"|pydantic|<class|NoneType|\btuple\b|\bdict\b|\.py\b|orjson|sqlite|psycopg|\^\[|\(\?|[a-z]Error\b"
)
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def refusals() -> dict[str, type[Rejection]]:
    """Every kind of refusal by its code."""
    return {kind.code(): kind for kind in _kinds(Rejection)}


def flaws_of(told: Told) -> list[str]:
    """What an answer owes as a refusal; empty where nothing is missing."""
    try:
        content = told.content
    except ValueError:
        return ["it is no JSON"]
    if content.get("ok") is not False:
        return ["it was accepted"]
    error: dict[str, Any] = content["error"]
    return [
        *(
            []
            if set(error) == {"code", "kind", "message", "next", "data", "status"}
            else [f"its keys are {sorted(error)}"]
        ),
        *_flaws_of_code(error, told.status),
        *_flaws_of_words(error),
        *([] if len(told.body) <= ANSWER_BYTES_MAX else [f"it has {len(told.body)} bytes"]),
    ]


def _flaws_of_code(error: dict[str, Any], status: int) -> Iterator[str]:
    kind = refusals().get(error["code"])
    if kind is None:
        yield f"nobody knows the code {error['code']}"
    elif error["kind"] != kind.KIND:
        yield f"its kind is {error['kind']}, not {kind.KIND}"
    elif not status == error["status"] == kind.HTTP_STATUS:
        yield f"its status is {status}, {error['status']} or {kind.HTTP_STATUS}"
    if not 400 <= status < 500:
        yield f"its status is {status}"


def _flaws_of_words(error: dict[str, Any]) -> Iterator[str]:
    for name in ("message", "next"):
        words = error[name]
        unfilled = "{" in words and "{" not in json.dumps(error["data"])
        if len(words) < 10 or words[-1] not in ".?!`" or unfilled:
            yield f"its {name} is no sentence: {words!r}"
        found = _INSIDE.search(words)
        if found:
            yield f"its {name} tells of our inside: {found.group()!r} in {words!r}"
    if any(_UNFIT.search(text) for text in _texts(error)):
        yield "it repeats characters that nobody may send"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (str(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _kinds(kind: type[Rejection]) -> Iterator[type[Rejection]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _kinds(inner)
