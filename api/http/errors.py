"""Refusals of the doors themselves, before anything reaches the domain."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class NotAuthenticated(Rejection):
    """A key is needed that is known, not revoked and not expired.

    Send the header `Authorization: Bearer KEY`; an admin issues keys with `signalbox key issue`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    HTTP_STATUS: ClassVar[int] = 401


class MalformedBody(Rejection):
    """The body is not JSON: {reason}.

    Send one JSON object in UTF-8 with a Content-Length that fits.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    reason: str


class UnknownPath(Rejection):
    """There is nothing at this path.

    The doors are /v1/commands, /v1/keys, /v1/schema, /v1/heartbeat, /v1/wait, /v1/events, /v1/status, /v1/audit/…,
    /healthz, /readyz, /metrics, /mcp, /graphql and /graphql/stream; /query is a page for people.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 404


class MethodNotAllowed(Rejection):
    """The path does not take that method.

    Use {allowed}.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 405
    allowed: str


class BodyTooLarge(Rejection):
    """The body is larger than {bytes_max} bytes.

    Split it, or keep large things elsewhere and send references.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 413
    bytes_max: int


class NotJson(Rejection):
    """The body has to be plain JSON, sent as such.

    Send the header `Content-Type: application/json` and no Content-Encoding.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 415


class UnknownHost(Rejection):
    """The server does not answer to that host name.

    Call it by the address it listens on, or add the name to SIGNALBOX_ALLOWED_HOSTS where it runs.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    HTTP_STATUS: ClassVar[int] = 421


class InvalidRequest(Rejection):
    """The request is not well formed: {summary}.

    Correct the fields that are named and send it again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    summary: str
    faults: tuple[dict[str, str], ...] = ()
