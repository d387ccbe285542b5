"""What the committer answers: the JSON text that is sent and kept in the receipt, with its position."""

import hashlib
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from domain.kernel.errors import Rejection
from domain.kernel.message import Answer, Command, Stamp
from infrastructure.log.port import Receipt


class Outcome(NamedTuple):
    """The answer to one command. ``text`` is ``{"ok": true, "answer": …}`` or ``{"ok": false, "error": …}``.

    A repeat of the command id gets the same bytes and the same position.
    """

    text: bytes
    position: int
    repeated: bool = False

    @property
    def ok(self) -> bool:
        """Whether the command was accepted."""
        return self.text.startswith(b'{"ok":true')


_NO_ANSWER = b'{"ok":true,"answer":{}}'


def accepted(answer: Answer) -> bytes:
    """The text of an acceptance."""
    body = answer.__pydantic_serializer__.to_json(answer)
    return _NO_ANSWER if body == b"{}" else b'{"ok":true,"answer":' + body + b"}"


def refused(rejection: Rejection) -> bytes:
    """The text of a refusal: code, kind, message, what to do next, data, and the status for HTTP."""
    return orjson.dumps(
        {
            "ok": False,
            "error": {
                "code": rejection.code(),
                "kind": rejection.KIND,
                "message": rejection.message(),
                "next": rejection.advice(),
                "data": rejection.model_dump(mode="json"),
                "status": rejection.HTTP_STATUS,
            },
        }
    )


def body_of(command: Command) -> bytes:
    """A command as the JSON text that its receipt keeps, so that history can be decided again."""
    fields = command.__pydantic_serializer__.to_json(command)
    return b'{"type":"' + command.NAME.encode() + b'","command":' + fields + b"}"


def digest_of(command: Command, stamp: Stamp, body: bytes, *, key: bytes) -> bytes:
    """What tells a repeat of a command id from another command under it, without keeping the body in plain sight."""
    text = b"\x1f".join((command.NAME.encode(), stamp.project.encode(), stamp.principal.encode(), body))
    return hashlib.blake2b(text, key=key, digest_size=16).digest()


def is_the_same(kept: bytes, command: Command) -> bool:
    """Whether a body that a receipt keeps is this command.

    A former program knew fewer fields: those that came since have their defaults in what it was asked.
    """
    asked: dict[str, Any] = orjson.loads(kept or b"{}")
    if asked.get("type") != command.NAME:
        return False
    try:
        read = type(command).model_validate_json(orjson.dumps(asked["command"]))
    except ValidationError:
        return False
    return body_of(read) == body_of(command)


def from_receipt(receipt: Receipt) -> Outcome:
    """The first answer, once more."""
    return Outcome(receipt.outcome, receipt.position, repeated=True)
