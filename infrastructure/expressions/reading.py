"""A text in CEL, compiled so that the interpreter is handed only the fields that it speaks of."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from domain.kernel.past.trees import MISSING, Missing, Path, Tree, at_path
from infrastructure.expressions.plain import PLAIN_TEXT, plain_of
from infrastructure.expressions.tokens import NotReadableError, Token, split, text_at, tokens_of

if TYPE_CHECKING:
    import cel

_UNKNOWN: Final = re.compile(r"Undefined variable or function: '(\w+)'")
"""What the interpreter says of a function that is given what it does not take."""
FAULTS = (KeyError, RuntimeError, TypeError, ValueError, ArithmeticError, IndexError)
"""What the interpreter raises where a text cannot be told of the given values."""


class ReadText:
    """A text over named trees. Raises NotReadableError for what is none."""

    def __init__(self, text: str, roots: Sequence[str]) -> None:
        self._roots = frozenset(roots)
        self.tokens = tokens_of(text, self._roots)
        self._fields: dict[str, Path] = {}
        self._asked: dict[str, Path] = {}
        rewritten = "".join(self._rewritten(self.tokens))
        self._field_places = tuple((str(path[0]), path[1:]) for path in self._fields.values())
        self._asked_places = tuple((str(path[0]), path[1:]) for path in self._asked.values())
        self._program = _compiled(text, rewritten)
        self.plain = plain_of(split(rewritten), (*self._fields, *self._asked))
        """Tells most of what is as simple as comparing, without the interpreter."""

    @property
    def fields(self) -> tuple[Path, ...]:
        """The paths whose values it speaks of, each beginning with a root."""
        return tuple(self._fields.values())

    @property
    def asked(self) -> tuple[Path, ...]:
        """The paths of which it asks whether they are there."""
        return tuple(self._asked.values())

    @property
    def fixed(self) -> dict[str, str]:
        """The texts that roots have to be, each by itself, for the condition to hold."""
        found: dict[str, str] = {}
        for part in _joined_by_and(self.tokens):
            ends = {part[0].kind: part[0].text, part[-1].kind: part[-1].text}
            text = PLAIN_TEXT.fullmatch(ends.get("text", ""))
            if len(part) == 3 and part[1].text == "==" and text and ends.get("word") in self._roots:
                found.setdefault(ends["word"], text.group()[1:-1])
        return found

    @property
    def only_path(self) -> Path | None:
        """The path, where the text is nothing else."""
        path, end = _path_at(self.tokens, 0, self._roots)
        return path if path and end == len(self.tokens) else None

    def values_in(self, trees: Mapping[str, Tree]) -> list[Any]:
        """What is handed to the interpreter: values of the fields, MISSING for one that is not there, and answers."""
        values = [_found(trees.get(root), rest) for root, rest in self._field_places]
        return values + [_found(trees.get(root), rest) is not MISSING for root, rest in self._asked_places]

    def told(self, values: Sequence[Any]) -> object:
        """What the interpreter says of the values. Raises one of FAULTS."""
        import cel

        names = (*self._fields, *self._asked)
        bound = {name: value for name, value in zip(names, values, strict=True) if value is not MISSING}
        said: object = self._program.execute(cel.Context(variables=bound))
        return said

    def in_words(self, error: Exception, values: Sequence[Any]) -> str:
        """Why it could not be told, in the words of what was written."""
        reason = str(error).partition("\n")[0]
        for (name, path), value in zip(self._fields.items(), values, strict=False):
            if f"'{name}'" in reason and value is MISSING:
                return f"there is no {'.'.join(map(str, path))}"
        unknown = _UNKNOWN.match(reason)
        called = unknown is not None and self._calls(unknown[1])
        return f"{unknown[1]}() does not take a value of that type" if unknown is not None and called else reason

    def _calls(self, name: str) -> bool:
        """Whether the text calls a function of that name: it is known then, or the text would not have been read."""
        named = (place for place, token in enumerate(self.tokens) if token.text == name)
        return any(text_at(self.tokens, place + 1) == "(" for place in named)

    def _rewritten(self, tokens: list[Token]) -> list[str]:
        made: list[str] = []
        place = 0
        while place < len(tokens):
            path, end = _path_at(tokens, place, self._roots)
            if path:
                is_asked = [one.text for one in tokens[max(0, place - 2) : place]] == ["has", "("]
                if is_asked and tokens[end : end + 1] == [Token("mark", ")")]:
                    del made[-2:]
                    made.append(f" {_name(self._asked, 'asked_', path)} ")
                    place = end + 1
                    continue
                made.append(f" {_name(self._fields, 'field_', path)} ")
                place = end
            else:
                made.append(f" {tokens[place].text} " if tokens[place].kind == "word" else tokens[place].text)
                place += 1
        return made


def _found(tree: Tree, path: Path) -> "Tree | Missing":
    """The part at a path; most are one name deep."""
    if len(path) == 1 and isinstance(tree, dict):
        part: Tree | Missing = tree.get(str(path[0]), MISSING)
        return part
    return at_path(tree, path)


def _joined_by_and(tokens: Sequence[Token]) -> list[list[Token]]:
    """What all has to hold; nothing where that cannot be said of any part."""
    deep, parts = 0, list[list[Token]]([[]])
    for token in tokens:
        mark = token.text if token.kind == "mark" else ""
        deep += (mark in ("(", "[", "{")) - (mark in (")", "]", "}"))
        if deep == 0 and mark in ("||", "?"):
            return []
        if deep == 0 and mark == "&&":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _name(names: dict[str, Path], beginning: str, path: Path) -> str:
    for name, known in names.items():
        if known == path:
            return name
    name = f"{beginning}{len(names)}"
    names[name] = path
    return name


def _compiled(text: str, rewritten: str) -> "cel.Program":
    import cel

    try:
        program = cel.compile(rewritten)
    except (ValueError, RuntimeError, TypeError) as error:
        # In the words of what was written, not of what was made of it.
        raise NotReadableError(_problem_of(text, str(error))) from error
    return program


def _path_at(tokens: list[Token], place: int, roots: frozenset[str]) -> tuple[Path, int]:
    """The path that begins at a token and where it ends; an empty one where none begins there."""
    if tokens[place].text not in roots or tokens[place].kind != "word" or text_at(tokens, place - 1) == ".":
        return (), place
    path = [tokens[place].text]
    end = place + 1
    while text_at(tokens, end) == "." and end + 1 < len(tokens) and tokens[end + 1].kind == "word":
        if text_at(tokens, end + 2) == "(":
            break
        path.append(tokens[end + 1].text)
        end += 2
    return tuple(path), end


def _problem_of(text: str, error: str) -> str:
    reason = error.rpartition("ERROR: <input>:")[2].partition("\n")[0]
    return f"{text!r} is no CEL{': ' + reason.partition(' ')[2] if reason else ''}"
