"""Notes and messages: who writes is the stamp and a session that is checked; who receives is looked up in the locks."""

from collections.abc import Mapping
from typing import Final

from domain.dispatch.lookup import find_readable, find_serving, lock_stream
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.decisions import Decide
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import ProjectId, StreamId, is_type_id
from domain.kernel.message import Answer, Command, Message, Stamp
from domain.kernel.text import REFERENCE_CHARACTERS_MAX
from domain.kernel.values import ScopeClaim
from domain.lock.blocking import grants_in_the_way, wishes_of
from domain.lock.decider import LOCKS
from domain.lock.entries import Grant, Owner
from domain.lock.errors import BadPattern, TooComplex
from domain.lock.overlap import StepBudget
from domain.note.commands import AcknowledgeMessages, PostNote, SendMessage, WriterCommand
from domain.note.decider import (
    BOARD,
    INBOX,
    Meant,
    Writer,
    acknowledged,
    board_stream,
    inbox_stream,
    posted,
    sent,
)
from domain.note.errors import NobodyHolds, ReceiverHasEnded, WriterUnclear
from domain.project.decider import read_project
from domain.session.decider import SESSION
from domain.session.errors import SessionErased
from domain.session.state import Session

HOLDERS_MAX: Final = 16
"""Sessions that one message goes to, those with the oldest grants."""


class NoteTaken(Answer):
    """The note stands on the board."""

    number: int


class Delivered(Message):
    """A message in an inbox."""

    session: str
    number: int


class MessagesSent(Answer):
    """The message lies in every inbox that is named."""

    delivered: tuple[Delivered, ...]


class InboxRead(Answer):
    """The messages were read up to a number."""

    through: int
    waiting: int
    """Messages that wait behind it."""


def post_note(command: PostNote, stamp: Stamp, view: View) -> Decision:
    """One note; a bound keeps one author from filling a board."""
    writer = _writer(command, stamp, view)
    if isinstance(writer, Rejection):
        return refuse(writer)
    found = None if command.task is None else find_readable(view, stamp.project, command.task)
    if isinstance(found, Rejection):
        return refuse(found)
    task = None if found is None else found[0]
    stream = board_stream(stamp.project if task is None else task)
    note = posted(view.read(BOARD, stream), command, task, writer, stamp.time)
    if isinstance(note, Rejection):
        return refuse(note)
    return Decision((Write(stream, (note,)),), NoteTaken(number=note.number))


def send_message(command: SendMessage, stamp: Stamp, view: View) -> Decision:
    """One message to each receiver, all or none."""
    writer = _writer(command, stamp, view)
    if isinstance(writer, Rejection):
        return refuse(writer)
    receivers = _receivers(command, writer, stamp, view)
    if isinstance(receivers, Rejection):
        return refuse(receivers)
    writes: list[Write] = []
    delivered: list[Delivered] = []
    for session, meant in receivers.items():
        stream = inbox_stream(stamp.project, session)
        message = sent(view.read(INBOX, stream), command, session, writer, meant, stamp.time)
        if isinstance(message, Rejection):
            return refuse(message)
        writes.append(Write(stream, (message,)))
        delivered.append(Delivered(session=session, number=message.number))
    return Decision(tuple(writes), MessagesSent(delivered=tuple(delivered)))


def acknowledge(command: AcknowledgeMessages, stamp: Stamp, view: View) -> Decision:
    """The cursor of the inbox moves on; it belongs to the session, not to one life of it."""
    session = find_serving(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    stream = inbox_stream(stamp.project, command.session)
    inbox = view.read(INBOX, stream)
    read = acknowledged(inbox, command, stamp.time)
    if isinstance(read, Rejection):
        return refuse(read)
    after = read[0].through if read else inbox.acknowledged
    answer = InboxRead(through=after, waiting=sum(number > after for number in inbox.waiting))
    return Decision((Write(stream, read),) if read else (), answer)


def _writer(command: WriterCommand, stamp: Stamp, view: View) -> Writer | Rejection:
    if (command.session is None) != (command.incarnation is None):
        return WriterUnclear()
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return project
    if command.session is None or command.incarnation is None:
        return Writer(stamp.principal, None, None, command.agent)
    session = find_serving(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return session
    return Writer(stamp.principal, command.session, command.incarnation, command.agent)


def _receivers(command: SendMessage, writer: Writer, stamp: Stamp, view: View) -> Mapping[str, Meant] | Rejection:
    """No claim is without a colon, and no id has one."""
    if ":" in command.to:
        return _holders(command.to, writer, stamp.project, view)
    return _named(command.to[:REFERENCE_CHARACTERS_MAX], stamp.project, view)


def _named(to: str, project: ProjectId, view: View) -> Mapping[str, Meant] | Rejection:
    state = view.read(SESSION, StreamId(to)) if is_type_id(to, "sess") else SESSION.initial
    if not isinstance(state, Session) or project not in state.opened.projects:
        return UnknownThing(kind="session", name=to)
    if state.erased:
        return SessionErased(session=to)
    # Who was lost may come back and read it.
    return ReceiverHasEnded(session=to) if state.status == "ended" else {to: Meant()}


def _holders(text: str, writer: Writer, project: ProjectId, view: View) -> Mapping[str, Meant] | Rejection:
    space = view.read(LOCKS, lock_stream(project))
    wishes = wishes_of((ScopeClaim(claim=text),), space)
    if isinstance(wishes, BadPattern):
        return wishes
    asker = Owner(writer.session or "", writer.incarnation or 0, None)
    found = grants_in_the_way(space, asker, wishes, StepBudget())
    if isinstance(found, TooComplex):
        return found
    meant: dict[str, Meant] = {}
    for one in found:
        holder = one.holder
        if isinstance(holder, Grant) and not holder.is_orphaned and holder.session not in ("", writer.session):
            meant.setdefault(holder.session, Meant(one.held.text, holder.token))
    chosen = dict(list(meant.items())[:HOLDERS_MAX])
    return chosen or NobodyHolds(claim=text[:200])


NOTE_DECISIONS: Final[Mapping[type[Command], Decide]] = {
    PostNote: post_note,
    SendMessage: send_message,
    AcknowledgeMessages: acknowledge,
}
"""What is decided when a board or an inbox is asked something."""
