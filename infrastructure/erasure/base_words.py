"""The words that the state of a stream says of subjects, apart from it and each under its key."""

import re
import secrets
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import orjson

from domain.kernel.sealing import ERASED
from infrastructure.erasure.envelope import Envelopes
from infrastructure.log.archived import BaseState

_NONCE_BYTES: Final = 12
Path = tuple[str | int, ...]


class Markers:
    """Markers that name their subject, and that nobody can have written in a text: they are drawn for one fold."""

    def __init__(self) -> None:
        self._nonce: Final = b64encode(secrets.token_bytes(_NONCE_BYTES), b"-_").decode()
        self._pattern: Final = re.compile(rf"\[{re.escape(self._nonce)}:([^\]]+)\]")

    def of(self, subject: str) -> str:
        """What stands in the place of the subject's words."""
        return f"[{self._nonce}:{subject}]"

    def subject_in(self, text: str) -> str | None:
        """Whose words stood where there is a marker now."""
        found = self._pattern.search(text)
        return None if found is None else found[1]

    def subjects_in(self, state: bytes) -> set[str]:
        """Whose words stood where there are markers now."""
        return set(self._pattern.findall(state.decode()))

    def bare(self, state: bytes) -> bytes:
        """The state as whoever has no keys folds it."""
        return self._pattern.sub(ERASED, state.decode()).encode()


def apart(stream: str, said: bytes, marked: bytes, markers: Markers, envelopes: Envelopes) -> tuple[bytes, bytes]:
    """A state as it reads with all of its words, and with markers: the bare one, and the words that it lacks.

    Where no marker was left in the place of words, they are those of the stream.
    """
    words: dict[str, list[tuple[Path, Any]]] = {}
    for path, value, mark in _differences(orjson.loads(said), orjson.loads(marked), ()):
        subject = markers.subject_in(orjson.dumps(mark).decode()) or stream
        words.setdefault(subject, []).append((path, value))
    closed = ((subject, envelopes.closed(subject, orjson.dumps(found))) for subject, found in words.items())
    entries = [{"of": subject, "text": text} for subject, text in closed if text is not None]
    return markers.bare(marked), orjson.dumps(entries) if entries else b""


def subjects_of(words: bytes) -> set[str]:
    """Whose words are kept apart. Raises ValueError, KeyError, TypeError where that is not what is there."""
    return {str(entry["of"]) for entry in orjson.loads(words or b"[]")}


def with_words(base: BaseState, envelopes: Envelopes) -> BaseState:
    """With the words of those subjects that nobody erased. Raises SealBrokenError."""
    if not base.words:
        return base
    state = orjson.loads(base.state)
    for _, path, value in _words(base, envelopes):
        state = _changed(state, path, value)
    return base._replace(state=orjson.dumps(state), words=b"")


def with_markers(base: BaseState, markers: Markers, envelopes: Envelopes) -> bytes:
    """The state with markers in the place of its words, to go on folding with others. Raises SealBrokenError."""
    state = orjson.loads(base.state)
    for subject, path, _ in _words(base, envelopes):
        bare = orjson.dumps(_at(state, path)).decode()
        state = _changed(state, path, orjson.loads(bare.replace(ERASED, markers.of(subject))))
    return orjson.dumps(state)


def _words(base: BaseState, envelopes: Envelopes) -> Iterator[tuple[str, Path, Any]]:
    for entry in orjson.loads(base.words or b"[]"):
        opened = envelopes.words(entry["of"], entry["text"], f"the base of {base.stream}@{base.version}", base.position)
        for path, value in orjson.loads(opened or b"[]"):
            yield entry["of"], tuple(path), value


def _differences(said: Any, marked: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Where two values differ: the path, and both of what stands there."""
    steps = _steps(said)
    if steps is not None and steps == _steps(marked):
        for step in steps:
            yield from _differences(said[step], marked[step], (*path, step))
    elif said != marked:
        yield path, said, marked


def _steps(value: Any) -> list[str | int] | None:
    """What leads into a value; None where nothing does."""
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value))
    return list(range(len(cast("Sequence[object]", value)))) if isinstance(value, list) else None


def _at(state: Any, path: Path) -> Any:
    for step in path:
        state = state[step]
    return state


def _changed(state: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    _at(state, path[:-1])[path[-1]] = value
    return state
