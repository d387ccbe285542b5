"""Refusals: the caller's mistakes, each a class whose docstring is the message."""

import inspect
import re
from functools import cache
from typing import ClassVar

from domain.kernel.message import Message


class Rejection(Message):
    """The command was refused.

    Read the code and ask again.
    """

    AUDITED: ClassVar[bool] = False
    """Whether the refusal matters for audit and is written to the refusals stream."""
    HTTP_STATUS: ClassVar[int] = 409

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

    HTTP_STATUS: ClassVar[int] = 404
    kind: str
    name: str


class CommandIdReused(Rejection):
    """The command id {command_id} was used before with another body.

    Use a new id for a new command; repeat an id only with the very same body.
    """

    AUDITED: ClassVar[bool] = False
    command_id: str


class Unreplayable(Exception):
    """Fault: a decision produced events that its own state cannot fold; nothing was written."""
