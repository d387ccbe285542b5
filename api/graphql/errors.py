"""Refusals of GraphQL itself, and how any of them leaves a resolver."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class Refused(Exception):
    """Control flow inside GraphQL: answer this refusal as a typed error."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.code())
        self.rejection = rejection


class KeyNotValid(Rejection):
    """A key is needed that is known, not revoked and not expired.

    Send `Authorization: Bearer KEY` as a header, or as `authorization` in the payload of connection_init.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    HTTP_STATUS: ClassVar[int] = 401


class RequestNotReadable(Rejection):
    """The request cannot be read: {reason}.

    POST one JSON object with query, variables and operationName, as `Content-Type: application/json`.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    reason: str


class OnlyPost(Rejection):
    """GraphQL is asked by POST only.

    Send the same as the JSON body of a POST.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 405


class DocumentTooLarge(Rejection):
    """The document has more {what} than {limit}.

    Ask for less at once: fewer fields, smaller pages, or several requests.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 400
    what: str
    limit: int


class AnswerTooLarge(Rejection):
    """The answer would hold more than {limit} {what}.

    Ask with a smaller page.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 400
    what: str
    limit: int


class WrongOperation(Rejection):
    """The operation cannot be run here: {reason}.

    Name one operation of the document; subscriptions go to the websocket or to /graphql/stream.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 400
    reason: str


class NumberTooLarge(Rejection):
    """The input holds a number beyond 64 bits or a text that is not Unicode.

    Send it as a string, or smaller.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422


class TooManySubscriptions(Rejection):
    """One socket carries at most {limit} operations at a time.

    Complete one of them, or open another socket.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 429
    limit: int


class DeadlinePassed(Rejection):
    """The answer was not there within {seconds} seconds; the work was given up.

    Ask for less, or try again later.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 503
    seconds: int
