"""Raw input becomes a command, or a refusal that names every field at fault in words; nothing is repaired."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import orjson
from pydantic import ValidationError

from domain.catalogue import COMMANDS
from domain.kernel.errors import RefusalKind, Rejection
from domain.kernel.message import Command
from domain.kernel.text import is_fit, shown
from domain.principal.allow import MATRIX, Row

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FAULTS_SHOWN_MAX: Final = 10
FIELD_CHARACTERS_MAX: Final = 200
_PERHAPS_UNFIT: Final = re.compile(
    rb"\\[ubfr]|\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"
)
"""Finds, in JSON text, every character that no text may hold, and little else: only then is it worth a closer look."""
_UNFIT: Final = "it holds a control or direction character; of those only newline and tab are taken"
_NOBODYS: Final = Row()
_KINDS: Final = frozenset({"bool", "int", "float", "str"})
_ALTERNATIVES: Final = ("tuple[", "constrained-", "function-")
_SHOULD_BE: Final = "Input should be "
Path = tuple[int | str, ...]


class InvalidCommand(Rejection):
    """The command {command} is not well formed: {summary}.

    Correct the fields that are named and send it again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    command: str
    summary: str
    faults: tuple[dict[str, str], ...]


class UnknownCommand(Rejection):
    """There is no command {command}.

    Use one of the names in `known`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    command: str
    known: tuple[str, ...]


def parse(name: str, fields: bytes) -> Command | Rejection:
    """A command of its name and the JSON text of its fields."""
    kind = COMMANDS.get(name)
    if kind is None:
        return UnknownCommand(command=shown(name, 100), known=asked_commands())
    try:
        command = kind.model_validate_json(fields)
    except ValidationError as error:
        return _invalid(kind, error)
    if _PERHAPS_UNFIT.search(fields) is None:
        return command
    unfit = [_fault(path, _UNFIT) for path in _unfit_places(orjson.loads(fields), ())]
    return _refused(name, unfit) if unfit else command


@lru_cache(maxsize=1)
def asked_commands() -> tuple[str, ...]:
    """Names of the commands that some role may ask, sorted; the others are for policies."""
    return tuple(sorted(name for name in COMMANDS if MATRIX.get(name, _NOBODYS) != _NOBODYS))


def faults_of(errors: Iterable["ErrorDetails"], forms: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """What is wrong, field by field, without echoing the input. ``forms`` says patterns in words."""
    found: dict[Path, list[str]] = {}
    for one in errors:
        found.setdefault(_place(one["loc"]), []).append(_words(one, forms or {}))
    return [_fault(path, _either(words)) for path, words in islice(found.items(), FAULTS_SHOWN_MAX)]


def summary_of(faults: list[dict[str, str]]) -> str:
    """The faults in one line."""
    return "; ".join(f"{one['field'] or 'body'}: {one['fault']}" for one in faults)[:1_000]


def _invalid(kind: type[Command], error: ValidationError) -> InvalidCommand:
    return _refused(kind.NAME, faults_of(error.errors(include_url=False, include_input=False), _forms_of(kind)))


def _refused(name: str, faults: list[dict[str, str]]) -> InvalidCommand:
    told = faults[:FAULTS_SHOWN_MAX]
    return InvalidCommand(command=name, summary=summary_of(told), faults=tuple(told))


def _place(path: Path) -> Path:
    """Where it is, without the names of the alternatives that were tried there."""
    steps = [step for step in path if not (isinstance(step, str) and step.startswith(_ALTERNATIVES))]
    while len(steps) > 1 and steps[-1] in _KINDS:
        steps.pop()
    return tuple(steps)


def _either(words: list[str]) -> str:
    """One sentence where several forms would have been right."""
    once = list(dict.fromkeys(words))
    rest = [one.removeprefix(_SHOULD_BE) for one in once[1:]]
    return " or ".join([once[0], *rest])[:300]


def _fault(path: Path, words: str) -> dict[str, str]:
    return {"field": shown(".".join(map(str, path)), FIELD_CHARACTERS_MAX), "fault": words}


def _words(error: "ErrorDetails", forms: Mapping[str, str]) -> str:
    if error["type"] == "string_pattern_mismatch":
        form = forms.get(str(error.get("ctx", {}).get("pattern")), "of the form that the schema gives")
        return f"{_SHOULD_BE}{form}"
    return shown(error["msg"], 300)


@lru_cache(maxsize=1_000)
def _forms_of(kind: type[Command]) -> Mapping[str, str]:
    """The words for each pattern of a command, which stand beside it in the schema."""
    return dict(_patterns(kind.model_json_schema()))


def _patterns(schema: object) -> Iterator[tuple[str, str]]:
    if isinstance(schema, dict):
        known = cast("dict[str, Any]", schema)
        pattern, words = known.get("pattern"), known.get("description")
        if isinstance(pattern, str) and isinstance(words, str):
            yield pattern, words
        for inner in known.values():
            yield from _patterns(inner)
    elif isinstance(schema, list):
        for inner in cast("list[object]", schema):
            yield from _patterns(inner)


def _unfit_places(value: object, path: Path) -> Iterator[Path]:
    if isinstance(value, str):
        if not is_fit(value):
            yield path
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if not is_fit(key):
                yield (*path, key)
            yield from _unfit_places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from _unfit_places(inner, (*path, index))
