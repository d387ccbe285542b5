"""Inputs and answers, made from the domain's own models, so that none can differ from them or be forgotten."""

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin

import strawberry
from pydantic.fields import FieldInfo
from strawberry.scalars import JSON

from api.graphql.enums import SHARED_ENUMS
from api.graphql.scalars import Long
from domain.kernel.ids import Position
from domain.kernel.message import Answer, Message

_LIST: Final[Any] = list
_ENUM: Final[Any] = Enum
_INT_MAX: Final = 2**31 - 1
_UNBOUND: Final[Any] = strawberry.UNSET


class Messages:
    """Makes each type once; what two models share, two types share."""

    def __init__(self) -> None:
        self._enums: dict[tuple[object, ...], type[Enum]] = {
            tuple(member.value for member in enum): enum for enum in SHARED_ENUMS
        }
        self._inputs: dict[type[Message], type] = {}
        self._outputs: dict[type[Message], type] = {}

    def input_of(
        self, model: type[Message], *, without: frozenset[str] = frozenset(), further: Mapping[str, Any] | None = None
    ) -> type:
        """The input that carries a model's fields, but those in ``without``; ``further`` ones are (type, default)."""
        found = self._inputs.get(model)
        if found is None:
            named = [(name, field) for name, field in model.model_fields.items() if name not in without]
            forms: dict[str, Any] = model.model_json_schema().get("properties", {})
            made: list[tuple[str, Any, Any]] = [
                self._input_field(model, name, field, _bounds(forms[name])) for name, field in named
            ]
            for name, (kind, default, words) in (further or {}).items():
                made.append((name, kind, strawberry.field(default=default, description=words)))
            found = strawberry.input(_class(f"{model.__name__}Input", made), description=_words(model))
            self._inputs[model] = found
        return found

    def output_of(self, model: type[Message]) -> type:
        """The type that shows a model's fields; an answer has its position, too."""
        found = self._outputs.get(model)
        if found is None:
            made: list[tuple[str, Any, Any]] = [
                (name, self._kind(model, name, field.annotation, (), output=True), strawberry.field())
                for name, field in model.model_fields.items()
            ]
            if issubclass(model, Answer):
                made += _PLACE
            found = self._outputs[model] = strawberry.type(_class(model.__name__, made), description=_words(model))
        return found

    def shown(self, model: type[Message], content: Mapping[str, Any], **further: Any) -> Any:
        """An instance of the output type of a model, from the JSON object of an answer."""
        values = {
            name: self._value(model, name, field.annotation, content.get(name))
            for name, field in model.model_fields.items()
        }
        return self.output_of(model)(**values, **further)

    def _input_field(
        self, model: type[Message], name: str, field: FieldInfo, words: str | None
    ) -> tuple[str, Any, Any]:
        kind = self._kind(model, name, field.annotation, field.metadata, output=False)
        if field.is_required():
            return name, kind, strawberry.field(description=words)
        default = field.get_default(call_default_factory=True)
        if isinstance(default, bool | int | float | str) and kind is not JSON:
            if _is_enum(kind):
                default = kind(default)
            return name, kind, strawberry.field(default=default, description=words)
        if default is not None or not _is_optional(kind):
            kind = kind | None if not isinstance(kind, str) else kind
        return name, kind, strawberry.field(default=_UNBOUND, description=words)

    def _kind(self, model: type[Message], name: str, annotation: Any, metadata: Any, *, output: bool) -> Any:
        """The annotation that strawberry understands."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._kind(model, name, arguments[0], arguments[1:], output=output)
        if origin is Literal:
            return self._enum(model, name, arguments)
        if origin is Union or origin is types.UnionType:
            some = [one for one in arguments if one is not types.NoneType]
            if len(some) == len(arguments) or len(some) > 1:
                return JSON
            return self._kind(model, name, some[0], metadata, output=output) | None
        if origin is tuple:
            return _LIST[self._kind(model, name, arguments[0], (), output=output)]
        message = _message(annotation)
        if message is not None:
            return self.output_of(message) if output else self.input_of(message)
        if annotation is int:
            return int if _fits(metadata) else Long
        if annotation in (str, bool, float):
            return annotation
        if getattr(annotation, "__supertype__", None) is not None:
            return self._kind(model, name, annotation.__supertype__, metadata, output=output)
        return JSON

    def _enum(self, model: type[Message], name: str, words: tuple[Any, ...]) -> Any:
        if not all(isinstance(word, str) and word.isidentifier() for word in words):
            return str
        found = self._enums.get(words)
        if found is None:
            title = model.__name__ + "".join(part.capitalize() for part in name.split("_"))
            members: dict[str, Any] = {word.upper(): word for word in words}
            made: type[Enum] = _ENUM(title, members)
            description = f"What `{name}` of {model.__name__} may be."
            found = self._enums[words] = strawberry.enum(made, description=description)
        return found

    def _value(self, model: type[Message], name: str, annotation: Any, value: Any) -> Any:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if value is None:
            return None
        if origin is Annotated:
            return self._value(model, name, arguments[0], value)
        if origin is Literal:
            kind = self._enum(model, name, arguments)
            return value if kind is str else kind(value)
        if origin is Union or origin is types.UnionType:
            some = [one for one in arguments if one is not types.NoneType]
            return value if len(some) > 1 else self._value(model, name, some[0], value)
        if origin is tuple:
            return [self._value(model, name, arguments[0], one) for one in value]
        message = _message(annotation)
        if message is not None:
            return self.shown(message, value)
        return value


def plain(value: Any) -> Any:
    """An input as JSON would say it; what was not given is left out."""
    if isinstance(value, list):
        return [plain(one) for one in cast("list[object]", value)]
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind: Any = value.__class__
        fields = ((name, getattr(value, name)) for name in _names(kind))
        return {name: plain(one) for name, one in fields if one is not None and one is not strawberry.UNSET}
    return value


def _class(name: str, made: list[tuple[str, Any, Any]]) -> type:
    """A class as if it had been written down: annotations, and fields as attributes."""
    body: dict[str, Any] = {field: value for field, _, value in made}
    return type(name, (), body | {"__annotations__": {field: kind for field, kind, _ in made}})


@lru_cache(maxsize=1_000)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


_PLACE: Final[list[tuple[str, Any, Any]]] = [
    ("position", Position, strawberry.field(description="The answer is true from here on.")),
    (
        "repeated",
        bool,
        strawberry.field(description="Whether the command id was seen before; this is the first answer."),
    ),
]


def _fits(metadata: Any) -> bool:
    """Whether an integer is bounded so that GraphQL's own Int holds it."""
    return any(getattr(one, "le", _INT_MAX + 1) <= _INT_MAX for one in metadata)


def _is_optional(kind: Any) -> bool:
    return types.NoneType in get_args(kind)


def _words(model: type[Message]) -> str:
    return " ".join((model.__doc__ or "").split())


_BOUNDS: Final = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "minLength": "characters, at least",
    "maxLength": "characters, at most",
    "minItems": "items, at least",
    "maxItems": "items, at most",
    "maxProperties": "entries, at most",
    "pattern": "matches",
}


def _bounds(schema: dict[str, Any]) -> str | None:
    """What a field's JSON Schema says about its size, in words."""
    choices = [schema, *schema.get("anyOf", ())]
    words = [f"{word} {one[key]}" for one in choices for key, word in _BOUNDS.items() if key in one]
    return _sentence("; ".join(words))


def _message(annotation: Any) -> type[Message] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, Message) else None


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _sentence(words: str) -> str | None:
    return words[:1].upper() + words[1:] + "." if words else None
