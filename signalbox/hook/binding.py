"""Where a line of shell gives a variable its value: assignments, loops over words, and what is read from a pipe."""

import itertools

from signalbox.hook.expansion import ASSIGNMENT, UNKNOWN

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from signalbox.hook.writes import Writes

_LEADING = frozenset({"then", "else", "do", "{", "!", "if", "elif", "while", "until"})
_DECLARING = frozenset({"export", "local", "declare", "readonly", "typeset"})


def bind(words: list[str], found: "Writes", *, more: bool) -> bool:
    """Whether it is one of the shell's own words that give variables their values; ``more`` adds to what they have."""
    words = [*itertools.dropwhile(_LEADING.__contains__, words)]
    name = "".join(words[:1])
    if name == "for" and len(words) > 1:
        items = words[3:] if words[2:3] == ["in"] else found.values.of("@", found.cwd)[0:1]
        found.values.set(words[1], [one for item in items for one in _names_for(item, found)], more=more)
        return True
    reads = [*itertools.dropwhile(lambda word: ASSIGNMENT.fullmatch(word) is not None, words)]
    if reads[:1] == ["read"]:
        from signalbox.hook.indirect import listed_by_all

        names = [word for word in reads[1:] if not word.startswith("-")]
        rows = found.taken().splitlines() or ([] if found.is_trial else listed_by_all(found.before, found))
        found.values.set("".join(names[:1]), rows, more=more)
        return True
    if name in _DECLARING:
        words = [word for word in words[1:] if not word.startswith("-")]
    assigned = [ASSIGNMENT.fullmatch(word) for word in words]
    if not words or not all(assigned):
        return False
    for match in assigned:
        if match is not None:
            found.values.set(match[1], [] if UNKNOWN in match[2] else [match[2]], more=more)
    return True


def text_printed(words: list[str], found: "Writes") -> str:
    """What a command hands to the one behind the pipe, where it is a text that stands in the line."""
    if words == ["cat"]:
        return found.stdin
    return " ".join(words[1:]) if words[:1] == ["echo"] and not any(UNKNOWN in word for word in words) else ""


def _names_for(item: str, found: "Writes") -> list[str]:
    """What a word of a loop comes to: files, where it is a pattern."""
    if UNKNOWN in item:
        return []
    return [one for line in item.split("\n") for one in found.named(line)]
