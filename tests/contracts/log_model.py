"""A slow, plain model of a log: one member at a time, against the list of everything that went before."""

from dataclasses import dataclass, field

from domain.kernel.decider import LeaseChange
from infrastructure.log.port import Appended, Member, Moved


@dataclass
class LogModel:
    """Answers what the log should answer. It keeps lists and looks through them; speed is no concern here."""

    position: int = 0
    recorded_at: int = 0
    events: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    names: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])
    leases: dict[tuple[str, int], tuple[int, bool]] = field(default_factory=dict[tuple[str, int], tuple[int, bool]])
    receipts: dict[str, int] = field(default_factory=dict[str, int])

    def version(self, stream: str) -> int:
        return sum(1 for written, _ in self.events if written == stream)

    def append(self, members: list[Member], now: int) -> "list[Appended | Moved | str]":
        """The results; ``str`` stands for Repeated, with the command id."""
        at = max(now, self.recorded_at)
        known = set(self.receipts)
        results: list[Appended | Moved | str] = []
        for member in members:
            fallen = [other for other, result in zip(members, results, strict=False) if not self._stands(result)]
            if member.command_id in known:
                results.append(member.command_id)
                continue
            moved = self._moved(member, fallen)
            felled = any(_written(other) & _touched(member) for other in fallen)
            orphan = member.cause is not None and not self._stands(results[member.cause])
            if felled or orphan or moved != Moved():
                results.append(moved)
            else:
                self._write(member, at)
                results.append(Appended(self.position, at))
        return results

    def _stands(self, result: "Appended | Moved | str") -> bool:
        return isinstance(result, Appended)

    def _moved(self, member: Member, fallen: list[Member]) -> Moved:
        tainted = {event.stream for other in fallen for event in other.events}
        taken = {(scope, kind, name) for scope, kind, name, _ in self.names}
        wanted = [(row.scope, row.kind, row.name) for row in member.keys] + list(member.absent_keys)
        return Moved(
            streams=tuple(
                stream for stream, version in member.reads if stream not in tainted and self.version(stream) != version
            ),
            keys=any(name in taken for name in wanted),
            lease=any(self._forbidden(change) for change in member.leases),
        )

    def _forbidden(self, change: LeaseChange) -> bool:
        row = self.leases.get((change.session, change.incarnation))
        if change.action == "open":
            return row is not None and row[1]
        if change.action == "expire":
            return row is None or row[1] or row[0] != change.stamp
        return False

    def _write(self, member: Member, at: int) -> None:
        for event in member.events:
            self.position += 1
            self.recorded_at = at
            self.events.append((event.stream, event.version))
        for row in member.keys:
            self.names.append((row.scope, row.kind, row.name, row.stream))
        for change in member.leases:
            name = (change.session, change.incarnation)
            self.leases[name] = (at, False) if change.action == "open" else (self.leases.get(name, (at, True))[0], True)
        if member.receipt:
            self.receipts[member.command_id] = self.position


def _written(member: Member) -> set[object]:
    return {
        *(event.stream for event in member.events),
        *((row.scope, row.kind, row.name) for row in member.keys),
        *((change.session, change.incarnation) for change in member.leases),
    }


def _touched(member: Member) -> set[object]:
    return {*_written(member), *(stream for stream, _ in member.reads), *member.absent_keys}
