"""Signalbox as it is installed: launcher, client and agent hook; the layers behind it stay private to its process."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """The version, looked up only when asked for: reading metadata costs more than starting the hook."""
    if name == "__version__":
        from importlib.metadata import version

        return version("signalbox")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
