"""A lock space with a queue in the plainest words: sets of paths, lists, and searches without an end in mind.

It shares no code with the domain: overlap is the meeting of two sets, the graph of waits is built for each question.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import product

NAMES = ("a", "b", "ab", "c")
DEPTH = 3
WORLD = tuple("/".join(names) for depth in range(1, DEPTH + 1) for names in product(NAMES, repeat=depth))
"""Every path that can tell two of the model's patterns apart."""
COMPATIBLE = {
    ("intent", "intent"),
    ("intent", "shared"),
    ("intent", "update"),
    ("intent", "exclusive"),
    ("shared", "intent"),
    ("shared", "shared"),
    ("shared", "update"),
    ("update", "intent"),
    ("update", "shared"),
    ("exclusive", "intent"),
}

Claim = tuple[str, str]
"""Pattern and mode."""
Who = tuple[str, str | None]
"""Session, and the task of its attempt; None is the session itself."""
NOBODY = "/0"
"""Instead of a session: the task stands for itself, since nobody could take it for its locks."""


@cache
def covered(pattern: str) -> frozenset[str]:
    """The paths of the small world that a claim covers."""
    parts = pattern.split("/")
    text = ""
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            text += "[^/]+(/[^/]+)*" if last else "([^/]+/)*"
            continue
        text += re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + ("" if last else "/")
    match = re.compile(f"{text}(/.*)?")
    return frozenset(path for path in WORLD if match.fullmatch(path))


@dataclass
class HeldLocks:
    """A grant."""

    token: int
    who: Who
    claims: tuple[Claim, ...]
    orphan: bool = False


@dataclass
class Request:
    """A request that waits."""

    number: int
    who: Who
    claims: tuple[Claim, ...]
    key: tuple[int, int]
    replaces: int = 0
    """The token of an upgrade, which ends once this is granted."""


@dataclass
class QueueModel:
    """Grants and requests; every answer is computed from scratch."""

    held: list[HeldLocks] = field(default_factory=list)
    waiting: list[Request] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    """Session -> the one right above it."""

    def but(self, held: list[HeldLocks], waiting: list[Request]) -> "QueueModel":
        """Other grants and requests in the same families."""
        return QueueModel(held, waiting, self.parents)

    def collide(
        self, first: Who, claims: tuple[Claim, ...], second: Who, wanted: tuple[Claim, ...], orphan: bool
    ) -> bool:
        """Whether the second owner cannot have what it wants while the first has its claims."""
        return collide(first, claims, second, wanted, orphan, self.parents)

    def holders_in_the_way(self, request: Request) -> list[HeldLocks]:
        return [one for one in self.held if self.collide(one.who, one.claims, request.who, request.claims, one.orphan)]

    def edges(self) -> dict[int, set[object]]:
        """Request -> what it waits for: owners as pairs, orphans as tokens, requests as numbers."""
        found: dict[int, set[object]] = {
            one.number: {held.token if held.orphan else held.who for held in self.holders_in_the_way(one)}
            for one in self.waiting
        }
        ordered = sorted(self.waiting, key=lambda one: one.key)
        for place, later in enumerate(ordered):
            for earlier in ordered[:place]:
                conflict = self.collide(earlier.who, earlier.claims, later.who, later.claims, False)
                if conflict and not self.reaches(found, earlier.who, later.who):
                    found[later.number].add(("request", earlier.who))
        return found

    def grantable(self) -> Request | None:
        """The first request in key order that nothing blocks."""
        edges = self.edges()
        return next((one for one in sorted(self.waiting, key=lambda one: one.key) if not edges[one.number]), None)

    def deadlocked(self, request: Request) -> bool:
        """Whether the queue with the request in it could not be emptied by those who do not wait."""
        return not self.but(list(self.held), [*self.waiting, request]).drains()

    def drains(self) -> bool:
        """Whether everybody is served once the owners that do not wait give back what they hold, again and again."""
        held, waiting = list(self.held), list(self.waiting)
        while waiting:
            names = {one.who for one in waiting}
            held = [one for one in held if one.who in names and not one.orphan]
            again = self.but(held, waiting)
            served = again.grantable()
            if served is None:
                return False
            waiting = [one for one in waiting if one.number != served.number]
            held.append(HeldLocks(-served.number, served.who, served.claims))
        return True

    def contains(self, outer: object, inner: Who) -> bool:
        """Whether one contains the other: a session its attempts, a task by itself those, and whatever is of a session
        those below it."""
        if not isinstance(outer, tuple) or outer == inner:
            return False
        return outer in ((inner[0], None), (NOBODY, inner[1])) or outer[0] in above(inner[0], self.parents)

    def reaches(self, edges: dict[int, set[object]], start: Who, goal: Who) -> bool:
        """Whether one waits, directly or through others, for another or for what that holds who contains it."""
        requests: dict[object, list[int]] = {}
        for one in self.waiting:
            requests.setdefault(one.who, []).append(one.number)
        seen: set[object] = set()
        open_nodes: list[object] = [start]
        while open_nodes:
            node = open_nodes.pop()
            if node in seen or node not in requests:
                continue
            seen.add(node)
            for following in [target for number in requests[node] for target in edges[number]]:
                target = following[1] if isinstance(following, tuple) and following[0] == "request" else following
                if target == goal or (target is following and self.contains(target, goal)):
                    return True
                open_nodes.append(target)
        return False


def collide(
    first: Who,
    claims: tuple[Claim, ...],
    second: Who,
    wanted: tuple[Claim, ...],
    orphan: bool,
    parents: dict[str, str] | None = None,
) -> bool:
    """Whether the second owner cannot have what it wants while the first has its claims."""
    return any(
        covered(pattern) & covered(other)
        and (mode, other_mode) not in COMPATIBLE | {("exclusive", "intent")}
        and (orphan or bars(first, mode, second, other_mode, parents or {}))
        for pattern, mode in claims
        for other, other_mode in wanted
    )


def bars(first: Who, mode: str, second: Who, wanted: str, parents: dict[str, str]) -> bool:
    """Locks of the session do not bar its attempts; the session may not write where an attempt writes. The same holds
    for a session, with all its attempts, and those that stand below it.

    What a task has asked for or holds by itself is for whoever works on it.
    """
    if first == second or (first[0] == NOBODY and first[1] == second[1]):
        return False
    if first[0] in above(second[0], parents):
        return False
    if second[0] in above(first[0], parents):
        return (mode, wanted) == ("exclusive", "exclusive")
    if first[0] != second[0]:
        return True
    if first[1] is None:
        return False
    return (mode, wanted) == ("exclusive", "exclusive") if second[1] is None else True


def above(session: str, parents: dict[str, str]) -> list[str]:
    """The sessions above, the nearest first."""
    found: list[str] = []
    while session in parents:
        session = parents[session]
        found.append(session)
    return found
