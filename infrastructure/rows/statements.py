"""Fills the names of tables and columns into the named statements of the rows, never values."""

import re
from typing import Final

from infrastructure.sql import load

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Statements:
    """The statements of ``rows.sql`` for one kind of database."""

    def __init__(self, dialect: str) -> None:
        self._texts: Final = load(f"{dialect}/rows.sql")

    def __call__(self, name: str, **parts: str) -> str:
        """The statement with its {parts} filled in by texts that this program made. Raises KeyError."""
        return self._texts[name].format(**parts)


def identifier(name: str) -> str:
    """The name, if it can stand in a statement as it is. Raises ValueError."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"not a name of ours: {name!r}")
    return name
