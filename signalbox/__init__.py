"""Signalbox as it is installed: launcher, client and agent hook; the layers behind it stay private to its process."""

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from signalbox.client import AsyncClient, Client

    __version__: str

__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> object:
    """What is looked up only when asked for: reading metadata costs more than starting the hook."""
    if name in ("AsyncClient", "Client"):
        import signalbox.client

        return getattr(signalbox.client, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("signalbox")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
