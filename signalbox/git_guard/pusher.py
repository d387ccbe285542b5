"""Who commits or pushes: the session that the surroundings, or an option of the push, name; and whom the host knows."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from signalbox.client.errors import Refused
from signalbox.hook.memory import Memory, cache_folder, memories_in, memory_of
from signalbox.hook.places import repository_of, worktree_claim

OPTION: Final = "signalbox="
"""What a push option begins with that names its session."""
OPTIONS_MAX: Final = 1_000
_NAMED: Final = re.compile(r"(sess_[0-9a-z]{26})/([0-9]{1,10})/([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Pusher:
    """A life of a session, and the token of its that counts: an attempt's, or that of locks that it took itself."""

    session: str
    incarnation: int
    token: str

    @property
    def option(self) -> str:
        """What names it in ``git push --push-option``."""
        return f"{OPTION}{self.session}/{self.incarnation}/{self.token}"


def pusher_of(environment: Mapping[str, str], folder: str = "") -> Pusher:
    """Who is named in the surroundings of a commit or a push: a session, or a client whose hook speaks for one.

    ``folder`` is the checkout that git runs in. Raises Refused.
    """
    names = ("SIGNALBOX_SESSION", "SIGNALBOX_INCARNATION", "SIGNALBOX_TOKEN")
    session, incarnation, token = (environment.get(name, "") for name in names)
    known = None if session else _hooked(environment, folder)
    if known is not None:
        # Any of its tokens stands for all.
        session, incarnation, token = known.session, str(known.incarnation), next(reversed(known.grants), "")
    if not session or not token:
        raise Refused(
            "no_session",
            "nobody says for which session this is",
            "Set SIGNALBOX_SESSION, SIGNALBOX_INCARNATION and SIGNALBOX_TOKEN: a worker's command has them; for locks "
            "of your own two stand in the line that `signalbox session open` prints last, and the token is what "
            "`signalbox lock acquire` tells. A connected client needs a lock first.",
        )
    return _named(f"{session}/{incarnation or 1}/{token}")


def _hooked(environment: Mapping[str, str], folder: str) -> Memory | None:
    """The agent whose hook has let this git run: of all who work in a checkout, sub-agents too, one at a time may move
    it. Else the main agent that Claude Code names, which does not tell its sub-agents apart."""
    cache = cache_folder(dict(environment))
    checkout = repository_of(os.path.realpath(folder)) if folder else None
    # A bare repository that is pushed to from here knows no checkout: there it is the only one that moves any.
    claim = "" if checkout is None else worktree_claim(checkout)
    running = [one for one in memories_in(cache) if (one.moves(claim) if claim else one.after_tool)]
    if len(running) == 1:
        return running[0]
    named = environment.get("CLAUDE_CODE_SESSION_ID", "")
    return memory_of(cache, "claude", named, "") if named else None


def pusher_of_push(environment: Mapping[str, str]) -> Pusher:
    """Who is named to a receiving repository: in an option of the push, else in its surroundings. Raises Refused."""
    count = environment.get("GIT_PUSH_OPTION_COUNT", "")
    total = min(int(count), OPTIONS_MAX) if count.isascii() and count.isdigit() else 0
    options = (environment.get(f"GIT_PUSH_OPTION_{place}", "") for place in range(total))
    found = [one.removeprefix(OPTION) for one in options if one.startswith(OPTION)]
    if len(set(found)) > 1:
        raise Refused("two_sessions", "the push names two sessions", "Name the one that holds the locks.")
    if found:
        return _named(found[0])
    try:
        return pusher_of(environment)
    except Refused as refused:
        advice = f'Push with `--push-option "$SIGNALBOX_PUSH_OPTION"`, which is {OPTION}SESSION/INCARNATION/TOKEN.'
        raise Refused(refused.code, refused.message, advice) from refused


def key_of(environment: Mapping[str, str], variable: str | None) -> str:
    """The key whose owner the git host knows to push; empty where it is not asked. Raises Refused."""
    if variable is None:
        return ""
    found = environment.get(variable, "")
    if not found:
        raise Refused(
            "pusher_unknown",
            f"the git host does not tell who pushes: {variable} is empty",
            f"Have the host set {variable} to the id of the pusher's key.",
        )
    return found


def _named(text: str) -> Pusher:
    found = _NAMED.fullmatch(text)
    if found is None:
        raise Refused(
            "bad_pusher",
            f"{text[:100]!r} is not SESSION/INCARNATION/TOKEN",
            "Name them as open_session and the claim told them.",
        )
    return Pusher(found.group(1), int(found.group(2)), found.group(3))
