"""Where the server is and what key opens it: said, in the environment, or found in a data folder near the work.

The same rules as `signalbox.client.endpoint`, which takes longer to load than a whole event may take.
"""

import os

from signalbox.hook.reading import UnreadableError, file_text, object_of, text_in

DATA_FOLDER = ".signalbox"
FILE_BYTES_MAX = 4_096


class NoServerError(Exception):
    """No server is known; ``advice`` says what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class Installation:
    """A server and the key that is sent to it."""

    __slots__ = ("key", "url")

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key


def find_installation(environment: "dict[str, str]", data: str, folders: list[str]) -> Installation:
    """SIGNALBOX_URL and SIGNALBOX_KEY, else what a server wrote into the data folder: ``data``, SIGNALBOX_DATA, or
    ``.signalbox`` of the nearest of the folders, each with its parents. Raises NoServerError."""
    url, key = environment.get("SIGNALBOX_URL", ""), environment.get("SIGNALBOX_KEY", "")
    if url and key:
        return _checked(url, key)
    found = data or environment.get("SIGNALBOX_DATA", "") or _nearest(folders)
    published = _published(found) if found else ""
    target = (url or published).rstrip("/")
    if not target:
        raise NoServerError("no server runs here", "start one with `signalbox up`, or set SIGNALBOX_URL")
    # The key of a local server is the owner's: it is shown to that server and to nobody else.
    if not key and published and target == published.rstrip("/"):
        key = (_text(os.path.join(found, "local.key")) or "").strip()
    return _checked(target, key)


def is_near(folders: list[str]) -> bool:
    """Whether a data folder lies there or above."""
    return bool(_nearest(folders))


def _nearest(folders: list[str]) -> str:
    for start in folders:
        folder = start
        while folder:
            candidate = os.path.join(folder, DATA_FOLDER)
            if os.path.isdir(candidate):
                return candidate
            above = os.path.dirname(folder)
            folder = "" if above == folder else above
    return ""


def _published(folder: str) -> str:
    text = _text(os.path.join(folder, "server.json"))
    try:
        return "" if text is None else text_in(object_of(text), "url")
    except UnreadableError as error:
        raise NoServerError(f"{folder}/server.json names no server", "restart `signalbox up`") from error


def _text(path: str) -> str | None:
    try:
        return file_text(path, FILE_BYTES_MAX)
    except (OSError, UnreadableError) as error:
        advice = "name your own data folder with SIGNALBOX_DATA"
        raise NoServerError(f"{path} cannot be read: {error}", advice) from error


def _checked(url: str, key: str) -> Installation:
    if not url.startswith(("http://", "https://")):
        raise NoServerError(f"{url!r} is not the URL of a server", "write it like http://127.0.0.1:8420")
    if not key or not key.isascii() or not key.isprintable():
        raise NoServerError(f"there is no key for {url}", "give one with SIGNALBOX_KEY")
    return Installation(url.rstrip("/"), key)
