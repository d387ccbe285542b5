"""Where the server is and what key opens it: said, in the environment, or found in a data folder near by."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from signalbox.client.errors import Refused, ServerUnavailable

DATA_FOLDER: Final = ".signalbox"
FILE_BYTES_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server and the key that is sent to it."""

    url: str
    key: str = field(repr=False)


def find_endpoint(
    *,
    url: str | None = None,
    key: str | None = None,
    data: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Endpoint:
    """Arguments count first, then SIGNALBOX_URL, SIGNALBOX_KEY and SIGNALBOX_DATA, then the data folder.

    Without ``data`` the data folder is ``.signalbox`` of ``folder`` (the working directory) or of the nearest parent
    that has one. Raises Refused where something is malformed or missing, ServerUnavailable where no server is known.
    """
    known = os.environ if environment is None else environment
    url = url or known.get("SIGNALBOX_URL") or None
    key = key or known.get("SIGNALBOX_KEY") or None
    if url and key:
        return _endpoint(_checked(url), key)
    found = find_data_folder(data=data, environment=known, folder=folder)
    published = None if found is None else _published(found)
    if url is None and published is None:
        raise ServerUnavailable(
            "no_server",
            "no server runs here",
            "Start one with `signalbox up`, or name one with --url or SIGNALBOX_URL.",
        )
    target = _checked(url or published or "")
    # The key of a local server is the owner's admin key: it is shown to that server and to nobody else.
    if key is None and found is not None and published is not None and target == _checked(published):
        key = _text(found / "local.key")
    if not key:
        raise _refused("no_key", f"there is no key for {target}", "Give one with SIGNALBOX_KEY or --key.")
    return _endpoint(target, key)


def find_data_folder(
    *, data: Path | None = None, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Path | None:
    """The argument, else SIGNALBOX_DATA, else ``.signalbox`` of ``folder`` or of the nearest parent that has one."""
    known = os.environ if environment is None else environment
    said = data or (Path(known["SIGNALBOX_DATA"]) if known.get("SIGNALBOX_DATA") else None)
    return said or _nearest(folder or Path.cwd())


def _endpoint(url: str, key: str) -> Endpoint:
    if not (key.isascii() and key.isprintable()):
        raise _refused("bad_key", "that is no key: it has letters that no key has", "Give it as it was issued, sbx_….")
    return Endpoint(url, key)


def _nearest(folder: Path) -> Path | None:
    candidates = (parent / DATA_FOLDER for parent in (folder, *folder.parents))
    return next((candidate for candidate in candidates if candidate.is_dir()), None)


def _published(folder: Path) -> str | None:
    """The URL that a server wrote into its data folder; None where none runs."""
    if folder.is_dir() and not _is_own(folder):
        raise _refused(
            "foreign_folder",
            f"{folder} belongs to another user",
            "Name your own data folder with --data, or use --url.",
        )
    text = _text(folder / "server.json")
    if text is None:
        return None
    try:
        said: object = json.loads(text)
    except ValueError:
        said = None
    url = cast("dict[str, object]", said).get("url") if isinstance(said, dict) else None
    if not isinstance(url, str):
        raise _refused("bad_endpoint_file", f"{folder / 'server.json'} names no server", "Restart `signalbox up`.")
    return url


def _is_own(folder: Path) -> bool:
    """A folder that somebody else planted above ours must not send us its work."""
    return os.name != "posix" or folder.stat().st_uid == os.geteuid()


def _text(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(FILE_BYTES_MAX).decode(errors="replace").strip()
    except OSError:
        return None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed:
        raise _refused("bad_url", f"{url!r} is not a URL of a server", "Write it like http://127.0.0.1:8420.")
    return url.rstrip("/")


def _refused(code: str, message: str, advice: str) -> Refused:
    return Refused(code, message, advice)
