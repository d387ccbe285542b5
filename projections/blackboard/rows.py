"""What the blackboard shows of a note."""

from typing import NamedTuple


class NoteRow(NamedTuple):
    """A note; it never changes."""

    key: str
    """``board/number``."""
    project: str
    position: int
    """Of its event; the later note has the larger one, whatever the board."""
    task: str | None
    """Id of the task whose board it is; None is the project's."""
    number: int
    """From 1, in the order of the board."""
    thread: int
    """Number of the note that began the thread; its own where it did."""
    author: str
    """Principal who wrote it."""
    session: str | None
    """Session for which that was."""
    agent: str
    """What a sub-agent called itself; nobody checked it."""
    text: str
    posted_at: int
    """Microseconds since 1970."""
