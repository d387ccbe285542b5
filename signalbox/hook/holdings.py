"""What an agent holds when it wants to end: which of its files are not committed, and which locks are done with."""

import os

from signalbox.hook.asking import RefusedError, graphql, head
from signalbox.hook.changes import changed
from signalbox.hook.context import nodes_of
from signalbox.hook.desk import Desk
from signalbox.hook.places import path_claim, repository_of
from signalbox.hook.reading import is_list, is_object, objects_in, text_in
from signalbox.hook.wire import NoAnswerError

QUERY = """query($project: String!, $session: String!, $after: Position) {
  held: locks(project: $project, session: $session, first: 200, after: $after) {
    edges { node { token claims { claim } } } } }"""


class Holdings:
    """The locks that a session took by itself, judged by what git says of their files."""

    def __init__(self) -> None:
        self.unfinished: list[str] = []
        """Files that differ from what is committed, as seen from the folder that the agent works in."""
        self.done: list[str] = []
        """Tokens whose files are all as they are committed. A token that nobody can judge is in neither."""


def holdings(desk: Desk, heard: "dict[str, object]") -> Holdings:
    """Judge what the answer to a heartbeat says is held."""
    found = Holdings()
    tokens = [text_in(one, "token") for one in objects_in(heard, "held") if one.get("task") is None]
    claims = _claims(desk, tokens)
    places = {claim: place_of(desk, claim) for each in claims.values() for claim in each if claim.startswith("path:")}
    known = {place for place in places.values() if place}
    different = changed(sorted(known), desk.wire.seconds_left) if known else []
    if different is None:
        return found
    found.unfinished = [_shown(path, desk.event.cwd) for path in different]
    for token in tokens:
        if any(claim.startswith("pool:") for claim in claims.get(token, [])):
            # A unit, such as a worktree that somebody works in, is given back by name.
            continue
        own = [places[claim] for claim in claims.get(token, []) if claim in places]
        if token in claims and all(place and not _touches(place, different) for place in own):
            found.done.append(token)
    return found


def _claims(desk: Desk, tokens: list[str]) -> "dict[str, list[str]]":
    """Token -> claims: as is remembered, else as the server tells, as of locks that were given after a wait."""
    memory = desk.memory
    found = {
        token: [claim.partition(" ")[2] for claim in memory.grants[token]] for token in tokens if token in memory.grants
    }
    if len(found) == len(tokens):
        return found
    try:
        asked: dict[str, object] = {"project": memory.project, "session": memory.session, "after": head(desk.wire)}
        told = graphql(desk.wire, QUERY, asked)
    except (RefusedError, NoAnswerError):
        return found
    for one in nodes_of(told, "held"):
        token, value = text_in(one, "token"), one.get("claims")
        if token in tokens and token not in found and is_list(value):
            found[token] = [text_in(each, "claim") for each in value if is_object(each)]
    return found


def place_of(desk: Desk, claim: str) -> str:
    """Where a claim lies on this machine; empty where that is not known."""
    remembered = desk.memory.places.get(claim, "")
    if remembered or not os.path.isabs(desk.event.cwd):
        return remembered
    home = repository_of(os.path.realpath(desk.event.cwd))
    name, _, pattern = claim.removeprefix("path:").partition("//")
    if home is None or name not in (home.name, desk.options.repository):
        return ""
    place = os.path.join(home.top, *pattern.rstrip("/").replace("\\", "").split("/"))
    # A pattern with wildcards, or one that was spelled otherwise, does not lead back to its claim.
    return place if path_claim(home, place).partition("//")[2] == pattern.rstrip("/") else ""


def _touches(place: str, different: list[str]) -> bool:
    return any(path == place or path.startswith(place + os.sep) for path in different)


def _shown(path: str, cwd: str) -> str:
    inside = os.path.isabs(cwd) and path.startswith(os.path.realpath(cwd) + os.sep)
    return os.path.relpath(path, os.path.realpath(cwd)) if inside else path
