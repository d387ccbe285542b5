"""The words and marks of a text in CEL, counted before anything else looks at it."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

CHARACTERS_MAX: Final = 1_000
BRACKETS_DEEP_MAX: Final = 20
OPERATORS_MAX: Final = 150
COMPREHENSIONS_MAX: Final = 3
COMPREHENSIONS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
COPYING: Final = frozenset({"map", "filter"})
"""Those that make a list, which the interpreter copies for each of its members."""
_WORDS: Final = frozenset({"true", "false", "null", "in"})
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>[0-9](?:[0-9a-zA-Z_]|\.[0-9]|[eE][+-])*)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>&&|\|\||[=!<>]=|.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A word, number, quoted text or mark."""

    kind: str
    text: str


class NotReadableError(Exception):
    """Control flow: the text is no condition; says why."""


def tokens_of(text: str, roots: frozenset[str]) -> list[Token]:
    """The tokens of a text that is small enough and speaks of these roots only. Raises NotReadableError."""
    if len(text) > CHARACTERS_MAX:
        raise NotReadableError(f"it has more than {CHARACTERS_MAX} characters")
    tokens = split(text)
    if not tokens:
        raise NotReadableError("it is empty")
    _require_small(tokens, roots)
    _require_known(tokens, roots)
    return tokens


def split(text: str) -> list[Token]:
    """The tokens of a text, whatever they are."""
    found = _TOKEN.finditer(text)
    return [Token(one.lastgroup or "", one.group()) for one in found if one.lastgroup != "space"]


def text_at(tokens: Sequence[Token], place: int) -> str:
    """The text of a token, empty where there is none."""
    return tokens[place].text if 0 <= place < len(tokens) else ""


def is_comprehension(tokens: Sequence[Token], place: int) -> bool:
    """Whether a walk through a list begins at a token."""
    return tokens[place].text in COMPREHENSIONS and text_at(tokens, place + 1) == "("


def _require_small(tokens: Sequence[Token], roots: frozenset[str]) -> None:
    deep = operators = comprehensions = 0
    for place, token in enumerate(tokens):
        if token.text in ("(", "[", "{"):
            deep += 1
            if deep > BRACKETS_DEEP_MAX:
                raise NotReadableError(f"its brackets are more than {BRACKETS_DEEP_MAX} deep")
        elif token.text in (")", "]", "}"):
            deep -= 1
        elif token.kind == "mark" and token.text not in (",", "."):
            operators += 1
        elif is_comprehension(tokens, place):
            comprehensions += 1
            if text_at(tokens, place + 2) in roots:
                raise NotReadableError(f"a member of a list cannot be called {text_at(tokens, place + 2)}")
    if operators > OPERATORS_MAX:
        raise NotReadableError(f"it has more than {OPERATORS_MAX} operators")
    if comprehensions > COMPREHENSIONS_MAX:
        raise NotReadableError(f"it has more than {COMPREHENSIONS_MAX} of {', '.join(sorted(COMPREHENSIONS))}")


def _require_known(tokens: Sequence[Token], roots: frozenset[str]) -> None:
    """Every name that stands alone is a root, or the member of a list that a comprehension names."""
    members = {text_at(tokens, place + 2) for place in range(len(tokens)) if is_comprehension(tokens, place)}
    for place, token in enumerate(tokens):
        alone = token.kind == "word" and text_at(tokens, place - 1) != "." and text_at(tokens, place + 1) != "("
        if alone and token.text not in roots | members | _WORDS:
            raise NotReadableError(f"{token.text} is not known here, only {', '.join(sorted(roots))}")
