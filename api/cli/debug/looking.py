"""What is fetched for one place of the cursor: the rows around it, and what the pane in front says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, assert_never

from rich.text import Text

from api.cli.debug import panes
from domain.kernel.decider import Recorded
from domain.kernel.past.trees import Path, Tree, differences

if TYPE_CHECKING:
    from api.composition.debugging import Debugger, LogRow, Wanted

Pane = Literal["event", "state", "difference", "why", "blame", "rows", "marks"]
PANES: Final[tuple[Pane, ...]] = ("event", "state", "difference", "why", "blame", "rows", "marks")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the debugger stands."""

    cursor: int
    anchor: int | None
    pane: Pane
    breakpoints: "tuple[Wanted, ...]"
    bookmarks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class State:
    """A state for the tree, with what the event changed in it."""

    title: str
    tree: Tree
    changed: Collection[Path]


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands on the screen."""

    head: int
    rows: "Sequence[LogRow]"
    types: Mapping[int, str]
    """Stored names of the events that the strip shows."""
    pane: "Text | State | None"
    """None before the first event."""


def first_line(cursor: int, head: int, lines: int) -> int:
    """The position that the first line shows, so that the cursor is in the middle as far as there is room."""
    return max(1, min(cursor - lines // 2, head - lines + 1))


def strip_positions(head: int, cells: int) -> tuple[int, ...]:
    """The positions whose events the cells of the strip show."""
    used = min(cells, head)
    return tuple(cell * head // used + 1 for cell in range(used))


def look(debugger: "Debugger", place: Place, lines: int, cells: int) -> Seen:
    """Everything for one place, for so many lines of events and cells of the strip."""
    head = debugger.head()
    rows = debugger.rows(first_line(place.cursor, head, lines) - 1, max(1, lines))
    types = {row.position: row.type for row in debugger.sampled(strip_positions(head, cells))}
    event = debugger.event(place.cursor)
    pane = None if event is None else _pane(debugger, place, event)
    return Seen(head, rows, types, pane)


def _pane(debugger: "Debugger", place: Place, event: Recorded) -> Text | State:
    match place.pane:
        case "event":
            return panes.event_pane(event, debugger.command(event))
        case "state":
            step = debugger.step(event)
            title = f"{event.stream} after @{event.position}, version {event.version}"
            return State(title, step.after, [change.path for change in step.changes()])
        case "difference":
            return _difference(debugger, place, event)
        case "why":
            causes = debugger.causes(event)
            return panes.why_pane(causes, debugger.command(causes.chain[-1] if causes.chain else event))
        case "blame":
            found, earlier = debugger.blame(event)
            return panes.blame_pane(found, earlier=earlier)
        case "rows":
            after, until = _between(place, event)
            return panes.rows_pane(f"rows from @{after} to @{until}", debugger.changed_rows(after, until))
        case "marks":
            return panes.marks_pane(place.breakpoints, place.bookmarks, place.anchor)
        case _:
            assert_never(place.pane)


def _difference(debugger: "Debugger", place: Place, event: Recorded) -> Text:
    if place.anchor is None:
        return panes.difference_pane(
            f"what @{event.position} changed in {event.stream}", debugger.step(event).changes()
        )
    after, until = _between(place, event)
    changes = tuple(differences(debugger.tree(event.stream, after), debugger.tree(event.stream, until)))
    return panes.difference_pane(f"{event.stream} from @{after} to @{until}", changes)


def _between(place: Place, event: Recorded) -> tuple[int, int]:
    """From the anchor to the event, whichever comes first; what the event alone changed where there is no anchor."""
    other = event.position - 1 if place.anchor is None else place.anchor
    return min(other, event.position), max(other, event.position)
