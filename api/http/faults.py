"""Faults of our own: the trace goes to the log, the caller gets the id under which it is found."""

import secrets
from typing import Final

import structlog

from api.http.answers import Problem
from api.http.asgi import Scope

_LOG: Final = structlog.stdlib.get_logger("signalbox.http")


def fault(scope: Scope) -> Problem:
    """Log the exception at hand."""
    identifier = f"fault_{secrets.token_hex(8)}"
    _LOG.exception("fault", fault=identifier, method=scope.get("method"), path=scope.get("path"))
    return Problem(
        "internal",
        "Something went wrong on our side.",
        "Send it again with the same id; if it stays, tell the operator the id of the fault.",
        500,
        {"fault": identifier},
    )
