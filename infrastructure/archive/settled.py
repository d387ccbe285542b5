"""Whether what was written is still there after the power has gone."""

import os
from pathlib import Path


def settle(folder: Path) -> None:
    """Wait until every file of a folder, every folder in it and their names are on the disk. Raises OSError."""
    for file in sorted(folder.rglob("*")):
        _synchronised(file)
    _synchronised(folder)
    _synchronised(folder.parent)
    _synchronised(folder.parent.parent)


def _synchronised(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
