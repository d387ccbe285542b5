"""What boards and inboxes decide: who may write how much, what is read, and the numbers of all of it."""

from dataclasses import dataclass
from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId, derived_id, with_prefix
from domain.note.commands import AcknowledgeMessages, PostNote, SendMessage
from domain.note.errors import InboxFull, MessageNotThere, TooManyMessages, TooManyNotes, UnknownNote
from domain.note.events import MessagesAcknowledged, MessageSent, NotePosted
from domain.note.state import Board, Inbox, Window

WINDOW_SECONDS: Final = 600
NOTES_MAX: Final = 60
"""Notes of one author on one board within a window."""
WAITING_MAX: Final = 200
"""Messages that wait in one inbox."""
WAITING_OF_ONE_MAX: Final = 20
"""Of these from one author."""
InboxEvent = MessageSent | MessagesAcknowledged


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes; made from the stamp and a session that was checked, never from what somebody says of himself."""

    principal: str
    session: str | None
    incarnation: int | None
    agent: str

    @property
    def name(self) -> str:
        """By which bounds are kept: the session, or whoever has none."""
        return self.session or self.principal


@dataclass(frozen=True, slots=True)
class Meant:
    """What of the receiver's a message is about."""

    claim: str = ""
    token: int | None = None


def board_stream(of: str) -> StreamId:
    """The board of a project or of a task, by its id."""
    return with_prefix("board", of)


def inbox_stream(project: ProjectId, session: str) -> StreamId:
    """The inbox of a session in a project."""
    return derived_id("inbox", Instant(0), (project, session))


def posted(
    board: Board, command: PostNote, task: StreamId | None, writer: Writer, at: Instant
) -> NotePosted | UnknownNote | TooManyNotes:
    """The note with the next number."""
    if command.answers is not None and command.answers > board.notes:
        return UnknownNote(number=command.answers, last=board.notes)
    window = board.windows.get(writer.name)
    if window is not None and not _is_over(window, at) and window.notes >= NOTES_MAX:
        return TooManyNotes(author=writer.name, most=NOTES_MAX, seconds=WINDOW_SECONDS)
    return NotePosted(
        task=task,
        number=board.notes + 1,
        answers=command.answers,
        author=writer.principal,
        session=writer.session,
        incarnation=writer.incarnation,
        agent=writer.agent,
        text=command.text,
        at=at,
    )


def sent(
    inbox: Inbox, command: SendMessage, to: str, writer: Writer, meant: Meant, at: Instant
) -> MessageSent | InboxFull | TooManyMessages:
    """The message with the next number, where there is room for it."""
    if len(inbox.waiting) >= WAITING_MAX:
        return InboxFull(session=to, waiting=len(inbox.waiting))
    own = sum(author == writer.name for author in inbox.waiting.values())
    if own >= WAITING_OF_ONE_MAX:
        return TooManyMessages(session=to, author=writer.name, waiting=own)
    return MessageSent(
        to=to,
        number=inbox.last + 1,
        kind=command.kind,
        author=writer.principal,
        session=writer.session,
        incarnation=writer.incarnation,
        agent=writer.agent,
        text=command.text,
        claim=meant.claim,
        token=meant.token,
        at=at,
    )


def acknowledged(
    inbox: Inbox, command: AcknowledgeMessages, at: Instant
) -> tuple[MessagesAcknowledged, ...] | MessageNotThere:
    """Nothing where they were read before."""
    if command.through > inbox.last:
        return MessageNotThere(session=command.session, number=command.through, last=inbox.last)
    if command.through <= inbox.acknowledged:
        return ()
    read = MessagesAcknowledged(
        session=command.session,
        incarnation=command.incarnation,
        after=inbox.acknowledged,
        through=command.through,
        at=at,
    )
    return (read,)


def evolve_board(state: Board, event: NotePosted) -> Board:
    """The board after the event."""
    name = event.session or event.author
    window = state.windows.get(name)
    if window is not None and not _is_over(window, event.at):
        counted = state.windows.set(name, replace(window, notes=window.notes + 1))
        return replace(state, notes=event.number, windows=counted)
    kept = Map({author: one for author, one in state.windows.items() if not _is_over(one, event.at)})
    return replace(state, notes=event.number, windows=kept.set(name, Window(event.at, 1)))


def evolve_inbox(state: Inbox, event: InboxEvent) -> Inbox:
    """The inbox after the event."""
    match event:
        case MessageSent():
            waiting = state.waiting.set(event.number, event.session or event.author)
            return replace(state, last=event.number, waiting=waiting)
        case MessagesAcknowledged():
            left = Map({number: author for number, author in state.waiting.items() if number > event.through})
            return replace(state, acknowledged=event.through, waiting=left)
        case _:
            assert_never(event)


def _is_over(window: Window, at: Instant) -> bool:
    return at >= window.began_at + WINDOW_SECONDS * SECOND


BOARD: Final[Aggregate[Board]] = Aggregate(
    prefix="board", initial=Board(), evolve=evolve_board, state_type=Board, snapshot_every=200
)
INBOX: Final[Aggregate[Inbox]] = Aggregate(
    prefix="inbox", initial=Inbox(), evolve=evolve_inbox, state_type=Inbox, snapshot_every=200
)
