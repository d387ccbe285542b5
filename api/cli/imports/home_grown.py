"""A set-up of one's own: a queue of prompts, and the sessions that work with their files and branches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.cli.imports.drafts import (
    Draft,
    Drafts,
    Fields,
    Imported,
    faulty,
    fields_of,
    list_of,
    object_in,
    read_json,
    said,
)
from domain.lock.segment import escaped

PRIORITIES: Final = {"critical": 40, "urgent": 40, "high": 20, "medium": 0, "normal": 0, "low": -20}
DONE: Final = frozenset({"completed", "complete", "done", "cancelled"})
UNDER_WAY: Final = frozenset({"assigned", "in_progress", "in-progress", "running"})
ATTEMPTS_MAX: Final = 3
"""Of which the retries that were used up are taken."""
CLAIMS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Choices:
    """What the files do not say."""

    repository: str
    """What scopes call the code."""
    root: str
    """Folder that absolute names of files are below."""
    with_failed: bool = False
    low_first: bool = False
    """Whether a smaller number is the more urgent one."""


def read_home_grown(queue: bytes, sessions: bytes | None, choices: Choices) -> Imported:
    """The prompts that are not over, with the files of the session that each is meant for. Raises Refused."""
    drafts = Drafts()
    known = {} if sessions is None else _sessions(read_json(sessions))
    for prompt in _entries(read_json(queue), ("prompts", "queue", "tasks", "items")):
        _add(drafts, prompt, known, choices)
    _tell_sessions(drafts, known)
    return drafts.imported()


def _add(drafts: Drafts, prompt: Fields, known: Mapping[str, Fields], choices: Choices) -> None:
    name, status = said(prompt, "id", "key", "name"), said(prompt, "status").lower()
    if not name:
        raise faulty("a prompt has no id", "Give each prompt an id of its own.")
    if status in DONE:
        drafts.leave_out(name, status)
        return
    if status == "failed" and not choices.with_failed:
        drafts.leave_out(name, "failed (--with-failed takes them along)")
        return
    target = said(prompt, "target_session", "targetSession", "session", "assigned_to", "assignedTo", "session_id")
    if status in UNDER_WAY:
        drafts.note(
            f"{name} is {status}{f' by {target}' if target else ''}: imported as not begun, so end it there first"
        )
    text = said(prompt, "text", "prompt", "content", "description")
    if not text:
        raise faulty(f"the prompt {name} has no text", "Give it as text, prompt, content or description.")
    title = said(prompt, "title") or (text.strip().splitlines() or [name])[0]
    drafts.add(
        name,
        Draft(
            title=title,
            body=text,
            priority=_priority(prompt, choices),
            labels=(f"session:{target}",) if target else (),
            needs=tuple(str(one) for one in list_of(prompt.get("needs", prompt.get("depends_on")), "needs")),
            more={"scope": _scope(drafts, name, known.get(target), choices), "retry": _retry(prompt)},
        ),
    )


def _priority(prompt: Fields, choices: Choices) -> int:
    value = prompt.get("priority")
    if isinstance(value, str):
        return PRIORITIES.get(value.lower(), 0)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(-value if choices.low_first else value) if abs(value) <= 10**6 else 0
    return 0


def _retry(prompt: Fields) -> Fields | None:
    used = said(prompt, "retries", "retry_count", "retryCount")
    if not used.isdigit() or used == "0":
        return None
    return {"max_attempts": max(1, ATTEMPTS_MAX - int(used[:6]))}


def _scope(drafts: Drafts, name: str, session: Fields | None, choices: Choices) -> list[str]:
    if session is None:
        return []
    branches = [said(session, "branch")] if said(session, "branch") else []
    claims = [f"branch:{choices.repository}//{escaped(branch)}" for branch in branches]
    for file in _files(session):
        place = _below(file, choices.root)
        if place is None:
            drafts.note(f"{name}: {file} is not below {choices.root}: no lock for it")
        else:
            claims.append(f"path:{choices.repository}//{escaped(place)}")
    if len(claims) > CLAIMS_MAX:
        drafts.note(
            f"{name}: its session has {len(claims)} files, more than {CLAIMS_MAX} claims: the others are left out"
        )
    return list(dict.fromkeys(claims))[:CLAIMS_MAX]


def _tell_sessions(drafts: Drafts, known: Mapping[str, Fields]) -> None:
    """Sessions are not made by a plan; what they had in common is told, since it could not be seen before."""
    if known:
        names = ", ".join(sorted(known))
        drafts.note(f"sessions are not imported, each agent opens its own: {names}")
    seen: dict[str, str] = {}
    for name, session in known.items():
        for file in _files(session):
            if seen.setdefault(file, name) != name:
                drafts.note(f"{seen[file]} and {name} both work on {file}")


def _sessions(whole: object) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    for session in _entries(whole, ("sessions", "active_sessions", "activeSessions", "active")):
        name = said(session, "id", "session_id", "sessionId", "name")
        if not name:
            raise faulty("a session has no id", "Give each session an id.")
        found[name] = session
    return found


def _entries(whole: object, names: Sequence[str]) -> list[Fields]:
    """A list, a list below one of the names, or objects by their id."""
    fields = object_in(whole)
    if fields is not None:
        below = next((fields[name] for name in names if name in fields), None)
        if below is not None:
            return _entries(below, ())
        return [{"id": name, **fields_of(one, name)} for name, one in fields.items()]
    return [fields_of(one, "an entry") for one in list_of(whole, "the file")]


def _files(session: Fields) -> list[str]:
    listed = next((session[one] for one in ("files", "locked_files", "lockedFiles", "paths") if one in session), None)
    return [str(one) for one in list_of(listed, "files") if isinstance(one, str) and one.strip()]


def _below(file: str, root: str) -> str | None:
    """The place of a file inside the repository; None for one outside of it."""
    place = file.replace("\\", "/")
    if place.startswith("/"):
        if not place.startswith(f"{root.rstrip('/')}/"):
            return None
        place = place[len(root.rstrip("/")) + 1 :]
    parts = [part for part in place.split("/") if part not in ("", ".")]
    return "/".join(parts) if parts and ".." not in parts else None
