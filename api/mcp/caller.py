"""Who is behind a request of the SDK."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from mcp.server import ServerRequestContext

from domain.principal.allow import Principal

PrincipalOf = Callable[[str], Principal | None]


def caller_of(context: ServerRequestContext[Any, Any], principal_of: PrincipalOf) -> Principal:
    """The principal behind the HTTP request; the guard admits none without. Raises LookupError if the key is gone."""
    request = context.request
    principal = principal_of(request.headers.get("authorization", "") if isinstance(request, Request) else "")
    if principal is None:
        raise LookupError("the key was revoked while the request was under way")
    return principal
