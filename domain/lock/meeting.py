"""Whether two segments have a name in common, decided exactly on the product of their automata."""

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from domain.lock import characters
from domain.lock.characters import ANY, Characters
from domain.lock.segment import EVERY_NAME, STAR, Atom, Glob, Name, Star

STEPS_PER_PAIR_MAX: Final = 10_000
"""Product states that one pair of resources may visit."""


class Meeting(NamedTuple):
    """A name that both segments match, or None, and the product states visited to find out.

    With more than ``STEPS_PER_PAIR_MAX`` steps the question is open and the name means nothing.
    """

    name: str | None
    steps: int


_Place = tuple[int, int, int]
"""Atoms passed on the left, on the right, and how far the name is from being neither empty, ``.`` nor ``..``."""
_FIT: Final = 3


def meet(left: Name | Glob, right: Name | Glob) -> Meeting:
    """A common name of two segments; symmetric, and the steps do not depend on what was asked before."""
    if isinstance(left, str):
        if isinstance(right, str):
            return Meeting(left if left == right else None, 0)
        return Meeting(left if right.matches(left) else None, 1)
    if isinstance(right, str):
        return Meeting(right if left.matches(right) else None, 1)
    return _meet_globs(left, right) if left.text <= right.text else _meet_globs(right, left)


def example(segment: Name | Glob) -> str:
    """A name that the segment matches."""
    if isinstance(segment, str):
        return segment
    return meet(segment, EVERY_NAME).name or segment.text


@lru_cache(maxsize=16_384)
def _meet_globs(left: Glob, right: Glob) -> Meeting:
    """Breadth first over the product."""
    origin: _Place = (0, 0, 0)
    came: dict[_Place, tuple[_Place, str]] = {origin: (origin, "")}
    queue: deque[_Place] = deque([origin])
    goal: _Place = (len(left.atoms), len(right.atoms), _FIT)
    while queue and len(came) <= STEPS_PER_PAIR_MAX:
        place = queue.popleft()
        if place == goal:
            return Meeting(_plainer(_spell(came, goal), left, right), len(came))
        for following, letter in _moves(left.atoms, right.atoms, place):
            if following not in came:
                came[following] = (place, letter)
                if letter:
                    queue.append(following)
                else:
                    queue.appendleft(following)
    return Meeting(None, len(came))


def _moves(left: tuple[Atom, ...], right: tuple[Atom, ...], place: _Place) -> Iterator[tuple[_Place, str]]:
    """Where one letter leads, or none where a star ends."""
    i, j, fitness = place
    one = left[i] if i < len(left) else None
    other = right[j] if j < len(right) else None
    stays, other_stays = isinstance(one, Star), isinstance(other, Star)
    if stays:
        yield (i + 1, j, fitness), ""
    if other_stays:
        yield (i, j + 1, fitness), ""
    if one is None or other is None:
        return
    letters = _letters(one, other)
    if letters:
        letter = characters.sample(letters)
        yield (i if stays else i + 1, j if other_stays else j + 1, _fitter(fitness, letter)), letter


def _letters(one: Atom, other: Atom) -> Characters:
    if isinstance(one, Star):
        return ANY if isinstance(other, Star) else other
    if isinstance(other, Star) or one == other:
        return one
    return characters.common(one, other)


def _fitter(fitness: int, letter: str) -> int:
    """Dots alone must be three; taking another letter where there is one can only help, so one sample is enough."""
    return min(fitness + 1, _FIT) if letter == "." else _FIT


def _spell(came: dict[_Place, tuple[_Place, str]], goal: _Place) -> str:
    letters: list[str] = []
    place = goal
    while place != (0, 0, 0):
        place, letter = came[place]
        letters.append(letter)
    return "".join(reversed(letters))


def _plainer(name: str, left: Glob, right: Glob) -> str:
    """``x.py`` instead of ``.py`` where both sides begin with a star."""
    starred = left.atoms[0] == STAR and right.atoms[0] == STAR
    return f"x{name}" if starred and name.startswith(".") else name
