"""The edge: raw input becomes a command, authorised and stamped, here and once; then it goes the one way."""

import re
import secrets
from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import ValidationError

from api.ports import Answered, Services
from domain.catalogue import COMMANDS
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import FLEET, CommandId, PrincipalId, ProjectId, suffix_of
from domain.kernel.message import Command, ProjectCommand, Stamp
from domain.principal.allow import Principal, allow
from domain.task.commands import ClaimTask

WAIT_SECONDS_MAX: Final = 30.0
FAULTS_SHOWN_MAX: Final = 10
_COMMAND_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{8,100}")


class InvalidCommand(Rejection):
    """The command {command} is not well formed: {summary}.

    Correct the fields that are named and send it again.
    """

    HTTP_STATUS: ClassVar[int] = 422
    command: str
    summary: str
    faults: tuple[dict[str, str], ...]


class UnknownCommand(Rejection):
    """There is no command {command}.

    Use one of the names in `known`.
    """

    HTTP_STATUS: ClassVar[int] = 422
    command: str
    known: tuple[str, ...]


class InvalidCommandId(Rejection):
    """A command id is 8 to 100 letters, digits and _ . : -

    Make a fresh one for every new command, and repeat it only with the very same body.
    """

    HTTP_STATUS: ClassVar[int] = 422


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a command comes from."""

    principal: Principal
    command_id: str | None = None
    correlation_id: str | None = None
    traceparent: str | None = None
    wait_seconds: float = 0.0


class Edge:
    """Every surface submits here."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def submit_json(self, name: str, fields: bytes, origin: Origin) -> Answered | Rejection:
        """Parse the JSON text of a command's fields and submit it."""
        command = parse(name, fields)
        return command if isinstance(command, Rejection) else await self.submit(command, origin)

    async def submit(self, command: Command, origin: Origin) -> Answered | Rejection:
        """Authorise, stamp and execute a command. A refusal before it is stamped comes back as it is.

        Raises ServiceFault.
        """
        project = await self._project(command)
        if isinstance(project, Rejection):
            # A name that does not exist and one that the caller may not see are answered alike.
            return project
        refusal = allow(origin.principal, command.NAME, None if project == FLEET else project)
        if refusal is not None:
            return refusal
        stamp = self._stamp(project, origin)
        if isinstance(stamp, Rejection):
            return stamp
        if isinstance(command, ClaimTask) and origin.wait_seconds > 0:
            wait_seconds = min(origin.wait_seconds, WAIT_SECONDS_MAX)
            return await self._services.commands.claim(command, stamp, wait_seconds=wait_seconds)
        return await self._services.commands.execute(command, stamp)

    async def _project(self, command: Command) -> ProjectId | Rejection:
        if not isinstance(command, ProjectCommand):
            return FLEET
        found = await self._services.names.project(command.project)
        return UnknownThing(kind="project", name=command.project) if found is None else found

    def _stamp(self, project: ProjectId, origin: Origin) -> Stamp | Rejection:
        now = self._services.clock.now()
        command_id = origin.command_id or _fresh_id(now)
        if not _COMMAND_ID.fullmatch(command_id):
            return InvalidCommandId()
        return Stamp(
            command_id=CommandId(command_id),
            project=project,
            principal=PrincipalId(origin.principal.id),
            time=now,
            correlation_id=origin.correlation_id or command_id,
            traceparent=origin.traceparent,
        )


def parse(name: str, fields: bytes) -> Command | Rejection:
    """A command of its name and the JSON text of its fields."""
    kind = COMMANDS.get(name)
    if kind is None:
        return UnknownCommand(command=name[:100], known=tuple(sorted(COMMANDS)))
    try:
        return kind.model_validate_json(fields)
    except ValidationError as error:
        return invalid(name, error)


def invalid(name: str, error: ValidationError) -> InvalidCommand:
    """What is wrong, field by field, without echoing the input."""
    faults = tuple(
        {"field": ".".join(str(part) for part in one["loc"])[:200], "fault": one["msg"][:300]}
        for one in error.errors(include_url=False, include_context=False, include_input=False)[:FAULTS_SHOWN_MAX]
    )
    summary = "; ".join(f"{one['field'] or 'body'}: {one['fault']}" for one in faults)
    return InvalidCommand(command=name, summary=summary[:1_000], faults=faults)


def _fresh_id(now: int) -> str:
    number = ((now // 1000) << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return f"cmd_{suffix_of(number)}"
