"""States as plain JSON and back, from their type annotations alone: for snapshots and for looking at the past."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import orjson
from immutables import Map
from pydantic import TypeAdapter

from domain.kernel.decider import Aggregate
from domain.kernel.message import Message

_TAG = "is"


def shape_of(aggregate: Aggregate[Any]) -> str:
    """Name and version of a state's shape; a snapshot of another shape is ignored."""
    return f"{aggregate.prefix}.s{aggregate.snapshot_version}"


def freeze(state: Any) -> bytes:
    """A state as JSON text. Dataclasses carry their class name under ``is``; maps become lists of pairs."""
    return orjson.dumps(state, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def thaw(aggregate: Aggregate[Any], text: bytes) -> Any:
    """The state of a JSON text that ``freeze`` wrote."""
    return _build(aggregate.state_type, orjson.loads(text))


def _plain(value: Any) -> Any:
    """One level of what is no JSON value by itself; the rest is asked for in turn."""
    if isinstance(value, Message):
        return orjson.Fragment(value.__pydantic_serializer__.to_json(value))
    if isinstance(value, Map):
        pairs = cast("Mapping[Any, Any]", value)
        return [(key, pairs[key]) for key in sorted(pairs)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_TAG: type(value).__name__, **{name: getattr(value, name) for name in _init_fields(type(value))}}
    if isinstance(value, tuple | frozenset):
        items = list(cast("Sequence[Any]", value))
        return sorted(items) if isinstance(value, frozenset) else items
    raise TypeError(f"{type(value).__name__} has no place in a state")


@lru_cache(maxsize=512)
def _init_fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)


def _build(kind: Any, data: Any) -> Any:
    kind = _bare(kind)
    origin = typing.get_origin(kind)
    if origin is typing.Union or origin is types.UnionType:
        return _build_union(typing.get_args(kind), data)
    if origin is Map:
        key, item = typing.get_args(kind)
        return Map((_build(key, pair[0]), _build(item, pair[1])) for pair in data)
    if origin is frozenset:
        return frozenset(_build(typing.get_args(kind)[0], item) for item in data)
    if origin is tuple:
        return tuple(_build(typing.get_args(kind)[0], item) for item in data)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _build_dataclass(kind, data)
    if isinstance(kind, type) and issubclass(kind, Message):
        return _adapter(kind).validate_json(orjson.dumps(data), strict=False)
    return data


def _build_union(members: tuple[Any, ...], data: Any) -> Any:
    if data is None:
        return None
    tag: object = cast("dict[str, object]", data).get(_TAG) if isinstance(data, dict) else None
    for member in members:
        if tag is not None and getattr(_bare(member), "__name__", "") == tag:
            return _build(member, data)
    rest = [member for member in members if member is not type(None)]
    return _build(rest[0], data) if len(rest) == 1 else cast("object", data)


def _build_dataclass(kind: type, data: dict[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: _build(hints[name], value) for name, value in data.items() if name in hints})


def _bare(kind: Any) -> Any:
    return _bare(kind.__supertype__) if isinstance(kind, typing.NewType) else kind


@lru_cache(maxsize=512)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@lru_cache(maxsize=512)
def _adapter(kind: type[Message]) -> TypeAdapter[Message]:
    return TypeAdapter(kind)
