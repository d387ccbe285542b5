"""Telling answers from refusals and faults: the envelope of every reply."""

from http import HTTPStatus
from typing import Final

from signalbox.client.errors import Refused, ServerFaultError, ServerUnavailable, SignalboxError
from signalbox.client.fields import Fields, malformed, optional_object, optional_text, parsed
from signalbox.client.transport import HttpAnswer

_FAULTS: Final = frozenset({"store_unavailable", "overloaded", "stopping", "unknown_outcome"})


def body_of(answer: HttpAnswer) -> Fields:
    """The JSON object of an answer. Raises what it says where it is a refusal or a fault."""
    try:
        fields = parsed(answer.body)
    except ServerFaultError as error:
        if answer.status > HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _from_between(answer.status) from error
        raise
    if "error" in fields and (fields.get("ok") is False or answer.status >= HTTPStatus.BAD_REQUEST):
        raise error_of(answer.status, optional_object(fields, "error"))
    if answer.status > HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _from_between(answer.status)
    if answer.status >= HTTPStatus.BAD_REQUEST and "errors" not in fields:
        raise malformed(f"status {answer.status}")
    return fields


def error_of(status: int, error: Fields) -> SignalboxError:
    """The refusal or fault that an error object tells of."""
    code = str(error.get("code", "unknown"))
    message, advice = str(error.get("message", "")), str(error.get("next", ""))
    data, kind = optional_object(error, "data"), optional_text(error, "kind")
    if status == HTTPStatus.SERVICE_UNAVAILABLE or code in _FAULTS:
        return ServerUnavailable(code, message, advice, data, kind)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR or code == "internal":
        return ServerFaultError(code, message, advice, data, kind)
    refused = Refused(code, message, advice, data, kind)
    refused.status = status
    return refused


def graphql_error_of(error: Fields) -> SignalboxError:
    """The same of an entry of a GraphQL answer's ``errors``."""
    details = optional_object(error, "extensions")
    told = {"code": "bad_query", "next": "Use a client of the server's version.", **details}
    return error_of(HTTPStatus.BAD_REQUEST, {**told, "message": error.get("message", "")})


def _from_between(status: int) -> ServerUnavailable:
    return ServerUnavailable(
        "unreachable",
        f"something in front of the server answers with status {status}",
        "Wait for the server to come back and repeat.",
    )
