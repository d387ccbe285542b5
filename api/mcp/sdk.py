"""The official SDK around the tools: one server object, no protocol sessions, every answer one piece of JSON."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from mcp.server import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from api.mcp import catalogue
from api.mcp.caller import PrincipalOf, caller_of
from api.mcp.catalogue import INSTRUCTIONS, TOOLS
from api.mcp.listening import Listening
from api.mcp.resources import TEMPLATES
from api.mcp.service import ToolService

Context = ServerRequestContext[Any, Any]
_JSON: Final = "application/json"
_READS: Final = ToolAnnotations(read_only_hint=True)


def build(
    tools: ToolService, principal_of: PrincipalOf, hosts: Iterable[str], body_bytes_max: int, version: str
) -> StreamableHTTPSessionManager:
    """What takes the requests at /mcp, inside its ``run`` block."""
    names = [form for host in sorted(hosts) for form in (host, f"{host}:*")]
    security = TransportSecuritySettings(
        allowed_hosts=names,
        allowed_origins=[f"{kind}://{name}" for name in names for kind in ("http", "https")],
    )
    return StreamableHTTPSessionManager(
        server_of(tools, principal_of, version),
        json_response=True,
        stateless=True,
        security_settings=security,
        max_request_body_size=body_bytes_max,
    )


def server_of(tools: ToolService, principal_of: PrincipalOf, version: str) -> Server[Any]:
    """The tools as the SDK has them."""
    listed = ListToolsResult(tools=[_listed(one) for one in TOOLS])
    templates = ListResourceTemplatesResult(
        resource_templates=[
            ResourceTemplate(name=one.name, uri_template=one.uri, description=one.description, mime_type=_JSON)
            for one in TEMPLATES
        ]
    )

    async def list_tools(_: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return listed

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        principal = caller_of(context, principal_of)
        done, answer = await tools.call(params.name, params.arguments or {}, principal, _client(context))
        text = orjson.dumps(answer).decode()
        return CallToolResult(content=[TextContent(text=text)], is_error=not done)

    async def list_resources(_: Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        # There are as many as there are tasks: they are named by templates.
        return ListResourcesResult(resources=[])

    async def list_templates(_: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return templates

    async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        done, answer = await tools.read(params.uri, caller_of(context, principal_of))
        if not done:
            raise MCPError(INVALID_PARAMS, f"{answer['why']} {answer['next']}", answer)
        text = orjson.dumps(answer).decode()
        return ReadResourceResult(contents=[TextResourceContents(uri=params.uri, mime_type=_JSON, text=text)])

    return Server(
        "signalbox",
        version=version,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscriptions_listen=Listening(tools, principal_of),
    )


def _listed(tool: catalogue.Tool) -> Tool:
    return Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.schema(),
        annotations=_READS if tool.reads_only else None,
    )


def _client(context: Context) -> str:
    told = context.session.client_params
    return "" if told is None else told.client_info.name
