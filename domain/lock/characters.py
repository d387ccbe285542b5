"""Sets of characters as sorted ranges of code points, and the folding of letter case."""

import re
from functools import lru_cache
from typing import Final

Characters = tuple[tuple[int, int], ...]
"""Disjoint, ascending, inclusive ranges of code points; equal sets are equal values."""

_TOP: Final = 0x10FFFF
_FORBIDDEN: Final[Characters] = (
    (0x00, 0x1F),
    (0x2F, 0x2F),
    (0x7F, 0x9F),
    (0x61C, 0x61C),
    (0x200E, 0x200F),
    (0x2028, 0x202E),
    (0x2066, 0x2069),
    (0xD800, 0xDFFF),
)
"""Controls, the slash, line separators, bidi marks and surrogates: no segment of a name may carry them."""
_HOSTILE: Final = re.compile(
    "[" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in _FORBIDDEN if low != ord("/")) + "]"
)
_CASED_BELOW: Final = 0x20000
"""No character from here on has letter case (Unicode keeps these planes for ideographs and private use)."""
_SAMPLES: Final = "xabcdefghijklmnopqrstuvwyz0123456789_-XABCDEFGHIJKLMNOPQRSTUVWYZ"
DOT: Final[Characters] = ((0x2E, 0x2E),)


def normal(ranges: list[tuple[int, int]]) -> Characters:
    """Any ranges as a set: sorted, merged."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(members: Characters) -> Characters:
    """Every code point that is not a member."""
    gaps: list[tuple[int, int]] = []
    start = 0
    for low, high in members:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= _TOP:
        gaps.append((start, _TOP))
    return tuple(gaps)


@lru_cache(maxsize=4096)
def common(left: Characters, right: Characters) -> Characters:
    """The characters that are in both sets."""
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            found.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


ANY: Final[Characters] = complement(_FORBIDDEN)
"""What ``?`` stands for: every character that a segment may carry."""


def one(character: str) -> Characters:
    """The set of a single character."""
    return ((ord(character), ord(character)),)


def is_forbidden(character: str) -> bool:
    """Whether no segment may carry the character; the slash counts, since it separates segments."""
    code = ord(character)
    return any(low <= code <= high for low, high in _FORBIDDEN)


def is_hostile(text: str) -> bool:
    """Whether a text carries a character that no segment may; the slashes between its segments do not count."""
    return _HOSTILE.search(text) is not None


def shown(text: str, length_max: int = 200) -> str:
    """A hostile text made fit for a message: forbidden characters escaped, long tails cut."""
    head = text[:length_max]
    safe = "".join(c if c == "/" or not is_forbidden(c) else f"\\u{ord(c):04x}" for c in head)
    return safe if len(text) <= length_max else f"{safe}…"


@lru_cache(maxsize=4096)
def sample(members: Characters) -> str:
    """One member, the same every time: a plain letter if there is one, and a dot only if there is nothing else."""
    for letter in _SAMPLES:
        if common(members, one(letter)):
            return letter
    codes = (code for low, high in members for code in (low, min(low + 1, high)) if code != 0x2E)
    return chr(next(codes, 0x2E))


def fold_character(character: str) -> str:
    """The character that stands for all its cases; one to one, so lengths never change."""
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


def fold_text(text: str) -> str:
    """A text with every character folded."""
    return text.lower() if text.isascii() else "".join(map(fold_character, text))


def fold(members: Characters) -> Characters:
    """The set of the members' folded forms."""
    table = _folded_by_code()
    kept = common(members, _unchanged())
    images = [image for code, image in table.items() if any(low <= code <= high for low, high in members)]
    return normal([*kept, *((image, image) for image in images)])


def universe(fold_case: bool) -> Characters:
    """What a class is negated against: legal characters, and with folding only folded ones."""
    return common(ANY, _unchanged()) if fold_case else ANY


@lru_cache(maxsize=1)
def _folded_by_code() -> dict[int, int]:
    pairs = ((code, ord(fold_character(chr(code)))) for code in range(_CASED_BELOW))
    return {code: image for code, image in pairs if code != image}


@lru_cache(maxsize=1)
def _unchanged() -> Characters:
    return complement(normal([(code, code) for code in _folded_by_code()]))
