"""Which actions of the matrix a command takes: its own name, and the rights that its content needs."""

from typing import Final

from domain.kernel.message import Command
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, CheckPush
from domain.lock.resource import Resource, parse
from domain.task.commands import ApplyPlan, CreateTask

WIDE: Final = "lock.wide"
"""Exclusive locks on a whole repository (locks.md 14)."""
PERSON: Final = "lock.person"
"""A place in the queue that only people take (locks.md 6)."""
PREEMPT: Final = "lock.preempt"
"""Telling holders to go (locks.md 7)."""
GUARD: Final = "lock.guard"
"""Asking about pushes of others, as a git server does (agents.md 7)."""


def actions_of(command: Command) -> tuple[str, ...]:
    """Every action that has to be allowed before the command is asked; each is a row of the matrix."""
    match command:
        case AcquireLocks():
            return (command.NAME, *_rights_to_acquire(command))
        case CheckPush(on_behalf=True):
            return (command.NAME, GUARD)
        case ApplyPlan() if any(_any_wide(task.scope) for task in command.tasks):
            return (command.NAME, WIDE)
        case CreateTask() if _any_wide(command.task.scope):
            return (command.NAME, WIDE)
        case _:
            return (command.NAME,)


def _rights_to_acquire(command: AcquireLocks) -> tuple[str, ...]:
    rights = (
        (WIDE, _any_wide(command.claims)),
        (PERSON, command.priority == "person"),
        (PREEMPT, command.preempt),
    )
    return tuple(right for right, needed in rights if needed)


def _any_wide(claims: tuple[ScopeClaim, ...]) -> bool:
    return any(claim.mode == "exclusive" and _is_wide(parse(claim.claim)) for claim in claims)


def _is_wide(resource: object) -> bool:
    return isinstance(resource, Resource) and resource.kind == "path" and resource.is_wide
