"""How things stood, what two points have differently, and why an event is there."""

from enum import Enum
from itertools import islice
from typing import Any, Final

import strawberry
from strawberry.scalars import JSON

from api.graphql.types.history import LogEvent, event_of
from domain.kernel.ids import Position
from domain.kernel.past.causes import Causes, walked
from domain.kernel.past.steps import Stood
from domain.kernel.past.trees import Change, Missing, Path, Tree, path_text, within

VALUES_MAX: Final = 10_000
PARTS_MAX: Final = 500
CUT_MAX: Final = 100
SIDE_VALUES_MAX: Final = 100
EVENTS_TOLD_MAX: Final = 1_000
"""Events beside one, and effects of it, that an answer holds; `signalbox replay why` tells all."""


@strawberry.enum
class ChangeKind(Enum):
    """What happened to a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@strawberry.type
class StreamState:
    """A stream folded up to a point."""

    stream: str
    version: int = strawberry.field(description="Events that made it; 0 where the stream had not begun.")
    changed_at: Position = strawberry.field(description="Position of the last of them.")
    state: JSON = strawberry.field(description="Of a large one the parts near the root; `cut` names what is not whole.")
    cut: list[str] = strawberry.field(
        description="Paths of parts that hold more than is shown, at most 100; ask for such a part by `path`. "
        "Shown are 10,000 values in all and 500 of one part."
    )


@strawberry.type
class StateFound:
    """One state, or null where there is no such stream that the caller may see."""

    state: StreamState | None
    position: Position
    stale: bool


@strawberry.type
class FieldChange:
    """A field that two points have differently."""

    path: str = strawberry.field(description="Names and places joined by dots, such as `plan.needs.0.key`.")
    kind: ChangeKind
    before: JSON | None = strawberry.field(description="Of a large part the first 100 values.")
    after: JSON | None = strawberry.field(description="Of a large part the first 100 values.")


@strawberry.type
class Difference:
    """What changed in a stream between two points."""

    stream: str
    version_before: int
    version_after: int
    changes: list[FieldChange]


@strawberry.type
class DifferenceFound:
    """One difference, or null where there is no such stream that the caller may see."""

    difference: Difference | None
    position: Position = strawberry.field(description="The later point.")
    stale: bool


@strawberry.type
class RowDifference:
    """A row of a read model that two points have differently; all fields of one that is at one of them only."""

    key: str
    kind: ChangeKind
    changes: list[FieldChange]


@strawberry.type
class Caused:
    """An event in a tree of effects, which is told as a list: causes come before their effects."""

    depth: int = strawberry.field(description="1 for what the event itself led to.")
    event: LogEvent


@strawberry.type
class EventDetail:
    """An event with what led to it and what it led to, as far as the caller may see."""

    event: LogEvent
    causes: list[LogEvent] = strawberry.field(description="Events that led to it, the nearest first.")
    siblings: list[LogEvent] = strawberry.field(description="What the same command wrote beside it, at most 1,000.")
    effects: list[Caused] = strawberry.field(
        description="What policies did because of it, at most 1,000 among the 20,000 next events."
    )


@strawberry.type
class Bookmark:
    """A position that has a name in a project; points name it `PROJECT/NAME`."""

    name: str
    bookmarked: Position


@strawberry.type
class Bookmarks:
    """All of a project, by name."""

    bookmarks: list[Bookmark]
    position: Position
    stale: bool


@strawberry.type
class EventFound:
    """One event, or null where there is none that the caller may see."""

    event: EventDetail | None
    position: Position
    stale: bool


def state_of(stood: Stood, part: Tree, path: Path) -> StreamState:
    """A part of a state as it is shown."""
    shown: Any
    shown, cut = within(part, values_max=VALUES_MAX, parts_max=PARTS_MAX)
    return StreamState(
        stream=stood.stream,
        version=stood.version,
        changed_at=Position(stood.position),
        state=shown,
        cut=[path_text((*path, *one)) for one in cut[:CUT_MAX]],
    )


def change_of(change: Change) -> FieldChange:
    """A difference as it is shown."""
    return FieldChange(
        path=path_text(change.path),
        kind=ChangeKind(change.kind),
        before=_side(change.before),
        after=_side(change.after),
    )


def _side(side: Tree | Missing) -> Any:
    return None if isinstance(side, Missing) else within(side, values_max=SIDE_VALUES_MAX, parts_max=SIDE_VALUES_MAX)[0]


def detail_of(causes: Causes) -> EventDetail:
    """An event with its causes and effects, as they are shown."""
    return EventDetail(
        event=event_of(causes.event),
        causes=[event_of(one) for one in causes.chain],
        siblings=[event_of(one) for one in causes.siblings[:EVENTS_TOLD_MAX]],
        effects=[
            Caused(depth=depth, event=event_of(one.recorded))
            for depth, one in islice(walked(causes.effects), EVENTS_TOLD_MAX)
        ],
    )
