"""What the hook remembers of one host session between two events: its life at the server and what it holds.

It only spares round trips: what is lost here, or cannot be written, is asked of the server again.
"""

import os

from signalbox.hook.clocks import seconds_since, stamp
from signalbox.hook.reading import UnreadableError, file_text, is_list, is_object, number_in, object_of, text_in

GRANTS_MAX = 300
RECENT_SECONDS = 3_600.0
"""An agent that remembers something writes it down more often than that."""
_FORM = 1
_ENDING = ".json"
_COUNTED = ".verdicts"
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Memory:
    """One agent: the main one of a host session, or a sub-agent. ``session`` is empty where nothing is known."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.url = ""
        self.project = ""
        self.session = ""
        self.incarnation = 0
        self.process = ""
        self.trusted_seconds = 0.0
        """How long the latest answer is good for."""
        self.heard: list[object] = []
        self.grants: dict[str, list[str]] = {}
        """Token -> claims under it, each as ``mode claim``."""
        self.after_tool: list[str] = []
        """Tokens that are needed as long as a tool runs, each as ``token call``; the call may be empty."""
        self.places: dict[str, str] = {}
        """Claim on a path -> where that lies on this machine."""
        self.noted: list[str] = []
        """Files of which the board was told once already."""
        self.mail_looked: list[object] = []
        self.mail_told = 0
        """Number of the last message that the model was told."""

    @property
    def is_fresh(self) -> bool:
        """Whether what it says need not be asked again."""
        return seconds_since(self.heard) < self.trusted_seconds

    def is_of(self, process: str) -> bool:
        """Whether this process of the client speaks for the session; where either is not told, it does."""
        return process == self.process or not process or not self.process

    def holds(self, wanted: str) -> bool:
        """Whether a grant covers ``mode claim``: the same, or a folder above it."""
        return any(_covers(held, wanted) for claims in self.grants.values() for held in claims)

    def moves(self, checkout: str) -> bool:
        """Whether a tool of it is running that moves the checkout, by the claim of that."""
        tokens = {one.partition(" ")[0] for one in self.after_tool}
        held = (claim for token in tokens for claim in self.grants.get(token, ()))
        return any(claim in (f"update {checkout}", f"exclusive {checkout}") for claim in held)

    def token_of(self, wanted: str) -> str:
        """Of the newest grant that covers ``mode claim``; empty where none does."""
        found = [token for token, claims in self.grants.items() if any(_covers(held, wanted) for held in claims)]
        return found[-1] if found else ""

    def hear(self, trusted_seconds: float) -> None:
        """The server has just confirmed what is remembered."""
        self.heard, self.trusted_seconds = stamp(), trusted_seconds

    def keep(self, token: str, claims: list[str]) -> None:
        """Remember a grant; beyond 300 the oldest is forgotten, which costs a question."""
        self.grants[token] = list(dict.fromkeys([*self.grants.get(token, []), *claims]))
        while len(self.grants) > GRANTS_MAX:
            del self.grants[next(iter(self.grants))]

    def remember(self, places: "dict[str, str]") -> None:
        """Where the claims lie; as many as there may be grants."""
        self.places |= places
        while len(self.places) > GRANTS_MAX:
            del self.places[next(iter(self.places))]

    def begin(self, session: str, incarnation: int) -> None:
        """A life at the server begins, which holds nothing yet."""
        if session != self.session:
            self.mail_looked, self.mail_told = [], 0
        self.session, self.incarnation = session, incarnation
        self.grants, self.after_tool = {}, []

    def save(self) -> bool:
        """Write it down, whole or not at all; whether that went well."""
        from json import dumps

        told = {name: value for name, value in vars(self).items() if name != "path"}
        fresh = f"{self.path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(descriptor, dumps({"form": _FORM, **told}).encode())
            finally:
                os.close(descriptor)
            os.replace(fresh, self.path)
        except OSError:
            _remove(fresh)
            return False
        return True

    @property
    def has_below(self) -> bool:
        """Whether sub-agents of it are at work: where they write it does not, and only the server knows where."""
        return bool(_names_in(self._below))

    def count(self) -> None:
        """One more verdict was found here, without asking the server."""
        self.put_back(1)

    def put_back(self, verdicts: int) -> None:
        """Count so many, for the next heartbeat to tell. A file with a letter for each: hooks run beside each other."""
        try:
            descriptor = os.open(self.path + _COUNTED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, b"." * verdicts)
            finally:
                os.close(descriptor)
        except OSError:
            return

    def take_counted(self) -> int:
        """How many were counted; the count begins anew."""
        mine = f"{self.path}{_COUNTED}.{os.getpid()}"
        try:
            os.rename(self.path + _COUNTED, mine)
            total = os.stat(mine).st_size
        except OSError:
            return 0
        _remove(mine)
        return total

    def forget(self) -> None:
        """Leave nothing behind, of sub-agents neither."""
        for name in _names_in(self._below):
            _remove(os.path.join(self._below, name))
        place, own = os.path.split(self.path)
        for name in _names_in(place):
            # Also what a hook that was killed has left half done beside it, with the number of its process.
            if name.startswith(own):
                _remove(os.path.join(place, name))
        for folder in (self._below, place):
            try:
                # The folder of the main agent goes with its last sub-agent; one that is in use stays.
                os.rmdir(folder)
            except OSError:
                continue

    @property
    def _below(self) -> str:
        return self.path.removesuffix(_ENDING)


def memory_of(folder: str, client: str, session: str, agent: str) -> Memory:
    """What is remembered of the agent; nothing where there is nothing that can be read."""
    place = os.path.join(folder, f"{client}-{_safe(session)}")
    return _read((os.path.join(place, _safe(agent)) if agent else place) + _ENDING)


def memories_in(folder: str) -> list[Memory]:
    """Of every agent that was at work here of late, main or below another."""
    found: list[Memory] = []
    for name in _names_in(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            found += memories_in(path)
        elif path.endswith(_ENDING) and _age_seconds(path) < RECENT_SECONDS:
            found.append(_read(path))
    return found


def _age_seconds(path: str) -> float:
    from time import time

    try:
        return time() - os.stat(path).st_mtime
    except OSError:
        return float("inf")


def _read(path: str) -> Memory:
    memory = Memory(path)
    try:
        text = file_text(memory.path)
        fields = {} if text is None else object_of(text)
        if number_in(fields, "form") == _FORM:
            _recall(memory, fields)
    except (OSError, UnreadableError):
        memory.session = ""
    return memory


def cache_folder(environment: "dict[str, str]") -> str:
    """SIGNALBOX_HOOK_CACHE, else the folder for caches of this user."""
    said = environment.get("SIGNALBOX_HOOK_CACHE")
    if said:
        return said
    base = environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA")
    return os.path.join(base or os.path.join(os.path.expanduser("~"), ".cache"), "signalbox", "hooks")


def _recall(memory: Memory, fields: "dict[str, object]") -> None:
    memory.url, memory.project = text_in(fields, "url"), text_in(fields, "project")
    memory.session, memory.incarnation = text_in(fields, "session"), int(number_in(fields, "incarnation"))
    memory.process = text_in(fields, "process")
    memory.trusted_seconds = number_in(fields, "trusted_seconds")
    memory.heard = _list_in(fields, "heard")
    memory.mail_looked, memory.mail_told = _list_in(fields, "mail_looked"), int(number_in(fields, "mail_told"))
    memory.noted = [str(one) for one in _list_in(fields, "noted")]
    memory.after_tool = [str(one) for one in _list_in(fields, "after_tool")]
    places = fields.get("places")
    if is_object(places):
        memory.places = {claim: str(place) for claim, place in places.items()}
    grants = fields.get("grants")
    if is_object(grants):
        memory.grants = {token: [str(one) for one in claims] for token, claims in grants.items() if is_list(claims)}


def _list_in(fields: "dict[str, object]", name: str) -> list[object]:
    value = fields.get(name)
    return value if is_list(value) else []


def _covers(held: str, wanted: str) -> bool:
    """By their texts alone: what only the lock service can tell is not covered."""
    if held == wanted:
        return True
    mode, _, claim = held.partition(" ")
    wanted_mode, _, wanted_claim = wanted.partition(" ")
    if mode not in ("exclusive", wanted_mode):
        return False
    if claim.startswith("path:") and claim.endswith(("/", "/**")):
        folder = claim.removesuffix("**")
        return "*" not in folder and wanted_claim.startswith(folder) and len(wanted_claim) > len(folder)
    return claim == wanted_claim


def _safe(name: str) -> str:
    """A name for a file: ids of clients are, everything else gets a digest."""
    if len(name) <= 100 and _SAFE.issuperset(name):
        return name
    from hashlib import blake2b

    return "x" + blake2b(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
