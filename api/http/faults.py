"""Faults of our own: the trace goes to the log, the caller gets the id under which it is found."""

import secrets
from typing import Final

import structlog

from api.http.answers import Problem
from api.http.asgi import Scope

_LOG: Final = structlog.stdlib.get_logger("signalbox.http")


def fault(scope: Scope, error: Exception | None = None) -> Problem:
    """Log an exception, or else the one at hand."""
    identifier = f"fault_{secrets.token_hex(8)}"
    method, path = scope.get("method"), scope.get("path")
    _LOG.error("fault", fault=identifier, method=method, path=path, exc_info=error or True)
    return Problem(
        "internal",
        "Something went wrong on our side.",
        "Send it again with the same id; if it stays, tell the operator the id of the fault.",
        500,
        {"fault": identifier},
    )
