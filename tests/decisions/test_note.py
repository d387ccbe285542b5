"""Boards and inboxes: who writes is who asks, numbers have no gaps, and nobody is flooded."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.dispatch.notes import HOLDERS_MAX, Delivered, InboxRead, MessagesSent, NoteTaken
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.message import Event
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks
from domain.note.commands import AcknowledgeMessages, PostNote, SendMessage
from domain.note.decider import (
    NOTES_MAX,
    WAITING_MAX,
    WAITING_OF_ONE_MAX,
    WINDOW_SECONDS,
    board_stream,
    inbox_stream,
)
from domain.note.errors import (
    InboxFull,
    MessageNotThere,
    NobodyHolds,
    ReceiverHasEnded,
    TooManyMessages,
    TooManyNotes,
    UnknownNote,
    WriterUnclear,
)
from domain.note.events import MessagesAcknowledged, MessageSent, NotePosted
from domain.note.state import Board, Inbox
from domain.session.commands import EndSession
from domain.session.errors import NotSessionOwner, ProjectNotServed, SessionFenced
from domain.task.commands import PlannedTask
from tests.support.fleet import OWNER, Fleet, accepted


class Writers(Fleet):
    """Two sessions, a task, and what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.ann, self.bob = self.a_session("ann", capacity=9), self.a_session("bob")
        self.plan(PlannedTask(key="api", title="API"))

    def note(self, session: str | None = None, *, by: str = OWNER, incarnation: int | None = None, **more: Any) -> Any:
        life = 1 if session is not None and incarnation is None else incarnation
        command = PostNote(project="shop", session=session, incarnation=life, **{"text": "hello", **more})
        return self.ask(command, by=by)

    def write(self, session: str | None, *, by: str = OWNER, **more: Any) -> Any:
        life = None if session is None else 1
        command = SendMessage(project="shop", session=session, incarnation=life, **{"text": "hello", **more})
        return self.ask(command, by=by)

    def acknowledge(self, session: str, through: int, incarnation: int = 1, by: str = OWNER) -> Any:
        command = AcknowledgeMessages(project="shop", session=session, incarnation=incarnation, through=through)
        return self.ask(command, by=by)

    def board(self) -> Board:
        found: Board = self.states[board_stream(self.project)]
        return found

    def inbox(self, session: str) -> Inbox:
        found: Inbox = self.states[inbox_stream(self.project, session)]
        return found

    def hold(self, session: str, claim: str, mode: Any = "exclusive") -> str:
        claims = (ScopeClaim(claim=claim, mode=mode),)
        answer: Any = accepted(
            self.ask(AcquireLocks(project="shop", session=session, incarnation=1, claims=claims))
        ).answer
        return str(answer.token)


def events(decision: Any) -> list[Event]:
    return [event for write in accepted(decision).writes for event in write.events]


def refusal(decision: Any) -> Rejection:
    found = decision.rejection
    assert isinstance(found, Rejection)
    assert not decision.writes
    return found


@pytest.fixture
def writers() -> Writers:
    return Writers()


def test_a_note_carries_who_asked_whatever_it_says(writers: Writers) -> None:
    (note,) = events(writers.note(writers.ann, agent="reviewer", text="I am bob"))
    assert note == NotePosted(
        task=None,
        number=1,
        answers=None,
        author=OWNER,
        session=writers.ann,
        incarnation=1,
        agent="reviewer",
        text="I am bob",
        at=writers.now,
    )
    (person,) = events(writers.note(by="key_person"))
    assert isinstance(person, NotePosted)
    assert (person.author, person.session, person.number) == ("key_person", None, 2)


@pytest.mark.parametrize("ask", ["note", "write", "read"])
def test_nobody_speaks_for_the_session_of_somebody_else(writers: Writers, ask: str) -> None:
    decisions: dict[str, Callable[[], Any]] = {
        "note": lambda: writers.note(writers.ann, by="key_other"),
        "write": lambda: writers.write(writers.ann, to=writers.bob, by="key_other"),
        "read": lambda: writers.acknowledge(writers.ann, 1, by="key_other"),
    }
    assert refusal(decisions[ask]()) == NotSessionOwner(session=writers.ann)


def test_a_former_life_and_an_unknown_session_write_nothing(writers: Writers) -> None:
    fenced = refusal(writers.note(writers.ann, incarnation=2))
    assert fenced == SessionFenced(session=writers.ann, incarnation=2, current=1)
    assert refusal(writers.acknowledge(writers.ann, 1, incarnation=2)) == fenced
    assert refusal(writers.note("sess_nobody")) == UnknownThing(kind="session", name="sess_nobody")
    assert refusal(writers.ask(PostNote(project="shop", session=writers.ann, text="x"))) == WriterUnclear()
    assert refusal(writers.ask(PostNote(project="shop", incarnation=1, text="x"))) == WriterUnclear()


def test_a_session_writes_only_where_it_serves(writers: Writers) -> None:
    other = writers.a_project("other")
    command = PostNote(project="other", session=writers.ann, incarnation=1, text="x")
    assert refusal(writers.ask(command, project=other)) == ProjectNotServed(session=writers.ann, project=other)
    letter = SendMessage(project="other", to=writers.ann, text="x")
    assert refusal(writers.ask(letter, project=other)) == UnknownThing(kind="session", name=writers.ann)


