"""Keys by subject, followed from the seeds when they are asked for, and the destruction of one of them."""

import threading
from bisect import bisect_left
from collections import OrderedDict
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infrastructure.erasure.port import SeedReader, SeedStore
from infrastructure.erasure.seed_tree import descended, key_at, path_of, punctured, shared

KEYS_MAX: Final = 8_192
"""Keys in memory, those that were asked for last."""
SEEDS_MAX: Final = 1_024
_LOOKS_MAX: Final = 3
"""How often a seed that another node just cut is looked for anew."""


class SeedMissingError(Exception):
    """Fault: the seeds of subjects' keys are not those that belong to this log, or some are lost."""


class Key:
    """The key of one subject."""

    def __init__(self, subject: str, secret: bytes) -> None:
        self.secret: Final = secret
        self.cipher: Final = AESGCM(secret)
        self.bound: Final = subject.encode()
        """What is authenticated beside each text, so that none can be passed off as another subject's."""


class SubjectKeys:
    """Safe from any thread."""

    def __init__(self, seeds: SeedReader) -> None:
        self._reader: Final = seeds
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, Key] = OrderedDict()
        self._seeds: OrderedDict[str, bytes] = OrderedDict()
        self._destroyed: list[str] = seeds.destroyed()

    def key(self, subject: str) -> Key | None:
        """The subject's key; None once it was destroyed. Raises SeedMissingError, StoreUnavailable."""
        with self._lock:
            found = self._keys.get(subject)
            if found is None:
                leaf = self._leaf(path_of(subject))
                if leaf is None:
                    return None
                found = self._keys[subject] = Key(subject, key_at(leaf))
                if len(self._keys) > KEYS_MAX:
                    self._keys.popitem(last=False)
            return found

    def is_destroyed(self, subject: str) -> bool:
        """Whether there is no key any more, as far as this object knows."""
        with self._lock:
            return self._is_cut(path_of(subject))

    def forget(self) -> None:
        """Somebody destroyed a key: nothing that is in memory is believed any more."""
        with self._lock:
            self._look_again()

    def _look_again(self) -> None:
        self._keys.clear()
        self._seeds.clear()
        self._destroyed = self._reader.destroyed()

    def _is_cut(self, path: str) -> bool:
        place = bisect_left(self._destroyed, path)
        return place < len(self._destroyed) and self._destroyed[place] == path

    def _leaf(self, path: str) -> bytes | None:
        for _ in range(_LOOKS_MAX):
            if self._is_cut(path):
                return None
            prefix = self._prefix(path)
            seed = self._seed(prefix)
            if seed is not None:
                return descended(seed, path[len(prefix) :])
            self._look_again()
        raise SeedMissingError("the keys of subjects do not belong to this log, or some of them are lost")

    def _prefix(self, path: str) -> str:
        """Where the seed lies from which a leaf follows: one step beyond what it shares with any leaf cut out."""
        place = bisect_left(self._destroyed, path)
        near = self._destroyed[max(0, place - 1) : place + 1]
        return path[: max((shared(path, one) + 1 for one in near), default=0)]

    def _seed(self, prefix: str) -> bytes | None:
        found = self._seeds.get(prefix)
        if found is None:
            found = self._reader.seed(prefix)
            if found is not None:
                self._seeds[prefix] = found
                if len(self._seeds) > SEEDS_MAX:
                    self._seeds.popitem(last=False)
        return found


class OwnedKeys(SubjectKeys):
    """Keys of a store that this process may write."""

    def __init__(self, seeds: SeedStore) -> None:
        super().__init__(seeds)
        self._store: Final = seeds

    def destroy(self, subject: str) -> None:
        """The subject's key is gone for ever when this returns; again changes nothing.

        Raises SeedMissingError, StoreUnavailable, OutcomeUnknown.
        """
        path = path_of(subject)
        with self._lock:
            for _ in range(_LOOKS_MAX):
                self._look_again()
                if self._is_cut(path):
                    return
                prefix = self._prefix(path)
                seed = self._reader.seed(prefix)
                if seed is not None and self._store.cut(prefix, path, punctured(prefix, seed, path)):
                    self._look_again()
                    return
        raise SeedMissingError("the keys of subjects do not belong to this log, or some of them are lost")
