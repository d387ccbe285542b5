"""Policies: what happens by itself. Events lead to commands whose ids are derived, so each runs once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.kernel.decider import View
from domain.kernel.ids import CommandId, Instant, PrincipalId, ProjectId, StreamId, command_id_of
from domain.kernel.message import Command, Event, Stamp


class Cause(NamedTuple):
    """The event that a policy answers, with its place."""

    stream: StreamId
    version: int
    event: Event
    project: ProjectId


@dataclass(frozen=True, slots=True)
class Derived:
    """A command that a policy wants, on one target stream, in the scope of ``project``."""

    command: Command
    target: StreamId
    project: ProjectId


@dataclass(frozen=True, slots=True)
class Policy:
    """What it does, when: the events it answers and the pure function that answers them.

    ``react`` takes its targets only from states that it reads through the view, never from an index.
    """

    name: str
    answers: tuple[type[Event], ...]
    react: Callable[[Any, View], tuple[Derived, ...]]


def derived_stamp(policy: str, cause: Cause, derived: Derived, time: Instant, correlation_id: str) -> Stamp:
    """The stamp of a derived command; its id depends on policy, cause and target only."""
    command_id: CommandId = command_id_of(policy, cause.stream, cause.version, derived.target)
    return Stamp(
        command_id=command_id,
        project=derived.project,
        principal=PrincipalId(f"policy:{policy}"),
        time=time,
        correlation_id=correlation_id,
        causation_id=f"{cause.stream}@{cause.version}",
    )
