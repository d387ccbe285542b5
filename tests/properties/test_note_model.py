"""Boards and inboxes as lists: numbers without gaps, nobody beyond a bound, and rows that say the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.message import Command
from domain.note.commands import AcknowledgeMessages, PostNote, SendMessage
from domain.note.decider import NOTES_MAX, WAITING_MAX, WAITING_OF_ONE_MAX, WINDOW_SECONDS, board_stream, inbox_stream
from domain.note.state import Board, Inbox
from projections.blackboard.projection import BLACKBOARD
from projections.inbox.projection import INBOX
from projections.kernel.replay import replay
from tests.support.fleet import Fleet

AUTHORS = ("key_a", "key_b", "key_c")
STEPS = st.one_of(
    st.tuples(st.just("post"), st.sampled_from(AUTHORS), st.integers(1, 80)),
    st.tuples(st.just("send"), st.sampled_from(AUTHORS), st.integers(1, 30)),
    st.tuples(st.just("read"), st.just(""), st.integers(1, 60)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, WINDOW_SECONDS)),
)


class Lists:
    """What should be: plain lists, and every bound counted anew each time."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.windows: dict[str, tuple[int, int]] = {}
        self.messages: list[str] = []
        self.read = 0

    def posts(self, author: str, at: int) -> bool:
        began, count = self.windows.get(author, (at, 0))
        if at >= began + WINDOW_SECONDS * 1_000_000:
            began, count = at, 0
        if count >= NOTES_MAX:
            return False
        self.windows[author] = (began, count + 1)
        self.notes.append(author)
        return True

    def sends(self, author: str) -> bool:
        waiting = self.messages[self.read :]
        if len(waiting) >= WAITING_MAX or waiting.count(author) >= WAITING_OF_ONE_MAX:
            return False
        self.messages.append(author)
        return True

    def reads(self, through: int) -> bool:
        if through > len(self.messages):
            return False
        self.read = max(self.read, through)
        return True


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_boards_and_inboxes_are_lists_with_bounds(steps: list[tuple[str, str, int]]) -> None:
    fleet, lists = Fleet(), Lists()
    session = fleet.a_session("bob")
    for kind, author, count in steps:
        if kind == "wait":
            fleet.advance(count)
            continue
        command: Command
        for _ in range(1 if kind == "read" else count):
            if kind == "post":
                command, accepted = PostNote(project="shop", text="x"), lists.posts(author, fleet.now)
            elif kind == "send":
                command, accepted = SendMessage(project="shop", to=session, text="x"), lists.sends(author)
            else:
                command = AcknowledgeMessages(project="shop", session=session, incarnation=1, through=count)
                accepted = lists.reads(count)
            decision = fleet.ask(command, by=author) if author else fleet.ask(command)
            assert (decision.rejection is None) == accepted
    board: Board = fleet.states.get(board_stream(fleet.project), Board())
    inbox: Inbox = fleet.states.get(inbox_stream(fleet.project, session), Inbox())
    assert board.notes == len(lists.notes)
    assert (inbox.last, inbox.acknowledged) == (len(lists.messages), lists.read)
    assert sorted(inbox.waiting) == list(range(lists.read + 1, len(lists.messages) + 1))
    notes = sorted(replay(BLACKBOARD, fleet.log).values(), key=lambda row: row.number)
    assert [(row.number, row.author) for row in notes] == list(enumerate(lists.notes, start=1))
    messages = sorted(replay(INBOX, fleet.log).values(), key=lambda row: row.number)
    assert [(row.author, row.read) for row in messages] == [
        (author, number < lists.read) for number, author in enumerate(lists.messages)
    ]
