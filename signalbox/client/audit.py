"""Requests to the audit ledger: what an export, a verification and proofs are made of."""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from signalbox.client.answers import body_of
from signalbox.client.asks import Ask
from signalbox.client.errors import ServerFaultError
from signalbox.client.fields import Fields, integer, parsed, text
from signalbox.client.transport import HttpAnswer, HttpRequest

AUDIT_SECONDS_MAX = 60.0
"""Silence before and inside an answer; a statement counts the events of a project."""
Policy = Mapping[str, Sequence[str]]
"""Patterns of stored names of events, and fields or @ids that are left out of those that fit."""
T = TypeVar("T")


class StoredEvents(NamedTuple):
    """Events as lines of JSON, as the server stores them."""

    lines: bytes
    position: int
    """Up to here the log was looked at; the end is reached when it no longer moves."""


class RedactedEvents(NamedTuple):
    """What a policy leaves of events, as lines of JSON."""

    lines: bytes
    position: int
    note: str
    """Signed by the ledger: what the lines say."""


def checkpoints(size: int, limit: int) -> Ask[Fields]:
    """Signed ``checkpoints`` of at least a size, and the ``latest``."""
    return _get("checkpoints", body_of, size=size, limit=limit)


def sign_checkpoint() -> Ask[Fields]:
    """A ``checkpoint`` of everything in the log now; null for an empty log."""
    return _post("checkpoint", {})


def public_keys() -> Ask[Fields]:
    """The ledger's public ``keys`` and their periods."""
    return _get("keys", body_of)


def rotate_key(overlap_seconds: int) -> Ask[Fields]:
    """Begin a new key; the ``keys`` as they are then. Not repeatable: each time another key begins."""
    ask = _post("rotate", {"overlap_seconds": overlap_seconds})
    return Ask(ask.request, ask.read, repeatable=False)


def prove(event: str, size: int | None = None) -> Ask[Fields]:
    """The audit ``path`` of an event, given by position or ``stream@version``, to a ``checkpoint``."""
    return _get("proof", body_of, event=event, size=size)


def consistency(old: int, new: int) -> Ask[Fields]:
    """That the log of ``old`` events is the beginning of that of ``new``."""
    return _get("consistency", body_of, old=old, new=new)


def statement(first: int, last: int, project: str | None, redaction: Policy | None = None) -> Ask[Fields]:
    """A signed ``note`` that these events are asked for, less what a policy leaves out."""
    wish: Fields = {"first": first, "last": last, "project": project}
    return _post("statement", wish if redaction is None else {**wish, "redaction": dict(redaction)})


def redacted_events(after: int, limit: int, project: str | None, redaction: Policy) -> Ask[RedactedEvents]:
    """What a policy leaves of the events behind a position."""
    wish = {"after": after, "limit": limit, "project": project, "redaction": dict(redaction)}
    return Ask(_post("redacted", wish).request, _redacted_of)


def leaf_hashes(first_tile: int, count: int) -> Ask[bytes]:
    """The leaf hashes of so many tiles of 256, 32 bytes each."""
    return _get("hashes", _bytes_of, first=first_tile, count=count)


def stored_events(after: int, limit: int, project: str | None = None, *, kept: bool = False) -> Ask[StoredEvents]:
    """Events behind a position, each with every stored column; with ``kept`` all that the database itself has."""
    door = "kept" if kept else "events"
    return _get(door, _lines_of, after=after, limit=limit, project=project)


def lost_events(limit: int) -> Ask[Fields]:
    """Last events of archived streams that are ``lost``: the database should keep them and does not."""
    return _get("lost", body_of, limit=limit)


def base_states(after: str, limit: int) -> Ask[Fields]:
    """What archived streams behind an id had come to: ``bases``, a page; an empty one is the end."""
    return _get("bases", body_of, after=after, limit=limit)


def archives() -> Ask[Fields]:
    """Archived ranges of the log with their digests, and what is under way."""
    return _get("archives", body_of)


def archive(until: str) -> Ask[Fields]:
    """Begin to archive everything ``until`` a point, or go on with it."""
    return _post("archive", {"until": until})


def _get(door: str, read: Callable[[HttpAnswer], T], **query: object) -> Ask[T]:
    said = urlencode({name: value for name, value in query.items() if value is not None})
    return Ask(HttpRequest("GET", f"/v1/audit/{door}?{said}", seconds_max=AUDIT_SECONDS_MAX), read)


def _post(door: str, fields: Fields) -> Ask[Fields]:
    body = json.dumps(fields).encode()
    return Ask(HttpRequest("POST", f"/v1/audit/{door}", body, AUDIT_SECONDS_MAX), body_of)


def _bytes_of(answer: HttpAnswer) -> bytes:
    if answer.status != HTTPStatus.OK:
        body_of(answer)
    return answer.body


def _lines_of(answer: HttpAnswer) -> StoredEvents:
    lines, end = _page_of(answer)
    return StoredEvents(lines, integer(end, "position"))


def _redacted_of(answer: HttpAnswer) -> RedactedEvents:
    lines, end = _page_of(answer)
    return RedactedEvents(lines, integer(end, "position"), text(end, "note"))


def _page_of(answer: HttpAnswer) -> tuple[bytes, Fields]:
    body = _bytes_of(answer)
    lines, _, last = body.rstrip(b"\n").rpartition(b"\n")
    if not body.endswith(b"\n"):
        raise ServerFaultError("not_understood", "the server's page of events has no end", "Ask again.")
    return lines + b"\n" if lines else b"", parsed(last)
