"""What one command wrote is read in stretches, however much of it there is."""

from collections.abc import Sequence

import pytest

from domain.catalogue import REGISTRY
from domain.kernel.ids import Instant
from domain.task.events import TaskReadied
from infrastructure.history.port import Past
from infrastructure.history.reading import NEIGHBOURS_EVENTS, causes_of
from infrastructure.log.archived import Archive, BaseState
from infrastructure.log.mapper import recorded
from infrastructure.log.past_states import PastState
from infrastructure.log.port import LogRow

STATE = TaskReadied(reason="planned", at=Instant(1)).stored()


class Rows(Past):
    """Events of commands by name, some of which are gone; counts how often it is asked."""

    def __init__(self, commands: Sequence[str]) -> None:
        self.rows = [_row(position, command) for position, command in enumerate(commands, 1) if command]
        self.asked = 0

    def head(self) -> int:
        return self.rows[-1].position

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        self.asked += 1
        return [row for row in self.rows if row.position > after][:limit]

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return [row for row in self.rows if row.stream == stream and row.version > after][:limit]

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        return None

    def archives(self) -> list[Archive]:
        return []

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        return {}

    def has_stream(self, stream: str) -> bool:
        return any(row.stream == stream for row in self.rows)


def _row(position: int, command: str) -> LogRow:
    name = f"task_{position}"
    return LogRow(position, name, 1, TaskReadied.TYPE, 1, STATE, 1, "proj_1", "key_1", command, command, None, None)


def siblings(log: Rows, position: int) -> list[int]:
    row = next(row for row in log.rows if row.position == position)
    return [one.position for one in causes_of(log, recorded(row, REGISTRY), lambda _: iter(())).siblings]


@pytest.mark.parametrize("length", [1, 2, NEIGHBOURS_EVENTS, NEIGHBOURS_EVENTS + 1, 3 * NEIGHBOURS_EVENTS + 7])
@pytest.mark.parametrize("before", [0, 1, NEIGHBOURS_EVENTS])
def test_all_events_of_a_command_are_found_and_no_others(length: int, before: int) -> None:
    commands = ["other"] * before + ["mine"] * length + ["other"] * 3
    for place in {0, length // 2, length - 1}:
        log, mine = Rows(commands), range(before + 1, before + length + 1)
        assert siblings(log, before + 1 + place) == [one for one in mine if one != before + 1 + place]
        assert log.asked <= 4 + length // NEIGHBOURS_EVENTS


def test_what_lies_behind_a_gap_is_not_of_the_command() -> None:
    for length in (3, 3 * NEIGHBOURS_EVENTS):
        log = Rows(["mine", "", *["mine"] * length, "", "mine"])
        assert siblings(log, length) == [one for one in range(3, length + 3) if one != length]
