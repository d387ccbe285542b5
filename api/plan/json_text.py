"""Strict JSON to the tree of a plan: nothing but RFC 8259, each value with its place."""

import json
import re
from bisect import bisect_right
from typing import Final

from api.plan.nodes import (
    DEPTH_MAX,
    NODES_MAX,
    Entry,
    Mapping,
    Node,
    Place,
    Scalar,
    Sequence,
    UnreadableError,
    add_entry,
    number,
    shown,
    too_deep,
    too_many_nodes,
)

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_STRINGS: Final = json.JSONDecoder(strict=True)
_WORD: Final = re.compile(r"true|false|null")


def read_json(text: str) -> Node | None:
    """The tree of the text; None where there is nothing but space. Raises UnreadableError."""
    reader = _Reader(text)
    reader.skip_space()
    if reader.offset == len(text):
        return None
    node = reader.value(0)
    reader.skip_space()
    if reader.offset != len(text):
        raise reader.wrong("something follows the end of the value")
    return node


class _Reader:
    """Descends at most DEPTH_MAX deep, so that its own recursion is bounded."""

    def __init__(self, text: str) -> None:
        self.offset = 0
        self._text: Final = text
        self._lines: Final = [0, *(match.end() for match in re.finditer("\n", text))]
        self._values = 0

    def skip_space(self) -> None:
        found = _SPACE.match(self._text, self.offset)
        self.offset = self.offset if found is None else found.end()

    def value(self, depth: int) -> Node:
        at = self._place()
        self._values += 1
        if self._values > NODES_MAX:
            raise too_many_nodes(at)
        first = self._next()
        if first in "[{" and first:
            if depth >= DEPTH_MAX:
                raise too_deep(at)
            return self._list(at, depth) if first == "[" else self._mapping(at, depth)
        if first == '"':
            return Scalar(self._string(), at)
        return self._word_or_number(at)

    def wrong(self, problem: str) -> UnreadableError:
        advice = "Mend the JSON here; comments, single quotes and trailing commas are not allowed."
        return UnreadableError("syntax", self._place(), f"this is not JSON: {problem}", advice)

    def _list(self, at: Place, depth: int) -> Sequence:
        items: list[Node] = []
        self._take("[")
        if self._next() != "]":
            items.append(self.value(depth + 1))
            while self._next() == ",":
                self._take(",")
                items.append(self.value(depth + 1))
        self._take("]")
        return Sequence(tuple(items), at)

    def _mapping(self, at: Place, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        self._take("{")
        if self._next() != "}":
            self._field(entries, depth)
            while self._next() == ",":
                self._take(",")
                self._field(entries, depth)
        self._take("}")
        return Mapping(at, entries)

    def _field(self, entries: dict[str, Entry], depth: int) -> None:
        if self._next() != '"':
            raise self.wrong("a field name in double quotes belongs here")
        at = self._place()
        name = self._string()
        self._take(":")
        self.skip_space()
        add_entry(entries, name, Entry(at, self.value(depth + 1)))

    def _string(self) -> str:
        try:
            text, end = _STRINGS.raw_decode(self._text, self.offset)
        except json.JSONDecodeError as error:
            self.offset = error.pos
            raise self.wrong(error.msg) from error
        if not isinstance(text, str) or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self.wrong("half of a surrogate pair is no character")
        self.offset = end
        return text

    def _word_or_number(self, at: Place) -> Scalar:
        found = _WORD.match(self._text, self.offset) or _NUMBER.match(self._text, self.offset)
        if found is None:
            found_text = shown(self._text[self.offset : self.offset + 20]) or "the end"
            raise self.wrong(f"a value belongs here, not {found_text}")
        self.offset = found.end()
        word = found.group()
        return Scalar(_WORDS[word] if word in _WORDS else number(word, at), at)

    def _next(self) -> str:
        self.skip_space()
        return self._text[self.offset : self.offset + 1]

    def _take(self, mark: str) -> None:
        if self._next() != mark:
            raise self.wrong(f"{mark} belongs here")
        self.offset += 1
        self.skip_space()

    def _place(self) -> Place:
        line = bisect_right(self._lines, self.offset)
        return Place(line, self.offset - self._lines[line - 1] + 1)
