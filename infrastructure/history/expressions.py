"""Conditions over the past, asked of tree after tree."""

from collections.abc import Mapping, Sequence
from operator import is_
from typing import Any, Final

from domain.kernel.past.errors import ExpressionNotReadable
from domain.kernel.past.trees import Path, Tree
from infrastructure.expressions.reading import FAULTS, ReadText
from infrastructure.expressions.tokens import NotReadableError
from projections.kernel.errors import RequestRefused

REMEMBERED_MAX: Final = 10_000


class Expression:
    """A condition over named trees. Only the fields that it speaks of are handed to the interpreter, and only where
    it was not asked of the same values before: that is what takes the time.

    A field that is not there makes it false, as far as it matters. Raises RequestRefused for what is no condition.
    """

    def __init__(self, text: str, roots: Sequence[str]) -> None:
        try:
            self._text = ReadText(text, roots)
        except NotReadableError as error:
            raise _refused(str(error)) from error
        self._known: dict[tuple[Any, ...], bool] = {}
        self._seen: list[Any] | None = None
        self._was = False
        self.told = 0
        """How often it was true or false."""
        self.failure = ""
        """Why it could not be told, the last time that it counted as false for that."""

    @property
    def fields(self) -> tuple[Path, ...]:
        """The paths that it speaks of, each beginning with a root."""
        return (*self._text.fields, *self._text.asked)

    @property
    def fixed(self) -> Mapping[str, str]:
        """The texts that roots have to be for it to hold, where it says so plainly."""
        return self._text.fixed

    def holds(self, trees: Mapping[str, Tree]) -> bool:
        """Whether it is true of these trees, by root. Raises RequestRefused where it is neither true nor false."""
        values = self._text.values_in(trees)
        plain = None if self._text.plain is None else self._text.plain(values)
        if plain is not None:
            self.told += 1
            return plain
        if self._seen is not None and all(map(is_, values, self._seen)):
            return self._was
        self._seen = values
        try:
            key = tuple(zip(map(type, values), values, strict=True))
            known = self._known.get(key)
        except TypeError:  # of lists and objects nothing is remembered
            self._was = self._evaluate(values)
            return self._was
        if known is None:
            known = self._evaluate(values)
            if len(self._known) < REMEMBERED_MAX:
                self._known[key] = known
        self._was = known
        return known

    def _evaluate(self, values: list[Any]) -> bool:
        try:
            told = self._text.told(values)
        except FAULTS as error:
            self.failure = self._text.in_words(error, values)
            return False
        if not isinstance(told, bool):
            raise _refused(f"it is {type(told).__name__}, neither true nor false")
        self.told += 1
        return told


def _refused(reason: str) -> RequestRefused:
    return RequestRefused(ExpressionNotReadable(reason=reason))
