"""The edge: raw input becomes a command, authorised and stamped, here and once; then it goes the one way."""

import asyncio
import re
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import structlog

from api.ports import Answered, Services, Told
from domain.dispatch.authority import actions_of
from domain.kernel import text
from domain.kernel.errors import RefusalKind, Rejection, UnknownThing
from domain.kernel.ids import DERIVED_PREFIX, FLEET, CommandId, PrincipalId, ProjectId, suffix_of
from domain.kernel.message import Command, ProjectCommand, Stamp
from domain.lock.commands import AwaitLocks
from domain.principal.allow import Principal, allow
from domain.refusal.commands import RecordRefusal
from domain.session.commands import OpenSession
from domain.task.commands import ClaimTask, ClaimTasks, ClaimWork

WAIT_SECONDS_MAX: Final = 30.0
RECORDINGS_MAX: Final = 64
"""Refusals that may wait for their record at once; a flood of them must not become a flood of events."""
_COMMAND_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{8,100}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_LOG: Final = structlog.stdlib.get_logger("signalbox.edge")


class InvalidCommandId(Rejection):
    """A command id has 8 to 100 characters, letters, digits and _ . : - only, and does not begin with `derived_`.

    Make a fresh one for every new command, and repeat it only with the very same body.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
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
        self._recordings: set[asyncio.Task[None]] = set()

    async def submit(self, command: Command, origin: Origin) -> Answered | Rejection:
        """Authorise, stamp and execute a command. A refusal before it is stamped comes back as it is.

        Raises ServiceFault.
        """
        project = await self.project_of(command, origin.principal)
        if isinstance(project, Rejection):
            return project
        begun = self.begin(command, origin, project)
        return begun if isinstance(begun, Rejection) else await begun

    def begin(self, command: Command, origin: Origin, project: ProjectId) -> Coroutine[Any, Any, Answered] | Rejection:
        """As ``submit``, where the project is known: what begins first arrives first, unless it waits for work.

        The answer may be awaited later; close what you do not await.
        """
        stamp = self._admitted(command, origin, project)
        if isinstance(stamp, Rejection):
            return stamp
        if isinstance(command, ClaimTask | ClaimTasks | ClaimWork | AwaitLocks) and origin.wait_seconds > 0:
            wait_seconds = min(origin.wait_seconds, WAIT_SECONDS_MAX)
            return self._services.commands.claim(command, stamp, wait_seconds=wait_seconds)
        return self._services.commands.execute(command, stamp)

    def send(
        self, command: Command, origin: Origin, project: ProjectId, told: Callable[[Told], None]
    ) -> bool | Rejection:
        """As ``begin`` for a command that does not wait for work, with a call in the place of a coroutine.

        False where it has to wait for more than its append; nothing was begun then.
        """
        stamp = self._admitted(command, origin, project)
        return stamp if isinstance(stamp, Rejection) else self._services.commands.submit(command, stamp, told)

    def _admitted(self, command: Command, origin: Origin, project: ProjectId) -> Stamp | Rejection:
        """The stamp of a command that its principal may ask; a refusal that matters is kept."""
        stamp = self._stamp(project, origin)
        if isinstance(stamp, Rejection):
            return stamp
        refusal = _refusal(command, project, origin.principal)
        if refusal is not None:
            self._record(command, refusal, stamp)
            return refusal
        return stamp

    def known_project_of(self, command: Command, principal: Principal) -> ProjectId | None:
        """As ``project_of`` where that takes no look at the store and leads to a project; None where it might."""
        if isinstance(command, ProjectCommand):
            found = self._services.names.known(command.project)
            return found if principal.projects is None or found in principal.projects else None
        return None if isinstance(command, OpenSession) else FLEET

    async def visible(self, principal: Principal, name: str) -> ProjectId | UnknownThing:
        """The project of a slug or id. One that is absent and one that the principal may not see are answered alike."""
        found = self._services.names.known(name)
        # What can be no name is not looked up: a store may refuse some texts outright.
        if found is None and _NAME.fullmatch(name):
            found = await self._services.names.project(name)
        if found is None or (principal.projects is not None and found not in principal.projects):
            return UnknownThing(kind="project", name=text.shown(name))
        return found

    async def settle(self) -> None:
        """Wait until every refusal so far is recorded; call it before the store is closed."""
        while self._recordings:
            await asyncio.wait(self._recordings)

    async def project_of(self, command: Command, principal: Principal) -> ProjectId | Rejection:
        """The project that a command is stamped with; every project that it names has to be visible."""
        if isinstance(command, ProjectCommand):
            return await self.visible(principal, command.project)
        if isinstance(command, OpenSession) and principal.projects is not None:
            for name in command.projects:
                found = await self.visible(principal, name)
                if isinstance(found, UnknownThing):
                    return found
        return FLEET

    def _stamp(self, project: ProjectId, origin: Origin) -> Stamp | Rejection:
        now = self._services.clock.now()
        command_id = origin.command_id or fresh_command_id(now)
        if not _COMMAND_ID.fullmatch(command_id) or command_id.startswith(DERIVED_PREFIX):
            return InvalidCommandId()
        return Stamp(
            command_id=CommandId(command_id),
            project=project,
            principal=PrincipalId(origin.principal.id),
            time=now,
            # Whoever sends these in another form loses them, as the trace context standard has it.
            correlation_id=_of_form(_COMMAND_ID, origin.correlation_id) or command_id,
            traceparent=_of_form(_TRACEPARENT, origin.traceparent),
            sees=origin.principal.projects,
        )

    def _record(self, command: Command, refusal: Rejection, stamp: Stamp) -> None:
        """Keep a refusal that matters for audit; as well as can be, for the caller has its answer either way."""
        if not refusal.AUDITED:
            return
        if len(self._recordings) >= RECORDINGS_MAX:
            _LOG.warning("refusal_not_recorded", command=command.NAME, principal=stamp.principal, reason="too many")
            return
        record = RecordRefusal(
            command=command.NAME, code=refusal.code(), message=refusal.message(), principal=stamp.principal
        )
        identifier = CommandId(fresh_command_id(stamp.time))
        its_stamp = stamp._replace(command_id=identifier, causation_id=stamp.command_id)
        task = asyncio.get_running_loop().create_task(self._keep(record, its_stamp), name="refusal")
        self._recordings.add(task)
        task.add_done_callback(self._recordings.discard)

    async def _keep(self, record: RecordRefusal, stamp: Stamp) -> None:
        try:
            await self._services.commands.execute(record, stamp)
        except Exception as error:
            _LOG.warning("refusal_not_recorded", command=record.command, principal=record.principal, reason=repr(error))


def _refusal(command: Command, project: ProjectId, principal: Principal) -> Rejection | None:
    where = None if project == FLEET else project
    for action in actions_of(command):
        refusal = allow(principal, action, where)
        if refusal is not None:
            return refusal
    return None


def _of_form(form: re.Pattern[str], text: str | None) -> str | None:
    return text if text is not None and form.fullmatch(text) else None


def fresh_command_id(now: int) -> str:
    """An id for a command that came without one."""
    noise = int.from_bytes(secrets.token_bytes(10), "big")
    number = ((now // 1000) << 80) | (0x7 << 76) | (noise >> 68 << 64) | (0b10 << 62) | (noise & ((1 << 62) - 1))
    return f"cmd_{suffix_of(number)}"
