"""Calls of tools, whatever carries them: arguments in, JSON out, faults told and never raised."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Final

import structlog

from api.edge import Edge
from api.mcp.answers import Fields, ToolRefused, told, told_fault
from api.mcp.arguments import read
from api.mcp.call import Call
from api.mcp.catalogue import BY_NAME
from api.mcp.errors import UnknownTool
from api.ports import ServiceFault, Services
from domain.kernel.text import shown
from domain.principal.allow import Principal
from projections.kernel.errors import RequestRefused

_LOG: Final = structlog.stdlib.get_logger("signalbox.mcp")


@dataclass(frozen=True, slots=True)
class ToolService:
    """Answers calls of tools."""

    services: Services
    edge: Edge
    stopping: asyncio.Event

    async def call(self, name: str, arguments: Fields, principal: Principal, client: str) -> tuple[bool, Fields]:
        """Whether it was done, and what the tool answers."""
        try:
            return True, await self._called(name, arguments, principal, client)
        except ToolRefused as refused:
            return False, refused.refusal
        except RequestRefused as refused:
            return False, told(refused.rejection)
        except ServiceFault as fault:
            return False, told_fault(fault)
        except Exception:
            return False, _fault(name)

    async def _called(self, name: str, arguments: Fields, principal: Principal, client: str) -> Fields:
        tool = BY_NAME.get(name)
        if tool is None:
            raise ToolRefused(told(UnknownTool(tool=shown(name, 100), known=", ".join(BY_NAME))))
        who = read(name, tool.arguments, arguments)
        return await tool.run(Call(name, self.services, self.edge, principal, client, who, self.stopping), who)


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
