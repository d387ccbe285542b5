"""One request as the hot doors see it: the few headers that matter, picked in one pass."""

from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError

from api.http.asgi import Receive, Scope
from api.http.body import Refused, parse_object, read_body, require_json
from api.http.errors import InvalidRequest
from api.parsing import faults_of, summary_of
from domain.kernel.message import Message
from domain.principal.allow import Principal

QUERY_FIELDS_MAX = 20
QUERY_BYTES_MAX = 8_192
M = TypeVar("M", bound=Message)


class Query(BaseModel):
    """What may stand behind the question mark; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(slots=True)
class Request:
    """Scope, body channel and headers; the principal once it is known."""

    scope: Scope
    receive: Receive
    host: bytes = b""
    authorization: bytes = b""
    content_type: bytes = b""
    content_length: bytes = b""
    content_encoding: bytes = b""
    traceparent: str | None = None
    correlation_id: str | None = None
    principal: Principal | None = None

    @property
    def who(self) -> Principal:
        """The principal behind an authenticated request."""
        if self.principal is None:
            raise LookupError("this door was opened without authentication")
        return self.principal

    def query(self) -> dict[str, str]:
        """The query's fields. Raises Refused for too much of it."""
        text: bytes = self.scope.get("query_string", b"")
        if len(text) > QUERY_BYTES_MAX:
            raise Refused(InvalidRequest(summary=f"the query is longer than {QUERY_BYTES_MAX} bytes"))
        try:
            return dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX))
        except ValueError:
            raise Refused(InvalidRequest(summary=f"the query has more than {QUERY_FIELDS_MAX} fields")) from None


def request_of(scope: Scope, receive: Receive) -> Request:
    """Pick the headers; where one is repeated the last counts, but two hosts are none."""
    request = Request(scope, receive)
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        match name:
            case b"host":
                request.host = value if not request.host else b"?"
            case b"authorization":
                request.authorization = value
            case b"content-type":
                request.content_type = value
            case b"content-length":
                request.content_length = value
            case b"content-encoding":
                request.content_encoding = value
            case b"traceparent":
                request.traceparent = value.decode("latin-1")
            case b"x-correlation-id":
                request.correlation_id = value.decode("latin-1")
            case _:
                pass
    return request


def invalid_request(error: ValidationError) -> InvalidRequest:
    """What is wrong with a request, field by field, without echoing the input."""
    return invalid_fields(error.errors(include_url=False, include_context=False, include_input=False))


def invalid_fields(errors: Any) -> InvalidRequest:
    """The same for the errors of pydantic as FastAPI hands them on."""
    faults = faults_of(errors)
    return InvalidRequest(summary=summary_of(faults), faults=tuple(faults))


async def read_wish(request: Request, kind: type[M], bytes_max: int) -> M:
    """The body of a door that takes one object. Raises Refused."""
    require_json(request.content_type, request.content_encoding)
    body = await read_body(request.receive, request.content_length, bytes_max)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        parse_object(body)
        raise Refused(invalid_request(error)) from None
