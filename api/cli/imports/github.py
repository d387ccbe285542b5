"""GitHub: issues as `gh issue list --json …` or the REST interface write them."""

import re
from collections.abc import Iterator
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

NEEDS: Final = re.compile(
    r"(?im)^[ \t>*-]*(?:blocked by|depends on|needs|requires|after)[: \t]+((?:#\d+[ \t,]*(?:and[ \t]+)?)+)"
)
NUMBER: Final = re.compile(r"#(\d+)")
PRIORITY: Final = re.compile(r"(?i)(?:p|prio|priority)[\s:/_-]*(0|1|2|3|4|critical|urgent|high|medium|normal|low)")
PRIORITIES: Final = {
    "0": 40, "1": 20, "2": 0, "3": -20, "4": -40,
    "critical": 40, "urgent": 40, "high": 20, "medium": 0, "normal": 0, "low": -20,
}  # fmt: skip


def read_github(content: bytes) -> Imported:
    """The open issues; lines such as ``Blocked by #12`` are needs. Raises Refused."""
    drafts = Drafts()
    whole = read_json(content)
    fields = object_in(whole)
    for one in list_of(whole if fields is None else fields.get("issues"), "the file"):
        issue = fields_of(one, "an issue")
        number = said(issue, "number")
        if not number.isdigit():
            raise faulty("an issue has no number", "Export with --json number,title,body,state,labels,url.")
        name = f"gh-{number}"
        if "pull_request" in issue:
            drafts.leave_out(name, "pull requests")
        elif said(issue, "state").lower() == "closed":
            drafts.leave_out(name, "closed")
        else:
            drafts.add(name, _draft(issue))
    return drafts.imported()


def _draft(issue: Fields) -> Draft:
    body, url = said(issue, "body"), said(issue, "html_url", "url")
    labels = tuple(_labels(issue))
    parent = issue.get("parent")
    return Draft(
        title=said(issue, "title"),
        body=f"{body}\n\n{url}" if url else body,
        priority=next((PRIORITIES[found.group(1).lower()] for found in map(PRIORITY.fullmatch, labels) if found), 0),
        labels=labels,
        needs=tuple(_needs(issue, body)),
        parent=f"gh-{said(fields_of(parent, 'parent'), 'number')}" if parent else None,
    )


def _labels(issue: Fields) -> Iterator[str]:
    for one in list_of(issue.get("labels"), "labels"):
        yield one if isinstance(one, str) else said(fields_of(one, "a label"), "name")


def _needs(issue: Fields, body: str) -> Iterator[str]:
    for line in NEEDS.finditer(body):
        yield from (f"gh-{number}" for number in NUMBER.findall(line.group(1)))
    for one in list_of(issue.get("blockedBy"), "blockedBy"):
        yield f"gh-{said(fields_of(one, 'blockedBy'), 'number')}"
