"""What texts of callers may hold, how long a name of something is, and how a hostile one is shown."""

import re
from math import isfinite
from typing import Annotated, Final, cast

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import from_json

REFERENCE_CHARACTERS_MAX: Final = 200
Reference = Annotated[str, StringConstraints(min_length=1, max_length=REFERENCE_CHARACTERS_MAX)]
"""An id or name under which a caller speaks of something; whether there is such a thing is found out later."""

TokenText = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,19}$"), Field(description="a token as it was told, 1 to 19 digits")
]
"""A fencing token on its way: not every reader of JSON has numbers of that size."""

JSON_CHARACTERS_MAX: Final = 65_536


def _json(text: str) -> str:
    # A ValueError where it is none, or nested too deep. What other readers of JSON refuse would stop them later.
    if text and not _is_finite(from_json(text, allow_inf_nan=False)):
        raise ValueError("it holds a number that is too large")
    return text


def _is_finite(value: object) -> bool:
    """Whether every number inside is one: a large exponent is read as infinity."""
    if isinstance(value, dict):
        return all(map(_is_finite, cast("dict[str, object]", value).values()))
    if isinstance(value, list):
        return all(map(_is_finite, cast("list[object]", value)))
    return not isinstance(value, float) or isfinite(value)


JsonText = Annotated[
    str,
    StringConstraints(max_length=JSON_CHARACTERS_MAX),
    AfterValidator(_json),
    Field(description="JSON as text, at most 65,536 characters; empty where there is none"),
]
"""A value that others made and others read: kept as the text that it was."""

SHOWN_CHARACTERS_MAX: Final = 200
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, marks of direction, line separators and halves of characters: they hide,
reorder or break what a person or a model reads (security.md S21)."""


def is_fit(text: str) -> bool:
    """Whether a text holds nothing but what can be read as it stands."""
    return _UNFIT.search(text) is None


def shown(text: str, length_max: int = SHOWN_CHARACTERS_MAX) -> str:
    """A text of a caller made fit for a message: unfit characters are escaped, a long tail is cut."""
    head = _UNFIT.sub(lambda found: f"\\u{ord(found.group()):04x}", text[:length_max])
    return head if len(text) <= length_max else f"{head}…"
