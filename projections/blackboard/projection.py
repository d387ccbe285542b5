"""How notes become lines of the blackboard."""

from typing import Final, cast

from domain.kernel.decider import Recorded
from domain.note.events import NotePosted
from projections.blackboard.rows import NoteRow
from projections.kernel.projection import Projection, worded


def keys(recorded: Recorded) -> tuple[str, ...]:
    """A note is unique on its board only."""
    return (f"{recorded.stream}/{cast(NotePosted, recorded.event).number}",)


def evolve(row: NoteRow | None, recorded: Recorded, key: str) -> NoteRow:
    """The line of the note."""
    event = cast(NotePosted, recorded.event)
    return row or NoteRow(
        key=key,
        project=recorded.project,
        position=recorded.position,
        task=event.task,
        number=event.number,
        thread=event.answers or event.number,
        author=event.author,
        session=event.session,
        agent=event.agent,
        text=event.text,
        posted_at=event.at,
    )


BLACKBOARD: Final = Projection(
    name="blackboard",
    version=1,
    row=NoteRow,
    handles=frozenset({NotePosted}),
    begins=frozenset({NotePosted}),
    keys=keys,
    evolve=evolve,
    begun="position",
    keeps="lines",
    words=worded(agent="text", text="text"),
    indexes=(("project", "position"), ("task", "position")),
)
