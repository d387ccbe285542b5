"""Answers that were just given, so that a quick repeat of a command id costs nothing; receipts know the rest."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from domain.kernel.errors import CommandIdReused
from domain.kernel.message import CommandKey
from infrastructure.runtime.outcome import Outcome, refused

ANSWERS_MAX: Final = 5_000
BYTES_MAX: Final = 8 * 1_048_576

Known = tuple[bytes, Outcome]
"""(digest of the command, its answer)."""


class RecentAnswers:
    """The latest answers by command, bounded by number and by the bytes of their texts."""

    def __init__(self) -> None:
        self._known: OrderedDict[CommandKey, Known] = OrderedDict()
        self._bytes = 0
        self._too_late: set[CommandKey] = set()
        """Commands that were under way when everything was forgotten: their answers may have been read before."""

    def get(self, key: CommandKey) -> Known | None:
        """What was answered, if it is remembered."""
        return self._known.get(key)

    def clear(self, under_way: Iterable[CommandKey] = ()) -> None:
        """Remember nothing: receipts know the answers. Nor what is still to come of commands ``under_way``."""
        self._known.clear()
        self._bytes = 0
        self._too_late = set(under_way)

    def keep(self, key: CommandKey, digest: bytes, outcome: Outcome) -> None:
        """Remember an answer; the oldest ones go."""
        if key in self._too_late:
            self._too_late.remove(key)
            return
        former = self._known.pop(key, None)
        self._bytes += len(outcome.text) - (len(former[1].text) if former else 0)
        self._known[key] = (digest, outcome)
        while len(self._known) > ANSWERS_MAX or self._bytes > BYTES_MAX:
            self._bytes -= len(self._known.popitem(last=False)[1][1].text)


def repeated(command_id: str, known: Known, digest: bytes) -> Outcome:
    """The first answer once more, or a refusal where the id comes with another body."""
    if known[0] != digest:
        return Outcome(refused(CommandIdReused(command_id=command_id)), known[1].position)
    return Outcome(known[1].text, known[1].position, repeated=True)
