"""The operating system's lock on a file: held by one process, given up when it ends, however it ends."""

import os
import sys
from pathlib import Path


class StoreInUse(Exception):
    """Fault: another process has this store open. Stop it, or give this one a store of its own."""


class FileLock:
    """Takes the lock at once or raises StoreInUse. The lock file stays; only the lock on it comes and goes."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreInUse(f"{path} is locked by another process") from error

    def is_on(self, path: Path) -> bool:
        """Whether the file of that name is the locked one; another may have put a new one in its place before."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock up; call it once."""
        os.close(self._descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
