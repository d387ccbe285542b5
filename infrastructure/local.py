"""The data folder of a server on its own: private files that its user's programs find by themselves."""

import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

from infrastructure.keys import Minted, key_of

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
KEY_FILE: Final = "local.key"
DIGEST_FILE: Final = "secret"
ENDPOINT_FILE: Final = "server.json"
IGNORED_FILE: Final = ".gitignore"
FILE_BYTES_MAX: Final = 4_096


class UnsafeDataFolderError(Exception):
    """Fault: the data folder, or a private file in it, belongs to somebody else or is damaged."""


def prepare_data_folder(folder: Path) -> None:
    """Make the folder, for its owner only; one that others could enter is shut.

    Raises UnsafeDataFolderError where it belongs to another user or is no folder.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    _own(folder)
    folder.chmod(FOLDER_MODE)
    # The folder usually lies in a repository; its keys must not be committed with it. An empty file is what a full disk
    # or a kill has left of one, and would let them be.
    ignored = folder / IGNORED_FILE
    if not ignored.exists() or not ignored.stat().st_size:
        replace_text(ignored, "*")


def server_secret(folder: Path) -> bytes:
    """The key of all digests, made at the first start."""
    return kept_text(folder / DIGEST_FILE, lambda: secrets.token_hex(32)).encode()


def local_key(folder: Path, mint: Callable[[], Minted]) -> str:
    """The secret of the owner's admin key, made at the first start; the caller sees to it that the log knows the key.

    Raises UnsafeDataFolderError where the file holds no key.
    """
    secret = kept_text(folder / KEY_FILE, lambda: mint().secret)
    if key_of(secret) is None:
        raise UnsafeDataFolderError(f"{folder / KEY_FILE} holds no key; remove it to get a new one")
    return secret


def publish_endpoint(folder: Path, url: str) -> None:
    """Tell programs of the same user where the server is."""
    text = orjson.dumps({"url": url, "pid": os.getpid()}, option=orjson.OPT_APPEND_NEWLINE)
    temporary = _written_beside(folder / ENDPOINT_FILE, text)
    temporary.replace(folder / ENDPOINT_FILE)


def withdraw_endpoint(folder: Path) -> None:
    """Take the endpoint back, unless a later server has published its own."""
    file = folder / ENDPOINT_FILE
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        if orjson.loads(file.read_bytes())["pid"] == os.getpid():
            file.unlink()


def replace_text(file: Path, text: str) -> None:
    """Give a private file another text: durably, and whole or not at all."""
    _written_beside(file, text.encode() + b"\n").replace(file)
    _sync_folder(file.parent)


def kept_text(file: Path, make: Callable[[], str]) -> str:
    """The text of a private file; the first process to come makes it, all others read the same."""
    if not file.exists():
        temporary = _written_beside(file, make().encode() + b"\n")
        try:
            with suppress(FileExistsError):
                # A link is made whole or not at all and never replaces a file.
                file.hardlink_to(temporary)
        finally:
            temporary.unlink()
        _sync_folder(file.parent)
    _own(file)
    file.chmod(FILE_MODE)
    with file.open("rb") as opened:
        text = opened.read(FILE_BYTES_MAX).decode(errors="replace").strip()
    if not text:
        raise UnsafeDataFolderError(f"{file} is empty; restore it, or remove it to get a new one")
    return text


def _written_beside(file: Path, content: bytes) -> Path:
    """A durable temporary file of mode 0600 in the same folder; none is left where it cannot be written."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        Path(name).unlink()
        # A write does not say of which file it speaks, and whoever reads of it has to know.
        raise OSError(error.errno, error.strerror, str(file)) from error
    return Path(name)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _own(path: Path) -> None:
    status = path.lstat()
    if os.name == "posix" and status.st_uid != os.geteuid():
        raise UnsafeDataFolderError(f"{path} belongs to another user")
