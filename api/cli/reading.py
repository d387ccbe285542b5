"""Lists for people, read through GraphQL page by page, as of the head of the log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.cli.queries import PROJECTS, PROPOSAL_ENDINGS, RUN_ENDINGS, SESSION, SESSION_ENDINGS, TASK, TASK_ENDINGS
from signalbox.client.asks import status
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, as_fields, integer, objects, optional_object, optional_text, text

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

PAGE_ROWS_MAX: Final = 200
SUFFIX_CHARACTERS_MIN: Final = 4
SUFFIX_CHARACTERS_MAX: Final = 26
ROWS_MAX: Final = 20_000
"""Rows that one listing reads at most."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of one list."""

    rows: tuple[Fields, ...]
    position: int
    """The log is folded in up to here."""
    more: bool
    """Whether there are rows beyond the limit."""


def listing(client: "Client", query: str, variables: Mapping[str, object], limit: int) -> Listing:
    """The first ``limit`` rows of a list. Raises what asking raises."""
    rows: list[Fields] = []
    position, more = 0, True
    for page in _pages(client, query, variables, limit):
        rows += [as_fields(edge.get("node"), "node") for edge in objects(page, "edges")]
        position = integer(page, "position")
        more = optional_object(page, "pageInfo").get("hasNextPage") is True
        if len(rows) >= limit:
            break
    return Listing(tuple(rows[:limit]), position, more or len(rows) > limit)


def single(client: "Client", query: str, variables: Mapping[str, object]) -> Fields:
    """The answer to a question for one thing; its field is missing where there is none."""
    return optional_object(client.graphql(query, {**variables, "after": head_of(client)}), "found")


def found_then(client: "Client", query: str, variables: Mapping[str, object], kind: str, name: str) -> Fields:
    """One thing as it was at the point ``at`` of the variables. Raises Refused where it was not there then."""
    found = optional_object(single(client, query, variables), kind)
    if not found:
        raise Refused("unknown_thing", f"There was no {kind} {name} then.", "Ask for a later point with --at.")
    return found


def head_of(client: "Client") -> int:
    """Where the log ends: whoever wrote something a moment ago finds it in what is read from here on."""
    return integer(client.ask(status()), "head")


def _pages(client: "Client", query: str, variables: Mapping[str, object], limit: int) -> Iterator[Fields]:
    cursor: str | None = None
    after = head_of(client)
    while True:
        asked = {**variables, "after": after, "first": min(limit, PAGE_ROWS_MAX), "cursor": cursor}
        page = optional_object(client.graphql(query, asked), "list")
        yield page
        if variables.get("at"):
            # A time ago, or now, is another point by the next page.
            variables = {**variables, "at": f"@{integer(page, 'position')}"}
        info = optional_object(page, "pageInfo")
        cursor = optional_text(info, "endCursor")
        if info.get("hasNextPage") is not True or cursor is None:
            return


def project_of(client: "Client", named: str | None) -> str:
    """The project that is meant: the one named, or the only one there is. Raises Refused."""
    if named:
        return named
    found = listing(client, PROJECTS, {}, 20).rows
    if len(found) == 1:
        return str(found[0].get("name"))
    if not found:
        raise Refused("no_project", "there is no project yet", "Apply a plan, or use `signalbox project create NAME`.")
    names = ", ".join(str(one.get("name")) for one in found)
    raise Refused(
        "which_project", f"there are several projects: {names}", "Name one with --project, or set SIGNALBOX_PROJECT."
    )


def task_named(client: "Client", project: str, name: str) -> str:
    """The id of a task by id, key, or the last four or more characters of its id. Raises Refused."""
    by_key = single(client, TASK, {"project": project, "key": name})
    if by_key.get("task") is not None:
        return text(optional_object(by_key, "task"), "id")
    return _by_suffix(client, TASK_ENDINGS, {"project": project}, "task", name)


def session_named(client: "Client", name: str) -> str:
    """The id of a session by id, or by the last four or more characters of it. Raises Refused."""
    by_id = single(client, SESSION, {"id": name})
    if by_id.get("session") is not None:
        return name
    return _by_suffix(client, SESSION_ENDINGS, {}, "session", name)


def run_named(client: "Client", project: str, name: str) -> str:
    """The id of a run by id, or by the last four or more characters of it. Raises Refused."""
    return _by_suffix(client, RUN_ENDINGS, {"project": project}, "run", name)


def proposal_named(client: "Client", project: str, name: str) -> str:
    """The id of a proposal by id, or by the last four or more characters of it. Raises Refused."""
    return _by_suffix(client, PROPOSAL_ENDINGS, {"project": project}, "proposal", name)


def _by_suffix(client: "Client", query: str, which: Mapping[str, object], kind: str, name: str) -> str:
    found: list[str] = []
    if SUFFIX_CHARACTERS_MIN <= len(name.rpartition("_")[2]) <= SUFFIX_CHARACTERS_MAX:
        rows = listing(client, query, {"where": {**which, "idSuffix": name}}, PAGE_ROWS_MAX).rows
        found = [str(row.get("id")) for row in rows]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(
            "ambiguous", f"{len(found)} ids of a {kind} end in {name}", "Give more characters.", {"ids": found}
        )
    every = "session list --all" if kind == "session" else f"{kind} list"
    named = "a key, an id," if kind == "task" else "an id"
    raise Refused(
        "unknown_thing",
        f"There is no {kind} {name} here.",
        f"Give {named} or the last {SUFFIX_CHARACTERS_MIN} characters of one; see `signalbox {every}`.",
    )
