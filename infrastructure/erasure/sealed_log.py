"""A log as those see it who may read its words: sealed on the way in, opened on the way out."""

from collections.abc import Sequence
from typing import Any, Final, cast

import structlog

from infrastructure.erasure.base_words import with_words
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import OwnedKeys
from infrastructure.erasure.standing import Standing
from infrastructure.log.archived import BaseState
from infrastructure.log.erasures import ERASED_TYPE
from infrastructure.log.port import Appended, DecideUnderLock, Log, LogRow, Member, MemberResult

_logger = structlog.get_logger("signalbox.erasure")


def sealed_log(log: Log, envelopes: Envelopes, keys: OwnedKeys, standing: Standing | None = None) -> Log:
    """The log with its words under the keys. Whoever hashes, exports or copies rows takes the log itself.

    A subject's key is destroyed as soon as the event that says so is in the log; what was missed by a crash then is
    made up for by the ``Eraser``. With a ``standing`` nothing is kept under keys that were declared lost meanwhile.
    """
    return cast(Log, _SealedLog(log, envelopes, keys, standing))


class _SealedLog:
    """Everything else is the log's own."""

    def __init__(self, log: Log, envelopes: Envelopes, keys: OwnedKeys, standing: Standing | None) -> None:
        self._log: Final = log
        self._standing: Final = standing
        self._envelopes: Final = envelopes
        self._keys: Final = keys
        self.now: Final = log.now
        """Asked several times for each command, so not looked for in one log behind the other."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        results = self._log.append([self._sealed(member) for member in members], now=now)
        self._settle(members, results)
        return results

    def append_locked(self, decide: DecideUnderLock, *, now: int) -> list[MemberResult]:
        members: list[Member] = []

        def decided() -> list[Member]:
            members[:] = decide()
            return [self._sealed(member) for member in members]

        results = self._log.append_locked(decided, now=now)
        self._settle(members, results)
        return results

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        return self._opened(self._log.events_of(stream, after=after, limit=limit))

    def events_of_many(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[LogRow]]:
        return {stream: self._opened(rows) for stream, rows in self._log.events_of_many(wanted).items()}

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        return self._opened(self._log.page(after=after, limit=limit))

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        found = self._log.base_states(streams)
        return {stream: with_words(state, self._envelopes) for stream, state in found.items()}

    def _sealed(self, member: Member) -> Member:
        may_seal = self._envelopes.may_seal
        if not any(may_seal(event.type) for event in member.events):
            return member
        events = tuple(self._envelopes.sealed(event) for event in member.events)
        if self._standing is None or all(new is old for new, old in zip(events, member.events, strict=True)):
            return member._replace(events=events)
        # With the append itself: a node that stood still would write before it has read what others did.
        return member._replace(events=events, reads=(*member.reads, self._standing.read))

    def _opened(self, rows: list[LogRow]) -> list[LogRow]:
        for row in rows:
            if self._standing is not None:
                self._standing.heard(row)
            if row.type == ERASED_TYPE and not self._keys.is_destroyed(row.stream):
                self._keys.forget()
        return [self._envelopes.opened(row) for row in rows]

    def _settle(self, members: Sequence[Member], results: Sequence[MemberResult]) -> None:
        self._destroy(members, results)
        if self._standing is not None:
            for result in results:
                self._standing.answered(result)

    def _destroy(self, members: Sequence[Member], results: Sequence[MemberResult]) -> None:
        for member, result in zip(members, results, strict=True):
            for event in member.events:
                if event.type == ERASED_TYPE and isinstance(result, Appended):
                    try:
                        self._keys.destroy(event.stream)
                    except Exception as error:  # the event is in the log, whatever happens here
                        _logger.warning("a key will be destroyed later", subject=event.stream, error=repr(error))
