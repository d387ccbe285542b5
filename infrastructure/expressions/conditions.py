"""The language of pipelines' conditions: CEL, told in steps that are counted before they are taken."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final, cast

from domain.kernel.past.trees import MISSING, Tree, at_path
from domain.kernel.pipeline.expressions import Flaw, Reading, Told
from infrastructure.expressions.reading import FAULTS, ReadText
from infrastructure.expressions.tokens import COPYING, NotReadableError, Token, is_comprehension, text_at

STEPS_MAX: Final = 300_000
"""Of one evaluation: values looked at, and values copied. The interpreter takes up to 0.7 µs for one."""
REMEMBERED_MAX: Final = 1_000
"""Texts that are kept compiled."""
FUNCTIONS: Final = frozenset(
    {
        *("all", "exists", "exists_one", "map", "filter", "has", "size"),
        *("contains", "startsWith", "endsWith", "matches", "int", "double", "string"),
    }
)
"""What may be called; the interpreter knows others, of which some give what JSON cannot hold."""
_INTEGER_MAX: Final = 2**63


class CelExpressions:
    """The port ``Expressions`` on the interpreter; keeps what it has compiled, and nothing of any value."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, frozenset[str]], ReadText] = {}

    def read(self, text: str, roots: frozenset[str]) -> Flaw | Reading:
        """The paths that a text speaks of, or why it is none."""
        try:
            found = self._read(text, roots)
        except NotReadableError as error:
            return Flaw("form", str(error))
        return Reading(_texts(found.fields), _texts(found.asked))

    def tell(self, text: str, values: Mapping[str, object]) -> Flaw | Told:
        """What the text says of the values, which are JSON."""
        try:
            found = self._read(text, frozenset(values))
        except NotReadableError as error:
            return Flaw("form", str(error))
        trees = cast("Mapping[str, Tree]", values)
        if found.only_path is not None:
            value = at_path(trees.get(str(found.only_path[0])), found.only_path[1:])
            return (
                Flaw("value", f"there is no {'.'.join(map(str, found.only_path))}") if value is MISSING else Told(value)
            )
        given = found.values_in(trees)
        if _steps(found.tokens, given) > STEPS_MAX:
            return Flaw("cost", f"it takes more than {STEPS_MAX:,} steps on values of this size")
        try:
            said = found.told(given)
        except TypeError as error:
            return Flaw("type", found.in_words(error, given))
        except FAULTS as error:
            return Flaw("value", found.in_words(error, given))
        return Told(said) if _is_json(said) else Flaw("type", f"it gives {type(said).__name__}, which JSON cannot hold")

    def _read(self, text: str, roots: frozenset[str]) -> ReadText:
        known = self._known.get((text, roots))
        if known is None:
            known = ReadText(text, sorted(roots))
            _require_functions(known.tokens)
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[text, roots] = known
        return known


def _texts(paths: Sequence[Sequence[str | int]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(str, path)) for path in paths)


def _require_functions(tokens: Sequence[Token]) -> None:
    for place, token in enumerate(tokens):
        if token.kind == "word" and text_at(tokens, place + 1) == "(" and token.text not in FUNCTIONS | {"in"}:
            raise NotReadableError(f"there is no function {token.text}, only {', '.join(sorted(FUNCTIONS))}")


def _steps(tokens: Sequence[Token], given: Sequence[Any]) -> int:
    """The most that the text may take: each walk through a list inside of another one multiplies."""
    deep = _deepest(tokens)
    if deep == 0:
        return 0
    longest = max((_longest(value) for value in given), default=0)
    longest = max(longest, len(tokens))  # a list may be written down in the text
    copied = any(token.text in COPYING and is_comprehension(tokens, place) for place, token in enumerate(tokens))
    each = max(len(tokens), sum(map(_size, given))) if copied else len(tokens)
    return int(longest**deep * each)


def _deepest(tokens: Sequence[Token]) -> int:
    """Walks through lists inside each other."""
    open_walks: list[bool] = []
    most = 0
    for place, token in enumerate(tokens):
        if token.text == "(":
            open_walks.append(place > 0 and is_comprehension(tokens, place - 1))
            most = max(most, sum(open_walks))
        elif token.text == ")" and open_walks:
            open_walks.pop()
    return most


def _longest(value: object) -> int:
    """Members of the longest list or mapping in a value."""
    members = _members(value)
    return max(len(members), *map(_longest, members)) if members else 0


def _size(value: object) -> int:
    """Values inside of a value, itself included."""
    return 1 + sum(map(_size, _members(value)))


def _members(value: object) -> Sequence[object]:
    if isinstance(value, Mapping):
        return list(cast("Mapping[str, object]", value).values())
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def _is_json(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return -_INTEGER_MAX <= value < _INTEGER_MAX
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        named = cast("dict[object, object]", value)
        return all(isinstance(name, str) and _is_json(one) for name, one in named.items())
    if isinstance(value, list):
        return all(map(_is_json, cast("list[object]", value)))
    return value is None or isinstance(value, bool | str)
