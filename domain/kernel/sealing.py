"""Texts that are kept under a key of whom they are about, and what is read in their place once that key is gone."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

SEALED: Final = "[sealed]"
"""What stands in a stored event where a text is under a key, and what somebody reads who has no keys."""
ERASED: Final = "[erased]"
"""What is read there once the key was destroyed."""
Blank = Literal["text", "json", "list"]
"""How a field without its text is filled: with the marker, with the marker as JSON text, or with nothing."""


class Sealing(NamedTuple):
    """What an event says of its subject in words of its own."""

    fields: Mapping[str, Blank]
    """Only those that hold something are put under the key."""
    about: str = ""
    """The field that holds the subject's id; empty where the stream is the subject. Without an id nothing is sealed."""


def blank(kind: Blank, marker: str) -> str | list[str]:
    """What stands in a field without its text."""
    if kind == "list":
        return []
    return f'"{marker}"' if kind == "json" else marker
