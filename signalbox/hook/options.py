"""What the hook is told when a client starts it."""

from signalbox.hook.event import CLIENTS

USAGE = (
    "signalbox hook claude|codex|gemini [--observe] [--project NAME] [--repository NAME] [--pool NAME] [--data FOLDER]"
    " [--seconds N] [--worktrees POOL]"
)
SECONDS = 3
SECONDS_MAX = 60
WORKTREE_SECONDS = 290
"""How long a worktree may take, whatever else is said."""
_WITH_VALUE = ("project", "repository", "pool", "data", "seconds", "worktrees")


class BadOptionsError(Exception):
    """The command line is wrong."""


class Options:
    """Which client asks, and what it was connected with."""

    __slots__ = ("client", "data", "pool", "project", "repository", "seconds", "strict", "worktrees")

    def __init__(self) -> None:
        self.client = ""
        self.strict = True
        """Whether an edit that cannot be checked is refused; else nothing is ever refused, only told."""
        self.project = ""
        self.repository = ""
        """Name of the repository that the client works in; else that of its folder."""
        self.pool = ""
        """Credentials whose quota the client's sessions share."""
        self.data = ""
        self.worktrees = ""
        """The pool whose units are worktrees of the repository; empty where the client makes its own."""
        self.seconds = SECONDS
        """How long one event may take, well below the time after which a client goes on without an answer."""


def options_of(arguments: list[str], environment: "dict[str, str]") -> Options:
    """Arguments count first, then SIGNALBOX_PROJECT, _REPOSITORY and _POOL. Raises BadOptionsError."""
    said: dict[str, str] = {}
    options = Options()
    options.strict = "--observe" not in arguments
    rest = [one for one in arguments if one != "--observe"]
    if not rest or rest[0] not in CLIENTS:
        raise BadOptionsError(f"usage: {USAGE}")
    options.client = rest.pop(0)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not equals:
            value = rest.pop(0) if rest else ""
        if not name.startswith("--") or name[2:] not in _WITH_VALUE or not value:
            raise BadOptionsError(f"usage: {USAGE}")
        said[name[2:]] = value
    options.project = said.get("project") or environment.get("SIGNALBOX_PROJECT", "")
    options.repository = said.get("repository") or environment.get("SIGNALBOX_REPOSITORY", "")
    options.pool = said.get("pool") or environment.get("SIGNALBOX_POOL", "")
    options.data = said.get("data", "")
    options.worktrees = said.get("worktrees", "")
    seconds = said.get("seconds", str(SECONDS))
    if not seconds.isdigit() or not 1 <= int(seconds) <= SECONDS_MAX:
        raise BadOptionsError(f"--seconds is a whole number from 1 to {SECONDS_MAX}")
    options.seconds = int(seconds)
    return options
