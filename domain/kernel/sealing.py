"""Texts that are kept under a key of whom they are about, and what is read in their place once that key is gone."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, cast

SEALED: Final = "[sealed]"
"""What stands in a stored event where a text is under a key, and what somebody reads who has no keys."""
ERASED: Final = "[erased]"
"""What is read there once the key was destroyed."""
Blank = Literal["text", "json", "list"]
"""How a field without its text is filled: with the marker, with the marker as JSON text, or with nothing."""
Filling = Blank | Mapping[str, Blank]
"""Or an object stays, or a list of objects, and the fields of each that hold words are filled so."""


class Sealing(NamedTuple):
    """What an event says of its subject in words of its own."""

    fields: Mapping[str, Filling]
    """Only those that hold something are put under the key."""
    about: tuple[str, ...] = ()
    """Fields that may hold the subject's id, the first that does counts; none where the stream is the subject. Without
    an id nothing is sealed."""


def subject_in(sealing: Sealing, stream: str, said: Mapping[str, Any]) -> str | None:
    """Whose words an event as JSON holds; None where they are nobody's."""
    return stream if not sealing.about else next((said[field] for field in sealing.about if said.get(field)), None)


def blank(kind: Blank, marker: str) -> str | list[str]:
    """What stands in a field without its text."""
    if kind == "list":
        return []
    return f'"{marker}"' if kind == "json" else marker


def says(kind: Filling, value: Any) -> bool:
    """Whether a field of an event as JSON holds words."""
    if isinstance(kind, str):
        return bool(value)
    return any(one.get(field) for one in _objects(value) for field in kind)


def blanked(kind: Filling, value: Any, marker: str) -> Any:
    """A field of an event as JSON without its words."""
    if isinstance(kind, str):
        return blank(kind, marker)
    return _each(
        value, lambda one: {**one, **{field: blank(inner, marker) for field, inner in kind.items() if one.get(field)}}
    )


def remarked(kind: Filling, value: Any, before: str, after: str) -> Any:
    """The same field with another marker in the place of the words."""
    if isinstance(kind, str):
        return blank(kind, after) if value == blank(kind, before) else value
    return _each(
        value,
        lambda one: {
            **one,
            **{field: remarked(inner, one[field], before, after) for field, inner in kind.items() if field in one},
        },
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", value) if isinstance(value, list) else [value] if value else []


def _each(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    changed = [change(one) for one in _objects(value)]
    return changed if isinstance(value, list) else changed[0] if changed else value
