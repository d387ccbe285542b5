"""Seeds in memory, gone with the process as its log is."""

import threading
from collections.abc import Mapping


class MemorySeeds:
    """For tests, simulations and trials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seeds: dict[str, bytes] = {}
        self._paths: set[str] = set()
        self._done = 0

    def begin(self, root: bytes) -> None:
        with self._lock:
            if not self._seeds:
                self._seeds[""] = root

    def seed(self, prefix: str) -> bytes | None:
        with self._lock:
            return self._seeds.get(prefix)

    def destroyed(self) -> list[str]:
        with self._lock:
            return sorted(self._paths)

    def cut(self, prefix: str, path: str, left: Mapping[str, bytes]) -> bool:
        with self._lock:
            if self._seeds.pop(prefix, None) is None:
                return False
            self._seeds.update(left)
            self._paths.add(path)
            return True

    def done(self) -> int:
        with self._lock:
            return self._done

    def move_done(self, position: int) -> None:
        with self._lock:
            self._done = max(self._done, position)

    def close(self) -> None:
        """Nothing is held open."""
