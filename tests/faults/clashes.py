"""Whether grants may live side by side, from the words of the contract, over a small world of paths."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

NAMES = ("a", "b", "ab", "c")
DEPTH = 3
WORLD = tuple("/".join(names) for depth in range(1, DEPTH + 1) for names in product(NAMES, repeat=depth))
"""Every path that can tell two patterns of at most two segments over these names apart."""
REPOSITORY = "path:r//"
"""Where the small world is."""
Parents = Mapping[str, str | None]
"""Session -> the one right above it."""


@dataclass(slots=True)
class Held:
    """A grant, as the log tells of it."""

    session: str
    incarnation: int
    task: str | None
    claims: tuple[tuple[str, str], ...]
    lingers: bool = False


def clash(held: Held, wanted: Held, parents: Parents) -> bool:
    """Whether the second cannot be granted beside the first."""
    return any(
        held.lingers or _bars(held, mode, wanted, wanted_mode, parents) for mode, wanted_mode in _meeting(held, wanted)
    )


def torn(grants: Mapping[int, Held], parents: Parents) -> Iterable[str]:
    """Grants of strangers that meet, as they do when a session leaves its family with locks that only one may hold.

    What lingers may lie in what others hold: its owner was above or below them once, and is gone.
    """
    live = [(token, one) for token, one in grants.items() if not one.lingers]
    for (token, one), (other_token, other) in combinations(live, 2):
        if one.session == other.session or related(one.session, other.session, parents):
            continue
        if any(_meeting(one, other)):
            yield f"{token} of {one.session} meets {other_token} of the stranger {other.session}"


def related(one: str, other: str, parents: Parents) -> bool:
    """Whether one of two sessions stands above the other."""
    return one in above(other, parents) or other in above(one, parents)


def above(session: str, parents: Parents) -> list[str]:
    """The sessions above, the nearest first."""
    found: list[str] = []
    while (parent := parents.get(session)) is not None and parent not in found:
        found.append(parent)
        session = parent
    return found


def _meeting(held: Held, wanted: Held) -> Iterable[tuple[str, str]]:
    """The modes of each two claims that meet and are not both shared."""
    for pattern, mode in held.claims:
        for other, other_mode in wanted.claims:
            if not mode == other_mode == "shared" and covered(pattern) & covered(other):
                yield mode, other_mode


def _bars(held: Held, mode: str, wanted: Held, wanted_mode: str, parents: Parents) -> bool:
    """What the one above holds is open to those below; it does not write where one below writes."""
    both_write = mode == wanted_mode == "exclusive"
    if held.session != wanted.session:
        if held.session in above(wanted.session, parents):
            return False
        return both_write or wanted.session not in above(held.session, parents)
    if held.incarnation != wanted.incarnation or (held.task and wanted.task and held.task != wanted.task):
        return True
    return held.task is not None and wanted.task is None and both_write


@cache
def covered(claim: str) -> frozenset[str]:
    """The paths of the small world that a claim covers, by a regular expression of its own.

    Outside of that world claims do not meet but with themselves: whoever makes other loads sees to that.
    """
    if not claim.startswith(REPOSITORY):
        return frozenset({claim})
    parts = claim.partition("//")[2].split("/")
    text = ""
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            text += "[^/]+(/[^/]+)*" if last else "([^/]+/)*"
        else:
            text += re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + ("" if last else "/")
    match = re.compile(f"{text}(/.*)?")
    found = frozenset(path for path in WORLD if match.fullmatch(path))
    assert found, f"{claim} says nothing about the small world"
    return found
