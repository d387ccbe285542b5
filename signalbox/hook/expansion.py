"""What a shell makes of the words of a command before it runs it: variables, braces, and what other commands print."""

import os
import re
from itertools import product

from signalbox.hook.quoting import DOLLAR_WITHIN, opened, run_of
from signalbox.hook.reading import UnreadableError

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable

    Printed = Callable[[int], str]
    """What a line that stands in another one prints, by its number; empty where that is not known."""

WAYS_MAX = 200
"""As which one command is read; beyond it all values stand in one reading."""
VALUES_MAX = 1_000
"""Of one variable, and words that one word may come to."""
WORDS_MAX = 20_000
"""Of one command; beyond it braces are not opened."""
CHARACTERS_MAX = 16 * 1_048_576
"""Of all that is put in place of something in one line: a variable that doubles itself has no end otherwise."""
UNKNOWN = "$"
"""Instead of what only a shell could tell: nothing that has it in it is a path."""
_DOLLAR = f"[${DOLLAR_WITHIN}]"
_VARIABLE = re.compile(
    rf"({_DOLLAR})(?:\{{([A-Za-z_]\w*|[0-9@*])(?:(:?[-=+?#%/^,:@])([^{{}}]*))?\}}|([A-Za-z_]\w*|[0-9@*]))"
)
_BRACES = re.compile(rf"(?<!{_DOLLAR})\{{((?:[^{{}}]*,[^{{}}]*)|(-?\d+)\.\.(-?\d+)|([a-zA-Z])\.\.([a-zA-Z]))\}}")
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)


class Room:
    """How much may still be put in place of what stands in a line."""

    def __init__(self) -> None:
        self._left = CHARACTERS_MAX

    def take(self, characters: int) -> None:
        """Raises UnreadableError where there is not so much room left."""
        self._left -= characters
        if self._left < 0:
            raise UnreadableError(f"what the line stands for has more than {CHARACTERS_MAX} characters; do it in parts")


class Values:
    """What variables may be: each of a row of texts, one after the other, or nothing that is known."""

    def __init__(self, known: "dict[str, tuple[str, ...]] | None" = None, room: "Room | None" = None) -> None:
        self.known = known if known is not None else {}
        self.room = room or Room()
        """For all that belongs to one line, however often its variables are copied."""

    def copied(self, given: "list[str] | None" = None) -> "Values":
        """For a line inside of this one, which is given words of its own."""
        found = Values(dict(self.known), self.room)
        if given is not None:
            for name in [one for one in found.known if not one[0].isalpha() and one[0] != "_"]:
                del found.known[name]
            found.known |= {str(place): (word,) for place, word in enumerate(given[:10])}
            found.known["@"] = ("\n".join(given[1:]),)
        return found

    def set(self, name: str, values: "list[str]", *, more: bool = False) -> None:
        """It may be each of these; with ``more`` also what it was before."""
        former = self.known.get(name, ()) if more else ()
        self.known[name] = tuple(dict.fromkeys([*former, *values]))[:VALUES_MAX]

    def of(self, name: str, cwd: str) -> "tuple[str, ...]":
        """Nothing where it is not known."""
        name = "@" if name == "*" else name
        if name in self.known:
            return self.known[name]
        if name == "PWD":
            return (cwd,)
        said = os.path.expanduser("~") if name == "HOME" else os.environ.get(name, "")
        return (said,) if said else ()


def expanded(words: "list[str]", values: Values, cwd: str, printed: "Printed") -> "list[list[str]]":
    """The command as often as its variables have values, each time with one value of each."""
    names = dict.fromkeys(name for word in words for name in _names_in(word))
    rows = {name: found for name in names if len(found := values.of(name, cwd)) > 1}
    total = 1
    for found in rows.values():
        total *= len(found)
    if total > WAYS_MAX:
        for found in rows.values():
            values.room.take(sum(len(one) for one in found))
        whole = Values(values.known | {name: ("\n".join(found),) for name, found in rows.items()}, values.room)
        return [_words(words, whole, cwd, printed, apart=True)]
    ways = [dict(zip(rows, one, strict=True)) for one in product(*rows.values())]
    return [
        _words(words, Values(values.known | {name: (value,) for name, value in way.items()}, values.room), cwd, printed)
        for way in ways
    ]


def _words(words: "list[str]", values: Values, cwd: str, printed: "Printed", *, apart: bool = False) -> "list[str]":
    found: list[str] = []
    for word in words:
        for one in _braces(word, values.room) if len(found) < WORDS_MAX else [word]:
            found += _one(one, values, cwd, printed, apart=apart)
    return found


def _one(word: str, values: Values, cwd: str, printed: "Printed", *, apart: bool) -> "list[str]":
    if word.isascii() and "$" not in word:
        return [word]
    splits, pieces, last = False, "", 0

    for match in _VARIABLE.finditer(word):
        sign, name = match[1], match[2] or match[5]
        text = _value(match, values.of(name, cwd))
        within = sign == DOLLAR_WITHIN and not apart and name != "@"
        splits = splits or not within
        values.room.take(match.start() - last + len(text))
        pieces += word[last : match.start()] + (text.replace("\n", " ") if within and "\n" in text else text)
        last = match.end()
    pieces += word[last:]
    whole = ""
    for letter in pieces:
        run = None if letter.isascii() else run_of(letter)
        if run is None:
            whole += letter
            continue
        number, within = run
        text = printed(number) or UNKNOWN
        values.room.take(len(text))
        whole += text
        splits = splits or not within or apart
    if not splits:
        return [opened(whole)]
    parts = whole.split("\n") if "\n" in whole else whole.split()
    return [opened(part) for part in parts if part]


def _value(match: "re.Match[str]", found: "tuple[str, ...]") -> str:
    """What a variable stands for, with what is said of it in its braces."""
    form, word = match[3] or "", match[4] or ""
    if form in ("-", ":-", "=", ":="):
        return found[0] if found else word
    if not found:
        return UNKNOWN
    if form in ("%", "#") and not set(word.lstrip("%#")) & set("*?[$"):
        cut = word.lstrip("%#")
        return found[0].removesuffix(cut) if form == "%" else found[0].removeprefix(cut)
    if form == "%" and word.lstrip("%") in ("/*", ".*"):
        return found[0].rpartition(word[-2])[0] or found[0]
    if form == "#" and word == "#*/":
        return found[0].rpartition("/")[2]
    return found[0] if not form or form in ("+", "?", ":?") else UNKNOWN


def _names_in(word: str) -> "list[str]":
    if word.isascii() and "$" not in word:
        return []
    return [match[2] or match[5] for match in _VARIABLE.finditer(word)]


def _braces(word: str, room: Room) -> "list[str]":
    open_, found = [word], list[str]()
    while open_ and len(found) + len(open_) <= VALUES_MAX:
        one = open_.pop()
        match = _BRACES.search(one) if "{" in one else None
        if match is None:
            found.append(one)
            continue
        parts = _alternatives(match)
        room.take(len(one) * len(parts))
        open_ += [one[: match.start()] + part + one[match.end() :] for part in reversed(parts)]
    return found + open_[::-1]


def _alternatives(match: "re.Match[str]") -> "list[str]":
    if match[2]:
        first, last = int(match[2]), int(match[3])
        step = 1 if first <= last else -1
        return [str(number) for number in range(first, last + step, step)[:VALUES_MAX]]
    if match[4]:
        first, last = ord(match[4]), ord(match[5])
        step = 1 if first <= last else -1
        return [chr(number) for number in range(first, last + step, step)]
    return match[1].split(",")
