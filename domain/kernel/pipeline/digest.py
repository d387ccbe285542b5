"""Digests of definitions: what is the same has the same digest, however it was written down."""

import hashlib
from collections.abc import Collection
from typing import Final, cast

import orjson

from domain.kernel.message import Message
from domain.kernel.pipeline.definition import AnyPhase, Definition

_BESIDE: Final = frozenset({"key", "title", "needs", "join", "optional"})
"""Of a phase: what it is called, when it runs and what it means for others, not what it does."""


def definition_digest(definition: Definition) -> str:
    """``sha256:…`` of everything that the definition says."""
    return digest_of(definition)


def spec_digest(phase: AnyPhase) -> str:
    """The same of what one phase does: kind, work, inputs, condition and policies, and the phases inside of a loop."""
    return _hashed(_said(phase, _BESIDE))


def digest_of(message: Message) -> str:
    """``sha256:…`` of the canonical JSON of a value: names sorted, nothing that is said by default.

    So a field that a later version adds changes no digest of what does not use it.
    """
    return _hashed(_said(message))


def _said(value: object, without: Collection[str] = ()) -> object:
    if isinstance(value, tuple):
        return [_said(one) for one in cast("tuple[object, ...]", value)]
    if not isinstance(value, Message):
        return value
    said: dict[str, object] = {}
    for name, field in type(value).model_fields.items():
        one: object = getattr(value, name)
        # Equal is not enough: 1 and true are equal, and say different things of a capability.
        default = not field.is_required() and one == field.default and type(one) is type(field.default)
        # A kind is said by default and tells two forms apart.
        if name not in without and (not default or name == "kind"):
            said[name] = _said(one)
    return said


def _hashed(said: object) -> str:
    return f"sha256:{hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()}"
