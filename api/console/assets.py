"""The files of the console, each at its path."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_TYPES: Final = {
    "html": b"text/html; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "css": b"text/css; charset=utf-8",
}
_FILES: Final = {
    # Whoever opens the address that a server tells wants to see something.
    "/": "query.html",
    "/query": "query.html",
    "/query/query.css": "query.css",
    "/query/query.js": "query.js",
    "/query/schema.js": "schema.js",
    "/query/server.js": "server.js",
}
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page of ours may load: itself, and nothing that a stored text could smuggle in (security.md S29)."""
PATHS: Final = frozenset(_FILES)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    content_type: bytes
    body: bytes


def read_assets() -> Mapping[str, Asset]:
    """Every file by its path."""
    folder = files("api.console") / "assets"
    return {path: Asset(_TYPES[name.rpartition(".")[2]], (folder / name).read_bytes()) for path, name in _FILES.items()}
