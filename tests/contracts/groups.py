"""Short ways to write the members of a group."""

from typing import Any

from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import CommandKey, KeyRow
from infrastructure.log.port import Member, NewEvent

NOW = 1_700_000_000_000_000
"""An instant in microseconds that the contracts call the present."""


def event(stream: str, version: int, project: str = "project_1") -> NewEvent:
    return NewEvent(stream, version, "thing.happened.v1", 1, b'{"at":%d}' % version, project)


def member(command: str, *writes: tuple[str, int], reads: tuple[tuple[str, int], ...] = (), **fields: Any) -> Member:
    """A member that reads and writes each (stream, version of its one new event)."""
    seen = dict(reads)
    for stream, version in writes:
        seen.setdefault(stream, version - 1)
    return Member(
        command_id=command,
        project="project_1",
        principal="key_1",
        time=NOW,
        correlation_id=f"correlation of {command}",
        causation_id=None,
        traceparent=None,
        digest=f"digest of {command}".encode(),
        body=b"{}",
        outcome=f'{{"answer":"{command}"}}'.encode(),
        reads=tuple(seen.items()),
        events=tuple(event(stream, version) for stream, version in writes),
        **fields,
    )


def key(name: str, stream: str, kind: str = "slug", scope: str = "fleet") -> KeyRow:
    return KeyRow(scope=ProjectId(scope), kind=kind, name=name, stream=StreamId(stream))


def asked(command: str, project: str = "project_1", principal: str = "key_1") -> CommandKey:
    """What the receipt of such a member is found by."""
    return CommandKey(command, project, principal)
