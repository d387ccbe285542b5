"""One segment of a pattern: a plain name, a glob, or ``**``; how it is read and what it matches."""

import re
from dataclasses import dataclass, field
from typing import Final, assert_never

from domain.lock import characters
from domain.lock.characters import ANY, DOT, Characters

STARS_PER_SEGMENT_MAX: Final = 4
_SPECIAL: Final = "*?[\\"
_SPECIAL_IN_CLASS: Final = "[]!^-\\"


@dataclass(frozen=True, slots=True)
class Star:
    """``*``: any run of characters, also none."""


@dataclass(frozen=True, slots=True)
class AnyDepth:
    """``**``: any number of segments; at the end of a pattern at least one."""


Atom = Star | Characters


@dataclass(frozen=True, slots=True)
class Glob:
    """A segment with wildcards; equal by canonical text and folding."""

    text: str
    fold_case: bool
    atoms: tuple[Atom, ...] = field(compare=False, repr=False)
    expression: re.Pattern[str] = field(compare=False, repr=False)

    def matches(self, name: str) -> bool:
        """Whether a plain (and, with folding, folded) segment is in the language."""
        return self.expression.fullmatch(name) is not None


Name = str
"""A segment without wildcards, unescaped."""
Segment = Name | Glob | AnyDepth

STAR: Final = Star()
ANY_DEPTH: Final = AnyDepth()
EVERY_NAME: Final = Glob("*", fold_case=False, atoms=(STAR,), expression=re.compile(".*", re.DOTALL))


class MalformedError(Exception):
    """Control flow inside the parser: the text is refused for this reason."""


def read_segment(text: str, fold_case: bool) -> tuple[str, Segment]:
    """The canonical text and meaning of one segment; raises ``MalformedError``."""
    if text == "**":
        return text, ANY_DEPTH
    if not any(letter in text for letter in _SPECIAL):
        plain = characters.fold_text(text) if fold_case else text
        return plain, plain
    pieces, atoms = _scan(text, fold_case)
    canonical = "".join(pieces)
    if all(piece[0] not in "*?[" for piece in pieces):
        return canonical, "".join(piece[-1] for piece in pieces)
    _refuse_empty_language(text, atoms)
    return canonical, Glob(canonical, fold_case, tuple(atoms), _expression(atoms))


def escaped(name: str) -> str:
    """The pattern that matches exactly this plain name."""
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in name)


def _scan(text: str, fold_case: bool) -> tuple[list[str], list[Atom]]:
    pieces: list[str] = []
    atoms: list[Atom] = []
    place = 0
    while place < len(text):
        place, piece, atom = _read_atom(text, place, fold_case)
        if atom == STAR and atoms and atoms[-1] == STAR:
            raise MalformedError("`**` stands only as a whole segment")
        pieces.append(piece)
        atoms.append(atom)
    if atoms.count(STAR) > STARS_PER_SEGMENT_MAX:
        raise MalformedError(f"a segment holds at most {STARS_PER_SEGMENT_MAX} `*`")
    return pieces, atoms


def _read_atom(text: str, place: int, fold_case: bool) -> tuple[int, str, Atom]:
    """The place after it, its canonical text, and its meaning."""
    letter = text[place]
    if letter == "*":
        return place + 1, letter, STAR
    if letter == "?":
        return place + 1, letter, ANY
    if letter == "[":
        return _read_class(text, place, fold_case)
    piece = _read_letter(text, place, _SPECIAL)
    canonical = characters.fold_text(piece) if fold_case else piece
    return place + len(piece), canonical, characters.one(canonical[-1])


def _read_letter(text: str, place: int, escapable: str) -> str:
    """A letter, or a backslash with the letter that needs it: every plain name has exactly one spelling."""
    if text[place] != "\\":
        return text[place]
    following = text[place + 1 : place + 2]
    if following == "" or following not in escapable:
        raise MalformedError(f"a backslash only escapes one of {' '.join(escapable)}, and segments are parted by /")
    return text[place : place + 2]


def _read_class(text: str, start: int, fold_case: bool) -> tuple[int, str, Characters]:
    """``[a-z]`` or ``[!a-z]`` from its bracket on: the place after it, its canonical text and its members.

    Where letter case is folded, the text names folded characters only, so that it means the same to who reads it
    without folding, beside other folded texts.
    """
    negated = text[start + 1 : start + 2] == "!"
    place = start + 2 if negated else start + 1
    ranges: list[tuple[int, int]] = []
    while text[place : place + 1] != "]":
        low, place = _read_member(text, place)
        high = low
        if text[place : place + 1] == "-":
            high, place = _read_member(text, place + 1)
        if high < low:
            raise MalformedError("a range in a class runs backwards")
        ranges.append((low, high))
    if not ranges:
        raise MalformedError("a class is empty")
    members = characters.normal(ranges)
    canonical = text[start : place + 1]
    if fold_case and characters.fold(members) != members:
        members = characters.common(characters.fold(members), characters.ANY)
        canonical = f"[{'!' if negated else ''}{''.join(map(_written, members))}]"
    members = characters.complement(members) if negated else members
    return place + 1, canonical, characters.common(members, characters.universe(fold_case))


def _written(members: tuple[int, int]) -> str:
    """A range as it stands in a class."""
    low, high = (f"\\{chr(code)}" if chr(code) in _SPECIAL_IN_CLASS else chr(code) for code in members)
    return low if low == high else f"{low}-{high}"


def _read_member(text: str, place: int) -> tuple[int, int]:
    """Code point of one member of a class, and the place after it."""
    if place >= len(text):
        raise MalformedError("a class is not closed")
    if text[place] in "[]!^-":
        raise MalformedError("inside a class, [ ] ! ^ and - are written with a backslash; negation is [!a]")
    piece = _read_letter(text, place, _SPECIAL_IN_CLASS)
    return ord(piece[-1]), place + len(piece)


def _refuse_empty_language(text: str, atoms: list[Atom]) -> None:
    """A claim that can match no name is a mistake; it would also break the proof of the overlap rule."""
    only_dots = len(atoms) <= 2 and all(atom == DOT for atom in atoms)
    if only_dots or () in atoms:
        raise MalformedError(f"no name matches the segment {characters.shown(text)}")


def _expression(atoms: list[Atom]) -> re.Pattern[str]:
    """An equivalent regular expression that cannot backtrack across stars, so time is at most length x length."""
    chunks = [""]
    for atom in atoms:
        match atom:
            case Star():
                chunks.append("")
            case tuple():
                chunks[-1] += _class_expression(atom)
            case _:
                assert_never(atom)
    first, rest = chunks[0], chunks[1:]
    middle = "".join(f"(?>.*?{chunk})" for chunk in rest[:-1])
    last = f".*{rest[-1]}" if rest else ""
    return re.compile(first + middle + last, re.DOTALL)


def _class_expression(members: Characters) -> str:
    if members == ANY:
        return "."
    return "[" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in members) + "]"
