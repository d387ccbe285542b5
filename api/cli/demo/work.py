"""The work of the demo: tasks on some twenty files, whose scopes overlap in known ways; the same for the same seed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from domain.kernel.values import ScopeClaim
from domain.kernel.work import RetryRule
from domain.task.commands import Need, PlannedTask

AREAS: Final = 5
PARTS: Final = 4
THINK_SECONDS: Final = 0.03
NEEDS_PERCENT: Final = 25
"""Of the tasks, how many need one or two earlier ones."""
NEEDED_AMONG: Final = 40
"""A need is one of so many tasks before it."""
KINDS: Final = (("file", 50), ("files", 70), ("folder", 82), ("column", 90), ("survey", 100))
"""Kinds of tasks, each up to a cumulated percentage."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """One task: what it does to the repository, and what it asks to be kept for itself."""

    key: str
    kind: str
    edits: tuple[str, ...]
    reads: tuple[str, ...]
    report: str
    scope: tuple[ScopeClaim, ...]
    needs: tuple[str, ...]


def files() -> tuple[str, ...]:
    """The files that are there from the beginning."""
    return tuple(_file(area, part) for area in range(AREAS) for part in range(PARTS))


def pieces_of(tasks: int, seed: int) -> tuple[Piece, ...]:
    """So many tasks, by dice that fall the same way for the same seed, on every machine."""
    return tuple(_piece(number, _Dice(seed, number)) for number in range(tasks))


def planned(piece: Piece, *, guarded: bool) -> PlannedTask:
    """The task as the server gets it; unguarded it keeps its needs and says nothing of what it touches."""
    errand = {"edits": piece.edits, "reads": piece.reads, "report": piece.report, "think_seconds": THINK_SECONDS}
    return PlannedTask(
        key=piece.key,
        title=f"{piece.kind}: {', '.join(piece.edits) or piece.report}"[:300],
        body=json.dumps(errand),
        kind="demo",
        needs=tuple(Need(task=key) for key in piece.needs),
        scope=piece.scope if guarded else (),
        retry=RetryRule(max_attempts=5, backoff_seconds_first=0.5, backoff_seconds_max=2.0),
        timeout_seconds=120,
    )


class _Dice:
    """Numbers that follow from seed and task."""

    def __init__(self, seed: int, number: int) -> None:
        self._text = f"{seed}:{number}"
        self._throws = 0

    def below(self, bound: int) -> int:
        self._throws += 1
        digest = sha256(f"{self._text}:{self._throws}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % bound

    def some(self, count: int, among: Sequence[T]) -> tuple[T, ...]:
        """So many different ones, in their order."""
        left = list(enumerate(among))
        chosen = sorted(left.pop(self.below(len(left))) for _ in range(min(count, len(left))))
        return tuple(one for _, one in chosen)


def _piece(number: int, dice: _Dice) -> Piece:
    key = f"task-{number:04d}"
    throw = dice.below(100)
    kind = next(kind for kind, up_to in KINDS if throw < up_to)
    edits, reads, report, scope = _touched(kind, key, dice)
    earlier = range(max(0, number - NEEDED_AMONG), number)
    wanted = 1 + dice.below(2) if dice.below(100) < NEEDS_PERCENT else 0
    needs = tuple(f"task-{other:04d}" for other in dice.some(wanted, earlier))
    return Piece(key, kind, edits, reads, report, scope, needs)


Touched = tuple[tuple[str, ...], tuple[str, ...], str, tuple[ScopeClaim, ...]]
"""Edits, reads, report and scope."""


def _touched(kind: str, key: str, dice: _Dice) -> Touched:
    area, part = dice.below(AREAS), dice.below(PARTS)
    match kind:
        case "file":
            name = _file(area, part)
            return (name,), (), "", (_exclusive(name),)
        case "files":
            edits = dice.some(2, files())
            return edits, (), "", tuple(_exclusive(one) for one in edits)
        case "folder":
            edits = dice.some(2, [_file(area, one) for one in range(PARTS)])
            return edits, (), "", (_exclusive(f"src/area-{area}/**"),)
        case "column":
            edits = dice.some(2, [_file(one, part) for one in range(AREAS)])
            return edits, (), "", (_exclusive(f"src/*/part-{part}.txt"),)
        case _:
            # A survey only reads, so any number of them share an area; nobody may write there meanwhile.
            reads = tuple(_file(area, one) for one in range(PARTS))
            report = f"surveys/{key}.txt"
            shared = ScopeClaim(claim=f"path:repo//src/area-{area}/**", mode="shared")
            return (), reads, report, (shared, _exclusive(report))


def _file(area: int, part: int) -> str:
    return f"src/area-{area}/part-{part}.txt"


def _exclusive(pattern: str) -> ScopeClaim:
    return ScopeClaim(claim=f"path:repo//{pattern}")
