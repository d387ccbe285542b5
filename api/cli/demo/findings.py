"""What the repository says about the work: lines lost or doubled, counters that went wrong, orders not kept."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from api.cli.demo.repository import Commit, History
from api.cli.demo.work import Piece


@dataclass(frozen=True, slots=True)
class Findings:
    """Each finding is a sentence; none at all is what locks promise."""

    lost_lines: tuple[str, ...]
    doubled_lines: tuple[str, ...]
    wrong_counters: tuple[str, ...]
    """Files whose counter does not say how many tasks raised it."""
    overwritten: tuple[str, ...]
    """Commits that took lines away which other tasks had written."""
    disordered: tuple[str, ...]
    """Files whose lines do not count 1, 2, 3 …, commits before those they needed, merges."""
    lines: int
    """Lines that should be there."""
    updates_lost: int
    """Raises of a counter that are missing, over all files."""


def examine(pieces: Sequence[Piece], history: History) -> Findings:
    """Compare the repository with the work that was asked for."""
    wanted = {(name, piece.key) for piece in pieces for name in _written(piece)}
    there = Counter((name, key) for name, text in history.files.items() for _, key in _lines(text))
    counters = [(name, count, _counter(history.files.get(name, ""))) for name, count in sorted(_edited(pieces).items())]
    return Findings(
        lost_lines=tuple(f"{name} lacks the line of {key}" for name, key in sorted(wanted - there.keys())),
        doubled_lines=tuple(
            f"{name} has {count} lines of {key}, not {int((name, key) in wanted)}"
            for (name, key), count in sorted(there.items())
            if count > int((name, key) in wanted)
        ),
        wrong_counters=tuple(
            f"{name} counts {is_now} where {count} tasks each added one"
            for name, count, is_now in counters
            if is_now != count
        ),
        overwritten=tuple(_removals(history.commits)),
        disordered=(*_sequences(pieces, history.files), *_needs(pieces, history.commits), *_merges(history)),
        lines=len(wanted),
        updates_lost=sum(max(0, count - is_now) for _, count, is_now in counters),
    )


def _written(piece: Piece) -> tuple[str, ...]:
    return (*piece.edits, piece.report) if piece.report else piece.edits


def _lines(text: str) -> list[tuple[int, str]]:
    """Number and task of each line, without the counter."""
    return [(int(number), key) for number, key in re.findall(r"^(\d+) (\S+)$", text, flags=re.MULTILINE)]


def _edited(pieces: Iterable[Piece]) -> Counter[str]:
    return Counter(chain.from_iterable(piece.edits for piece in pieces))


def _counter(text: str) -> int:
    """The first line's number; -1 where it is none."""
    found = re.match(r"count: (\d+)\n", text)
    return -1 if found is None else int(found.group(1))


def _removals(commits: Sequence[Commit]) -> list[str]:
    """A commit replaces the counter and adds a line; any other line that it removes was somebody else's work."""
    return [
        f"the commit of {commit.task} removed {removed} lines of {name} and added {added}"
        for commit in commits
        for added, removed, name in commit.changes
        if (added, removed) not in ((2, 1), (1, 0))
    ]


def _sequences(pieces: Sequence[Piece], files: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    for name in sorted(_edited(pieces)):
        numbers = [number for number, _ in _lines(files.get(name, ""))]
        if numbers != list(range(1, len(numbers) + 1)):
            found.append(f"the lines of {name} do not count 1, 2, 3 …: {numbers[:20]}")
    return found


def _needs(pieces: Sequence[Piece], commits: Sequence[Commit]) -> list[str]:
    """Every task has one commit, behind those of the tasks that it needed."""
    places: dict[str, list[int]] = {piece.key: [] for piece in pieces}
    for place, commit in enumerate(commits):
        places.setdefault(commit.task, []).append(place)
    found = [f"{key} has {len(own)} commits" for key, own in sorted(places.items()) if len(own) != 1]
    early = (
        f"{piece.key} was committed before {need}, which it needs"
        for piece in pieces
        for need in piece.needs
        if places[piece.key] and places[need] and places[piece.key][0] < places[need][0]
    )
    return [*found, *early]


def _merges(history: History) -> list[str]:
    return [f"the history has {history.merges} merges"] if history.merges else []
