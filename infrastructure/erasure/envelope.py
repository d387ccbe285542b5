"""Stored events with the words of their subject under its key, and the same events read again."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from pydantic_core import from_json, to_json

from domain.kernel.sealing import ERASED, SEALED, Sealing, blanked, remarked, says, subject_in
from infrastructure.erasure.keys import Key, SubjectKeys
from infrastructure.log.port import LogRow, NewEvent

_SEAL: Final = re.compile(rb',"sealed":\{"of":"([^"]+)","from":([0-9]+),"text":"([^"]+)"\}\}')
"""The end of a sealed event. Inside a text its quotes would be escaped."""
ENVELOPE: Final = "sealed"
"""The field of a stored event that holds its words under their key; it stands last."""
_MARK: Final = b',"sealed":{"of":"'
_NONCE_BYTES: Final = 12


class SealBrokenError(Exception):
    """Fault: what is stored was not sealed under this subject's key: the row was changed, or the keys are others."""


class Envelopes:
    """Seals and opens by the names of events; of an event that has none of a subject's words nothing changes."""

    def __init__(self, sealings: Mapping[str, Sealing], keys: SubjectKeys, *, lost_through: int = 0) -> None:
        """Words of events up to ``lost_through`` were kept under keys that are lost: they read as erased."""
        self._sealings: Final = sealings
        self._keys: Final = keys
        self._lost_through: Final = lost_through

    def may_seal(self, name: str) -> bool:
        """Whether events of this stored name can hold words of a subject."""
        return name in self._sealings

    def sealed(self, event: NewEvent) -> NewEvent:
        """As it is stored. The same event becomes the same bytes, so that an append in doubt can be repeated.

        Under a key that was destroyed nothing can be kept: then the words are left out.
        """
        sealing = self._sealings.get(event.type)
        if sealing is None:
            return event
        content: dict[str, Any] = from_json(event.state)
        subject = subject_in(sealing, event.stream, content)
        words = {field: content.pop(field) for field, kind in sealing.fields.items() if says(kind, content.get(field))}
        if not words or not subject:
            return event
        key = self._keys.key(subject)
        marker = SEALED if key is not None else ERASED
        # What is put back when it is opened stands behind everything else, so that nothing has to be read for that.
        rest = _text(content)[:-1] + (b"," if content else b"")
        state = rest + _text({field: blanked(sealing.fields[field], said, marker) for field, said in words.items()})[1:]
        if key is not None:
            closed = _closed(key, _text(words))
            state = state[:-1] + b'%s%s","from":%d,"text":"%s"}}' % (_MARK, subject.encode(), len(rest), closed)
        return event._replace(state=state)

    def is_sealed(self, row: LogRow) -> bool:
        """Whether words of a subject were put under its key in this row."""
        return row.type in self._sealings and _MARK in row.state

    def is_lost(self, row: LogRow) -> bool:
        """Whether words of this row were kept under keys that are lost."""
        return row.position <= self._lost_through

    def proves(self, row: LogRow) -> bool:
        """Whether a sealed row shows that the keys are its own; one that was erased shows nothing.

        Raises SealBrokenError.
        """
        seal = _seal_of(row)
        return self._keys.key(seal[1].decode()) is not None and self.opened(row) is not row

    def opened(self, row: LogRow) -> LogRow:
        """As it was before it was stored; where the key was destroyed, with the marker in the place of the words.

        Raises SealBrokenError.
        """
        if not self.is_sealed(row):
            return row
        seal = _seal_of(row)
        key = None if self.is_lost(row) else self._keys.key(seal[1].decode())
        if key is None:
            return row._replace(state=self._erased(row, row.state[: seal.start()] + b"}"))
        return row._replace(state=row.state[: int(seal[2])] + _open(key, seal[3], _place(row))[1:])

    def marked(self, row: LogRow, marker: Callable[[str], str]) -> LogRow:
        """As it reads where nobody has keys, with a marker that is made of the subject's id. Raises SealBrokenError."""
        if not self.is_sealed(row):
            return row
        seal = _seal_of(row)
        return row._replace(state=self._erased(row, row.state[: seal.start()] + b"}", marker(seal[1].decode())))

    def closed(self, subject: str, words: bytes) -> str | None:
        """Words under the key of their subject; None where it was destroyed."""
        key = self._keys.key(subject)
        return None if key is None else _closed(key, words).decode()

    def words(self, subject: str, text: str, where: str, position: int) -> bytes | None:
        """What ``closed`` closed, of events up to a position; None where the key was destroyed or lost since.

        Raises SealBrokenError.
        """
        key = None if position <= self._lost_through else self._keys.key(subject)
        return None if key is None else _open(key, text.encode(), where)

    def _erased(self, row: LogRow, state: bytes, marker: str = ERASED) -> bytes:
        content, fields = from_json(state), self._sealings[row.type].fields
        known = fields.keys() & content.keys()
        return _text(content | {field: remarked(fields[field], content[field], SEALED, marker) for field in known})


def _text(content: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:
        # An integer of any size may be in there, which takes a slower writer, as it took a slower reader.
        return to_json(content)


def _seal_of(row: LogRow) -> re.Match[bytes]:
    seal = _SEAL.fullmatch(row.state, row.state.rindex(_MARK))
    if seal is None:
        raise SealBrokenError(_place(row))
    return seal


def subject_of(sealings: Mapping[str, Sealing], row: LogRow) -> str | None:
    """Whose words an event may hold; None where it has none of anybody's."""
    sealing = sealings.get(row.type)
    if sealing is None:
        return None
    return row.stream if not sealing.about else subject_in(sealing, row.stream, from_json(row.state))


def _closed(key: Key, words: bytes) -> bytes:
    # The nonce follows from key and words: it repeats only together with the whole text, which then tells nothing more.
    nonce = blake2b(words, key=key.secret, digest_size=_NONCE_BYTES, person=b"nonce").digest()
    return b64encode(nonce + key.cipher.encrypt(nonce, words, key.bound))


def _open(key: Key, text: bytes, where: str) -> bytes:
    data = b64decode(text)
    try:
        return key.cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], key.bound)
    except InvalidTag as problem:
        raise SealBrokenError(where) from problem


def _place(row: LogRow) -> str:
    return f"@{row.position}, {row.stream}@{row.version}"
