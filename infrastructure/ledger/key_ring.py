"""The private keys of the ledger: files that only the server's user may read, made at the first start, rotated."""

import base64
import binascii
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from infrastructure.ledger.port import KeyPeriod
from infrastructure.ledger.signing import new_seed, public_key, signature
from infrastructure.local import UnsafeDataFolderError, kept_text, prepare_data_folder, replace_text
from projections.audit_ledger.note import Note, PublicKey

KEY_FILE_ENDING: Final = ".key.json"
PUBLIC_FILE: Final = "public.txt"
KEYS_MAX: Final = 8
"""Keys that sign at once; a rotation beyond it is refused until one is retired."""
SECOND: Final = 1_000_000


class TooManyKeys(Exception):
    """So many keys sign already that another rotation has to wait."""


class _KeyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seed: str
    since: int
    until: int | None = None


class KeyRing:
    """The keys of one node. Safe from any thread. Raises UnsafeDataFolderError where a file is damaged."""

    def __init__(self, folder: Path, name: str, *, now: int) -> None:
        """Read the keys of a folder; make the first one where there is none for this log's ``name``."""
        prepare_data_folder(folder)
        self._folder: Final = folder
        self._name: Final = name
        self._lock = threading.Lock()
        self._keys: dict[PublicKey, _KeyFile] = {}
        for file in sorted(folder.glob(f"*{KEY_FILE_ENDING}")):
            self._read(file)
        if not any(key.until is None for key in self._keys.values()):
            self._make(now)
        self._publish()

    def sign(self, text: str, *, now: int) -> Note:
        """The text with the signature of every key that is not retired."""
        with self._lock:
            signing = [key for key in self._keys.values() if key.until is None or key.until > now]
        return Note(text, tuple(signature(key.name, base64.b64decode(key.seed), text) for key in signing))

    def periods(self) -> list[KeyPeriod]:
        """The public halves, the oldest first."""
        with self._lock:
            periods = [KeyPeriod(str(public), key.since, key.until) for public, key in self._keys.items()]
        return sorted(periods, key=lambda one: one.since)

    def public_keys(self) -> list[PublicKey]:
        """What verifies the signatures of this node."""
        with self._lock:
            return list(self._keys)

    @property
    def newest(self) -> int:
        """When the last key began to sign."""
        with self._lock:
            return max(key.since for key in self._keys.values())

    def rotate(self, *, now: int, overlap_seconds: int) -> KeyPeriod:
        """A new key; those before it sign beside it for the overlap, and are retired then. Raises TooManyKeys."""
        with self._lock:
            if sum(key.until is None or key.until > now for key in self._keys.values()) >= KEYS_MAX:
                raise TooManyKeys(f"{KEYS_MAX} keys sign already; wait until one is retired")
            former = [(public, key) for public, key in self._keys.items() if key.until is None]
            # The new key first: whatever breaks off here leaves one key too many, never none.
            made = self._make(now)
            for public, key in former:
                retired = key.model_copy(update={"until": now + overlap_seconds * SECOND})
                replace_text(self._file(public), retired.model_dump_json())
                self._keys[public] = retired
            self._publish()
        return KeyPeriod(str(made), now, None)

    def _make(self, now: int) -> PublicKey:
        seed = new_seed()
        public = public_key(self._name, seed)
        key = _KeyFile(name=self._name, seed=base64.b64encode(seed).decode(), since=now)
        kept_text(self._file(public), key.model_dump_json)
        self._keys[public] = key
        return public

    def _publish(self) -> None:
        """Write what whoever verifies trusts: the public halves with their periods."""
        periods = (replace(public, since=key.since, until=key.until) for public, key in self._keys.items())
        text = "\n".join(one.line for one in periods)
        if kept_text(self._folder / PUBLIC_FILE, lambda: text) != text:
            replace_text(self._folder / PUBLIC_FILE, text)

    def _read(self, file: Path) -> None:
        try:
            key = _KeyFile.model_validate_json(kept_text(file, lambda: ""))
            public = public_key(key.name, base64.b64decode(key.seed, validate=True))
        except (ValidationError, binascii.Error, ValueError) as error:
            raise UnsafeDataFolderError(f"{file} holds no key of the ledger; restore it, or move it away") from error
        if key.name == self._name:
            self._keys[public] = key

    def _file(self, public: PublicKey) -> Path:
        return self._folder / f"{public.key_hash.hex()}{KEY_FILE_ENDING}"
