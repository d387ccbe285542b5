"""How asking a server can end without an answer."""

from collections.abc import Mapping


class SignalboxError(Exception):
    """Any way in which a request did not get its answer: ``code``, message, and ``next``, what to do about it.

    ``kind`` is what it asks of the caller, one of the closed set in docs/http.md; codes are finer and may become more.
    """

    KIND = "UNKNOWN_OUTCOME"
    """Where nobody said another."""

    def __init__(
        self, code: str, message: str, advice: str, data: Mapping[str, object] | None = None, kind: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind or self.KIND
        self.message = message
        self.next = advice
        self.data = dict(data or {})


class Refused(SignalboxError):
    """The server understood and said no; repeating the same request gets the same answer or needs a new reason."""

    KIND = "BAD_PATTERN"
    status = 0
    """HTTP status; 0 where no server was asked."""


class ServerUnavailable(SignalboxError):
    """No answer, or none now. Whether the command took effect is unknown: repeat it with the same command id."""


class ServerFaultError(SignalboxError):
    """The server, or something in between, answered what this program cannot understand, or reported a fault."""
