"""Beads: one issue a line, as `bd export` writes them."""

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
    read_json,
    said,
    sections,
)

PRIORITIES: Final = (40, 20, 0, -20, -40)
"""Beads counts from 0, the most urgent, to 4."""
CODE: Final = frozenset({"task", "bug", "feature", "chore", ""})
OVER: Final = {"closed": "closed", "tombstone": "deleted", "deferred": "deferred", "pinned": "pinned"}
WAITS: Final = frozenset({"blocks", "conditional-blocks", "waits-for"})


def read_beads(content: bytes) -> Imported:
    """The open issues; what is closed is met. Raises Refused."""
    drafts = Drafts()
    for issue in _issues(content):
        name, status = said(issue, "id"), said(issue, "status").lower()
        if not name:
            raise faulty("an issue has no id", "Export it with `bd export`.")
        if status in OVER:
            drafts.leave_out(name, OVER[status])
            continue
        if status == "in_progress":
            drafts.note(f"{name} is in progress there: it is imported as not begun")
        drafts.add(name, _draft(issue))
    return drafts.imported()


def _issues(content: bytes) -> Iterator[Fields]:
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            record = fields_of(read_json(line), f"line {number}")
            if said(record, "_type") in ("", "issue"):
                yield record


def _draft(issue: Fields) -> Draft:
    kind, priority = said(issue, "issue_type"), issue.get("priority")
    needs, parent = list[str](), None
    for one in list_of(issue.get("dependencies"), "dependencies"):
        edge = fields_of(one, "a dependency")
        if said(edge, "type") in WAITS:
            needs.append(said(edge, "depends_on_id"))
        elif said(edge, "type") == "parent-child":
            parent = said(edge, "depends_on_id")
    return Draft(
        title=said(issue, "title"),
        body=sections(
            ("", said(issue, "description")),
            ("Design", said(issue, "design")),
            ("Accepted when", said(issue, "acceptance_criteria")),
            ("Notes", said(issue, "notes")),
        ),
        kind="code" if kind in CODE else kind[:60],
        priority=PRIORITIES[priority] if isinstance(priority, int) and 0 <= priority < len(PRIORITIES) else 0,
        labels=(*(str(one) for one in list_of(issue.get("labels"), "labels")), *((kind,) if kind else ())),
        needs=tuple(needs),
        parent=parent,
    )
