"""What agents are told: short, with the holder's words marked as such, and what to do next."""

import os
import sys

from signalbox.hook.asking import RefusedError
from signalbox.hook.desk import QUEUE_SECONDS, Desk
from signalbox.hook.reading import number_in, objects_in, text_in

TEXT_CHARACTERS_MAX = 160
HOLD_SECONDS_MAX = 8 * 3_600
"""The longest that a server lets locks be held."""


def refused_edit(what: str, answer: "dict[str, object]", desk: Desk) -> str:
    """An edit that has to wait: by whom it is kept, where the two meet, the place in the line, what to run next."""
    blockers = objects_in(answer, "blockers")
    request, memory = text_in(answer, "request"), desk.memory
    lines = [f"signalbox: {what} is locked by somebody else. Nothing was written."]
    lines += [f"- {_blocker(one)}" for one in blockers[:3]]
    if len(blockers) > 3:
        lines.append(f"- and {len(blockers) - 3} more")
    estimate = number_in(answer, "estimate_seconds")
    likely = f", about {span(estimate)} by recent holds" if estimate else ""
    place = int(number_in(answer, "place"))
    line = f"You wait as request {request}, place {place} of all who wait in the project"
    lines.append(f"{line}; it is kept for {span(QUEUE_SECONDS)}{likely}.")
    wait = f"{program()} lock wait {request} --session {memory.session} --incarnation {memory.incarnation}"
    lines.append(f"next: work on something else, or run `{wait} -p {memory.project}` and then repeat the edit.")
    return "\n".join(lines)


def refused_by_below(what: str, blockers: "list[dict[str, object]]") -> str:
    """An edit of what the agent holds, where a sub-agent of it writes."""
    lines = [f"signalbox: {what} is with a sub-agent of yours. Nothing was written."]
    lines += [f"- {_blocker(one)}" for one in blockers[:3]]
    lines.append("next: let it end first, or work on something else; what it holds comes to you when it ends.")
    return "\n".join(lines)


def refused_by_server(what: str, refused: RefusedError) -> str:
    """A refusal in the server's own words, with whoever is in the way."""
    lines = [f"signalbox: {what} is refused ({refused.code}): {refused.message}"]
    lines += [f"- {_blocker(one)}" for one in objects_in(refused.data, "blockers")[:3]]
    if refused.advice:
        lines.append(f"next: {refused.advice}")
    return "\n".join(lines)


def unchecked(what: str, why: str, advice: str) -> str:
    """An edit that nobody could check."""
    return f"signalbox: {what} cannot be checked: {why}\nnext: {advice}"


def quoted(text: str) -> str:
    """Words of somebody else: one line, bounded, in quotation marks."""
    line = " ".join(text.split())
    short = line if len(line) <= TEXT_CHARACTERS_MAX else line[: TEXT_CHARACTERS_MAX - 1] + "…"
    return '"' + short.replace('"', "'") + '"'


def span(seconds: float) -> str:
    """A time in the two largest units."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3_600, whole % 3_600 // 60
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if whole >= 120 else f"{whole} s"


def program() -> str:
    """How an agent calls our command line: by name where its path has it, else from beside this interpreter."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and os.access(os.path.join(folder, "signalbox"), os.X_OK):
            return "signalbox"
    beside = os.path.join(os.path.dirname(sys.executable), "signalbox")
    return beside if os.access(beside, os.X_OK) else "signalbox"


def _blocker(one: "dict[str, object]") -> str:
    session, task, purpose = text_in(one, "session"), text_in(one, "task"), text_in(one, "purpose")
    holder = f"session {session}" if session else "nobody yet, kept for a task"
    if task:
        holder += f" for task {task}"
    if purpose:
        holder += f", whose own words are {quoted(purpose)}"
    age, meets = number_in(one, "age_seconds"), text_in(one, "witness") or text_in(one, "wanted")
    if text_in(one, "request"):
        since = f"since {span(age)} before you" if age >= 1 else "before you"
        return f"{holder}: waits for {text_in(one, 'held')} itself, {since}, as request {text_in(one, 'request')}"
    if one.get("lingers_until") is not None:
        left = number_in(one, "lingers_until") / 1_000_000 - _now()
        end = f"its owner is gone, and it opens by itself in {span(left)}"
    else:
        end = f"it ends when that one is done, or in {span(HOLD_SECONDS_MAX - age)} at the latest"
    return f"{holder}: holds {text_in(one, 'held')} since {span(age)}; you meet at {meets}; {end}"


def _now() -> float:
    import time

    return time.time()
