"""Calls of tools and reads of resources, whatever carries them: JSON out, faults told and never raised."""

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

import structlog

from api.edge import Edge
from api.mcp import resources
from api.mcp.answers import Fields, ToolRefused, told, told_fault
from api.mcp.arguments import Arguments
from api.mcp.arguments import read as read_arguments
from api.mcp.call import Call
from api.mcp.catalogue import BY_NAME
from api.mcp.errors import UnknownTool
from api.ports import ServiceFault, Services
from domain.kernel.text import shown
from domain.principal.allow import Principal
from projections.kernel.errors import RequestRefused

_TELLS_MAIL: Final = frozenset({"prime", "inbox"})
"""Tools that look into the inbox themselves."""
_LOG: Final = structlog.stdlib.get_logger("signalbox.mcp")


@dataclass(frozen=True, slots=True)
class ToolService:
    """Answers calls of tools."""

    services: Services
    edge: Edge
    stopping: asyncio.Event

    async def read(self, uri: str, principal: Principal) -> tuple[bool, Fields]:
        """Whether the resource is there for the principal, and what it holds."""
        call = Call("read", self.services, self.edge, principal, "", Arguments(), self.stopping)
        return await _told(resources.read(call, uri), "read")

    async def call(self, name: str, arguments: Fields, principal: Principal, client: str) -> tuple[bool, Fields]:
        """Whether it was done, and what the tool answers."""
        return await _told(self._called(name, arguments, principal, client), name)

    async def _called(self, name: str, arguments: Fields, principal: Principal, client: str) -> Fields:
        tool = BY_NAME.get(name)
        if tool is None:
            raise ToolRefused(told(UnknownTool(tool=shown(name, 100), known=", ".join(BY_NAME))))
        who = read_arguments(name, tool.arguments, arguments)
        call = Call(name, self.services, self.edge, principal, client, who, self.stopping)
        answer = await tool.run(call, who)
        # A model asks for its mail when it hears that there is some, whatever it was about to do.
        return answer | {"messages_waiting": call.unread} if call.unread and name not in _TELLS_MAIL else answer


async def _told(work: Coroutine[Any, Any, Fields], name: str) -> tuple[bool, Fields]:
    try:
        return True, await work
    except ToolRefused as refused:
        return False, refused.refusal
    except RequestRefused as refused:
        return False, told(refused.rejection)
    except ServiceFault as fault:
        return False, told_fault(fault)
    except Exception:
        return False, _fault(shown(name, 100))


def _fault(tool: str) -> Fields:
    identifier = f"fault_{secrets.token_hex(8)}"
    _LOG.exception("fault", fault=identifier, tool=tool)
    return {
        "refused": "internal",
        "kind": "UNKNOWN_OUTCOME",
        "why": "Something went wrong on our side.",
        "next": "Call it again; if it stays, tell your user the id of the fault.",
        "data": {"fault": identifier},
    }
