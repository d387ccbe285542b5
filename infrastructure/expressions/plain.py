"""Conditions so simple that they are told without the interpreter: values compared with each other and what is written.

To hand values to the interpreter takes ten times as long as to compare them. What is not as plain as it looks (a value
of another type, or one that is missing) is left to it, so that there is one meaning.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from infrastructure.expressions.tokens import Token, text_at

Plain = Callable[[Sequence[Any]], bool | None]
"""What it says of the values of the names, in their order; None where only the interpreter can tell."""
Value = Callable[[Sequence[Any]], Any]
_COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SAME_ONLY: Final = frozenset({"==", "!="})
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
PLAIN_TEXT: Final = re.compile(r"'[^'\\\n]*'|\"[^\"\\\n]*\"")
"""A text that means what stands between its quotes."""
_INTEGER_END: Final = 2**63
"""Larger ones the interpreter refuses."""


def plain_of(tokens: Sequence[Token], names: Sequence[str]) -> Plain | None:
    """The condition that the tokens write down; None where it is none of the simple ones."""
    reading = _Reading(tokens, {name: place for place, name in enumerate(names)})
    try:
        found = reading.either()
    except _NotPlainError:
        return None
    return found if reading.place == len(tokens) else None


class _NotPlainError(Exception):
    """Control flow: something stands there that only the interpreter knows."""


class _Reading:
    """From left to right. As the interpreter does, nothing behind what decides is looked at, and all before it is."""

    def __init__(self, tokens: Sequence[Token], names: Mapping[str, int]) -> None:
        self._tokens = tokens
        self._names = names
        self.place = 0

    def either(self) -> Plain:
        """Conditions with ``||`` between them."""
        found = [self._all()]
        while self._took("||"):
            found.append(self._all())
        return found[0] if len(found) == 1 else _first_that_is(found, wanted=True)

    def _all(self) -> Plain:
        found = [self._one()]
        while self._took("&&"):
            found.append(self._one())
        return found[0] if len(found) == 1 else _first_that_is(found, wanted=False)

    def _one(self) -> Plain:
        if self._took("!"):
            return _turned(self._inner() if text_at(self._tokens, self.place) == "(" else _truth(self._value()))
        if text_at(self._tokens, self.place) == "(":
            return self._inner()
        left = self._value()
        compared = text_at(self._tokens, self.place)
        if compared not in _COMPARED:
            return _truth(left)
        self.place += 1
        return _relation(left, compared, self._value())

    def _inner(self) -> Plain:
        self.place += 1
        found = self.either()
        if not self._took(")"):
            raise _NotPlainError
        return found

    def _value(self) -> Value:
        negative = self._took("-")
        token = self._tokens[self.place] if self.place < len(self._tokens) else Token("", "")
        self.place += 1
        if token.kind == "number" and _INTEGER.fullmatch(token.text):
            return _always(-int(token.text) if negative else int(token.text))
        if negative:
            raise _NotPlainError
        if token.kind == "text" and PLAIN_TEXT.fullmatch(token.text):
            return _always(token.text[1:-1])
        if token.kind == "word" and token.text in ("true", "false"):
            return _always(token.text == "true")
        if token.kind == "word" and token.text in self._names:
            return operator.itemgetter(self._names[token.text])
        raise _NotPlainError

    def _took(self, text: str) -> bool:
        if text_at(self._tokens, self.place) != text or self._tokens[self.place].kind != "mark":
            return False
        self.place += 1
        return True


def _always(value: object) -> Value:
    return lambda _: value


def _truth(value: Value) -> Plain:
    def told(values: Sequence[Any]) -> bool | None:
        found = value(values)
        return found if isinstance(found, bool) else None

    return told


def _turned(condition: Plain) -> Plain:
    def told(values: Sequence[Any]) -> bool | None:
        found = condition(values)
        return None if found is None else not found

    return told


def _relation(left: Value, text: str, right: Value) -> Plain:
    compared, same_only = _COMPARED[text], text in _SAME_ONLY

    def told(values: Sequence[Any]) -> bool | None:
        one, other = left(values), right(values)
        if type(one) is not type(other):
            return None
        if type(one) is int:
            return compared(one, other) if max(abs(one), abs(other)) < _INTEGER_END else None
        return compared(one, other) if type(one) is str or (type(one) is bool and same_only) else None

    return told


def _first_that_is(conditions: Sequence[Plain], *, wanted: bool) -> Plain:
    def told(values: Sequence[Any]) -> bool | None:
        for condition in conditions:
            found = condition(values)
            if found is None or found is wanted:
                return found
        return not wanted

    return told