def test_each_board_has_numbers_and_threads_of_its_own(writers: Writers) -> None:
    task = writers.names[writers.project, "task", "api"]
    writers.note(writers.ann)
    (first,) = events(writers.note(writers.bob, task="api"))
    assert isinstance(first, NotePosted)
    assert (first.task, first.number) == (task, 1)
    answer = accepted(writers.note(writers.ann, task=task, answers=1)).answer
    assert answer == NoteTaken(number=2)
    assert refusal(writers.note(writers.ann, task="api", answers=3)) == UnknownNote(number=3, last=2)
    assert refusal(writers.note(writers.ann, answers=2)) == UnknownNote(number=2, last=1)
    assert refusal(writers.note(writers.ann, task="none")) == UnknownThing(kind="task", name="none")
    assert {board_stream(task), board_stream(writers.project)} <= set(writers.states)


def test_one_author_does_not_fill_a_board_and_may_go_on_later(writers: Writers) -> None:
    for _ in range(NOTES_MAX):
        accepted(writers.note(writers.ann))
    assert refusal(writers.note(writers.ann)) == TooManyNotes(
        author=writers.ann, most=NOTES_MAX, seconds=WINDOW_SECONDS
    )
    accepted(writers.note(writers.bob))
    accepted(writers.note(writers.ann, task="api"))
    writers.advance(WINDOW_SECONDS)
    accepted(writers.note(writers.ann))
    board = writers.board()
    assert (board.notes, dict(board.windows)[writers.ann].notes) == (NOTES_MAX + 2, 1)
    assert writers.bob not in board.windows, "what is over is dropped"


def test_a_message_waits_until_it_is_read_by_whichever_life(writers: Writers) -> None:
    (message,) = events(writers.write(writers.ann, to=writers.bob))
    assert isinstance(message, MessageSent)
    assert (message.to, message.number, message.session, message.kind) == (writers.bob, 1, writers.ann, "message")
    assert accepted(writers.write(writers.ann, to=writers.bob)).answer == MessagesSent(
        delivered=(Delivered(session=writers.bob, number=2),)
    )
    writers.a_session("bob", incarnation=2)
    read = writers.acknowledge(writers.bob, 1, incarnation=2)
    assert events(read) == [
        MessagesAcknowledged(session=writers.bob, incarnation=2, after=0, through=1, at=writers.now)
    ]
    assert read.answer == InboxRead(through=1, waiting=1)
    again = writers.acknowledge(writers.bob, 1, incarnation=2)
    assert (events(again), again.answer) == ([], read.answer)
    assert refusal(writers.acknowledge(writers.bob, 3, incarnation=2)) == MessageNotThere(
        session=writers.bob, number=3, last=2
    )


def test_an_inbox_is_bounded_in_all_and_for_each_author(writers: Writers) -> None:
    for _ in range(WAITING_OF_ONE_MAX):
        accepted(writers.write(writers.ann, to=writers.bob))
    assert isinstance(refusal(writers.write(writers.ann, to=writers.bob)), TooManyMessages)
    for author in range(WAITING_MAX // WAITING_OF_ONE_MAX - 1):
        for _ in range(WAITING_OF_ONE_MAX):
            accepted(writers.write(None, by=f"key_{author}", to=writers.bob))
    full = refusal(writers.write(None, by="key_one_more", to=writers.bob))
    assert full == InboxFull(session=writers.bob, waiting=WAITING_MAX)
    accepted(writers.acknowledge(writers.bob, WAITING_OF_ONE_MAX))
    accepted(writers.write(writers.ann, to=writers.bob))
    assert len(writers.inbox(writers.bob).waiting) == WAITING_MAX - WAITING_OF_ONE_MAX + 1


def test_who_holds_a_lock_is_asked_to_release_it(writers: Writers) -> None:
    token = writers.hold(writers.bob, "path:repo//src/api/**")
    ask = {"kind": "please_release", "to": "path:repo//src/**"}
    (message,) = events(writers.write(writers.ann, **ask))
    assert isinstance(message, MessageSent)
    assert (message.to, message.claim, str(message.token)) == (writers.bob, "path:repo//src/api/**", token)
    assert refusal(writers.write(writers.bob, **ask)) == NobodyHolds(claim="path:repo//src/**")
    assert isinstance(refusal(writers.write(writers.ann, to="path:no claim")), Rejection)


def test_all_who_share_a_lock_are_asked_and_no_more_than_a_bound(writers: Writers) -> None:
    for number in range(HOLDERS_MAX + 2):
        writers.hold(writers.a_session(f"s{number}"), "path:repo//a", "shared")
    sent = accepted(writers.write(writers.ann, to="path:repo//a")).answer
    assert isinstance(sent, MessagesSent)
    assert len(sent.delivered) == HOLDERS_MAX


def test_a_message_goes_to_somebody_who_can_still_read_it(writers: Writers) -> None:
    accepted(writers.ask(EndSession(session=writers.bob, incarnation=1), project="fleet"))
    assert refusal(writers.write(writers.ann, to=writers.bob)) == ReceiverHasEnded(session=writers.bob)
    for nobody in ("sess_nobody", writers.project, "x" * 600):
        assert isinstance(refusal(writers.write(writers.ann, to=nobody)), UnknownThing)


def test_what_is_read_waits_no_more(writers: Writers) -> None:
    writers.write(writers.ann, to=writers.bob)
    writers.acknowledge(writers.bob, 1)
    assert writers.inbox(writers.bob) == Inbox(last=1, acknowledged=1)
