"""Conditions that people write in CEL, bounded before the interpreter sees them, and asked of tree after tree."""

import re
from collections.abc import Mapping, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.kernel.past.errors import ExpressionNotReadable
from domain.kernel.past.trees import MISSING, Path, Tree, at_path
from projections.kernel.errors import RequestRefused

if TYPE_CHECKING:
    import cel

CHARACTERS_MAX: Final = 1_000
BRACKETS_DEEP_MAX: Final = 20
OPERATORS_MAX: Final = 150
COMPREHENSIONS_MAX: Final = 3
REMEMBERED_MAX: Final = 10_000
_COMPREHENSIONS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
_WORDS: Final = frozenset({"true", "false", "null", "in"})
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>[0-9](?:[0-9a-zA-Z_]|\.[0-9]|[eE][+-])*)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>&&|\|\||[=!<>]=|.)""",
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str


class Expression:
    """A condition over named trees. Only the fields that it speaks of are handed to the interpreter, and only where
    it was not asked of the same values before: that is what takes the time.

    A field that is not there makes it false, as far as it matters. Raises RequestRefused for what is no condition.
    """

    def __init__(self, text: str, roots: Sequence[str]) -> None:
        self._roots = frozenset(roots)
        tokens = _bounded(text, self._roots)
        self._fields: dict[str, Path] = {}
        self._asked: dict[str, Path] = {}
        rewritten = "".join(self._rewritten(tokens))
        self._program = self._compiled(text, rewritten)
        self._known: dict[tuple[Any, ...], bool] = {}
        self._seen: list[Any] | None = None
        self._was = False
        self.told = 0
        """How often it was true or false."""
        self.failure = ""
        """Why it could not be told, the last time that it counted as false for that."""

    @property
    def fields(self) -> tuple[Path, ...]:
        """The paths that it speaks of, each beginning with a root."""
        return (*self._fields.values(), *self._asked.values())

    def holds(self, trees: Mapping[str, Tree]) -> bool:
        """Whether it is true of these trees, by root. Raises RequestRefused where it is neither true nor false."""
        values = [at_path(trees.get(str(path[0])), path[1:]) for path in self._fields.values()]
        values += [at_path(trees.get(str(path[0])), path[1:]) is not MISSING for path in self._asked.values()]
        if self._seen is not None and all(map(is_, values, self._seen)):
            return self._was
        self._seen = values
        try:
            key = tuple(zip(map(type, values), values, strict=True))
            known = self._known.get(key)
        except TypeError:  # of lists and objects nothing is remembered
            self._was = self._evaluate(values)
            return self._was
        if known is None:
            known = self._evaluate(values)
            if len(self._known) < REMEMBERED_MAX:
                self._known[key] = known
        self._was = known
        return known

    def _evaluate(self, values: list[Any]) -> bool:
        import cel

        names = (*self._fields, *self._asked)
        bound = {name: value for name, value in zip(names, values, strict=True) if value is not MISSING}
        try:
            told: object = self._program.execute(cel.Context(variables=bound))
        except (KeyError, RuntimeError, TypeError, ValueError, ArithmeticError, IndexError) as error:
            self.failure = self._in_words(error, bound)
            return False
        if not isinstance(told, bool):
            raise _refused(f"it is {type(told).__name__}, neither true nor false")
        self.told += 1
        return told

    def _in_words(self, error: Exception, bound: Mapping[str, Any]) -> str:
        reason = str(error).partition("\n")[0]
        for name, path in self._fields.items():
            if f"'{name}'" in reason and name not in bound:
                return f"there is no {'.'.join(map(str, path))}"
        return reason

    def _compiled(self, text: str, rewritten: str) -> "cel.Program":
        import cel

        try:
            program = cel.compile(rewritten)
        except (ValueError, RuntimeError, TypeError) as error:
            # In the words of what was written, not of what was made of it.
            raise _refused(_problem_of(text, str(error))) from error
        return program

    def _rewritten(self, tokens: list[_Token]) -> list[str]:
        made: list[str] = []
        place = 0
        while place < len(tokens):
            path, end = _path_at(tokens, place, self._roots)
            if path:
                is_asked = [one.text for one in tokens[max(0, place - 2) : place]] == ["has", "("]
                if is_asked and tokens[end : end + 1] == [_Token("mark", ")")]:
                    del made[-2:]
                    made.append(f" {self._name(self._asked, 'asked_', path)} ")
                    place = end + 1
                    continue
                made.append(f" {self._name(self._fields, 'field_', path)} ")
                place = end
            else:
                made.append(f" {tokens[place].text} " if tokens[place].kind == "word" else tokens[place].text)
                place += 1
        return made

    def _name(self, names: dict[str, Path], beginning: str, path: Path) -> str:
        for name, known in names.items():
            if known == path:
                return name
        name = f"{beginning}{len(names)}"
        names[name] = path
        return name


def _bounded(text: str, roots: frozenset[str]) -> list[_Token]:
    """The tokens of a text that is small enough. Raises RequestRefused."""
    if len(text) > CHARACTERS_MAX:
        raise _refused(f"it has more than {CHARACTERS_MAX} characters")
    tokens = [
        _Token(found.lastgroup or "", found.group()) for found in _TOKEN.finditer(text) if found.lastgroup != "space"
    ]
    if not tokens:
        raise _refused("it is empty")
    deep = operators = comprehensions = 0
    for place, token in enumerate(tokens):
        if token.text in ("(", "[", "{"):
            deep += 1
            if deep > BRACKETS_DEEP_MAX:
                raise _refused(f"its brackets are more than {BRACKETS_DEEP_MAX} deep")
        elif token.text in (")", "]", "}"):
            deep -= 1
        elif token.kind == "mark" and token.text not in (",", "."):
            operators += 1
        elif token.text in _COMPREHENSIONS and _text_at(tokens, place + 1) == "(":
            comprehensions += 1
            if _text_at(tokens, place + 2) in roots:
                raise _refused(f"a member of a list cannot be called {_text_at(tokens, place + 2)}")
    if operators > OPERATORS_MAX:
        raise _refused(f"it has more than {OPERATORS_MAX} operators")
    if comprehensions > COMPREHENSIONS_MAX:
        raise _refused(f"it has more than {COMPREHENSIONS_MAX} of {', '.join(sorted(_COMPREHENSIONS))}")
    _require_known(tokens, roots)
    return tokens


def _require_known(tokens: list[_Token], roots: frozenset[str]) -> None:
    """Every name that stands alone is a root, or the member of a list that a comprehension names."""
    members = {
        _text_at(tokens, place + 2)
        for place, token in enumerate(tokens)
        if token.text in _COMPREHENSIONS and _text_at(tokens, place + 1) == "("
    }
    for place, token in enumerate(tokens):
        alone = token.kind == "word" and _text_at(tokens, place - 1) != "." and _text_at(tokens, place + 1) != "("
        if alone and token.text not in roots | members | _WORDS:
            raise _refused(f"{token.text} is not known here, only {', '.join(sorted(roots))}")


def _path_at(tokens: list[_Token], place: int, roots: frozenset[str]) -> tuple[Path, int]:
    """The path that begins at a token and where it ends; an empty one where none begins there."""
    if tokens[place].text not in roots or tokens[place].kind != "word" or _text_at(tokens, place - 1) == ".":
        return (), place
    path = [tokens[place].text]
    end = place + 1
    while _text_at(tokens, end) == "." and end + 1 < len(tokens) and tokens[end + 1].kind == "word":
        if _text_at(tokens, end + 2) == "(":
            break
        path.append(tokens[end + 1].text)
        end += 2
    return tuple(path), end


def _text_at(tokens: list[_Token], place: int) -> str:
    return tokens[place].text if 0 <= place < len(tokens) else ""


def _problem_of(text: str, error: str) -> str:
    reason = error.rpartition("ERROR: <input>:")[2].partition("\n")[0]
    return f"{text!r} is no CEL{': ' + reason.partition(' ')[2] if reason else ''}"


def _refused(reason: str) -> RequestRefused:
    return RequestRefused(ExpressionNotReadable(reason=reason))
