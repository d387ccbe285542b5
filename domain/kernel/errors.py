"""Refusals: the caller's mistakes, each a class whose docstring is the message."""

import inspect
import re
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

from domain.kernel.message import Message


class RefusalKind(StrEnum):
    """The closed set of what a refusal asks of its caller (locks.md 15); codes are finer and may become more."""

    CONFLICT = "CONFLICT"
    """Something stands in the way now: take other work, or ask again once it has changed."""
    WAIT_TIMEOUT = "WAIT_TIMEOUT"
    """The wait is over without a grant: ask again if it is still needed."""
    DEADLOCK = "DEADLOCK"
    """Waiting would never end: release something, or ask for everything as one set."""
    ALREADY_WAITING = "ALREADY_WAITING"
    """The owner waits for something else: await or withdraw that."""
    FENCED = "FENCED"
    """The token or the life is not current: stop writing under it."""
    SESSION_LOST = "SESSION_LOST"
    """The session's life is over: open its next one and claim anew."""
    NOT_OWNER = "NOT_OWNER"
    """It is somebody else's: leave it to its owner."""
    DENIED = "DENIED"
    """Who asks may not: ask somebody who may."""
    BAD_PATTERN = "BAD_PATTERN"
    """The request cannot be met as it is written, whenever it is asked: correct it."""
    TOO_COMPLEX = "TOO_COMPLEX"
    """It costs more to decide than is allowed: ask with plainer patterns."""
    LIMIT = "LIMIT"
    """What is counted is used up: ask for less, or wait until some of it is given back."""
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    """The command id stands for another body: use a fresh one."""
    STALE = "STALE"
    """The answer is older than what was asked for; reads carry it as a mark beside what they found."""
    UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"
    """The fault is the server's: send the same again, under the same command id."""


class Rejection(Message):
    """The command was refused.

    Read the code and ask again.
    """

    KIND: ClassVar[RefusalKind]
    """What it asks of the caller; every refusal says its own."""
    AUDITED: ClassVar[bool] = False
    """Whether the refusal matters for audit and is written to the refusals stream."""
    HTTP_STATUS: ClassVar[int] = 409

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "KIND" not in cls.__dict__:
            raise TypeError(f"the refusal {cls.__name__} says no KIND")

    @classmethod
    def code(cls) -> str:
        """The class's name in snake_case: ``task_held_by_another``."""
        return _snake(cls.__name__)

    def message(self) -> str:
        """First paragraph of the docstring with the fields filled in."""
        return _paragraphs(type(self))[0].format(**self.__dict__)

    def advice(self) -> str:
        """Second paragraph of the docstring: what to do next."""
        return _paragraphs(type(self))[1].format(**self.__dict__)


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@cache
def _paragraphs(kind: type[Rejection]) -> tuple[str, str]:
    text = inspect.getdoc(kind) or ""
    first, _, rest = text.partition("\n\n")
    return " ".join(first.split()), " ".join(rest.partition("\n\n")[0].split())


class UnknownThing(Rejection):
    """There is no {kind} {name} here.

    List what exists and use an id from the list; ids of other projects are answered the same way.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 404
    kind: str
    name: str


class CommandIdReused(Rejection):
    """The command id {command_id} was used before with another body.

    Use a new id for a new command; repeat an id only with the very same body.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.IDEMPOTENCY_MISMATCH
    AUDITED: ClassVar[bool] = False
    command_id: str


class NotDueYet(Rejection):
    """It is not due before {until}.

    Ask again then.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    until: int
    """Microseconds since 1970."""


class Unreplayable(Exception):
    """Fault: a decision produced events that its own state cannot fold; nothing was written."""
