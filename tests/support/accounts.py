"""A toy domain with rules across streams, for tests of the machinery: accounts, transfers, an overdraft pact."""

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.decider import Aggregate, Decision, View, Write, refuse
from domain.kernel.decisions import Rules
from domain.kernel.errors import RefusalKind, Rejection
from domain.kernel.ids import FLEET, StreamId
from domain.kernel.message import Command, Event, KeyRow, Stamp
from domain.kernel.policy import Cause, Derived, Policy
from domain.kernel.registry import Registry
from domain.refusal.events import CommandRefused


class Moved(Event):
    TYPE: ClassVar[str] = "account.moved.v1"
    amount: int


class Noted(Event):
    TYPE: ClassVar[str] = "account.noted.v1"
    note: str


@dataclass(frozen=True, slots=True)
class Account:
    balance: int = 0
    notes: tuple[str, ...] = ()


def evolve(state: Account, event: Event) -> Account:
    if isinstance(event, Moved):
        return Account(state.balance + event.amount, state.notes)
    if isinstance(event, Noted):
        return Account(state.balance, (*state.notes, event.note))
    return state


ACCOUNT = Aggregate(prefix="acct", initial=Account(), evolve=evolve, state_type=Account, snapshot_every=4)


class Move(Command):
    NAME: ClassVar[str] = "move"
    account: str
    amount: int


class Transfer(Command):
    """Moves money; refused where it is not there."""

    NAME: ClassVar[str] = "transfer"
    source: str
    target: str
    amount: int


class WithdrawIfOther(Command):
    """Takes 1 from ``account`` while ``other`` still holds at least 1: a rule that reads what it does not write."""

    NAME: ClassVar[str] = "withdraw_if_other"
    account: str
    other: str


class Note(Command):
    NAME: ClassVar[str] = "note"
    account: str
    note: str


class Name(Command):
    NAME: ClassVar[str] = "name"
    account: str
    name: str


class Explode(Command):
    NAME: ClassVar[str] = "explode"


class TooPoor(Rejection):
    """There is not enough.

    Earn more.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT


class NameTaken(Rejection):
    """The name is taken.

    Choose another.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT


def decide(command: Command, stamp: Stamp, view: View) -> Decision:
    match command:
        case Move(account=account, amount=amount):
            view.read(ACCOUNT, StreamId(account))
            return Decision(writes=(Write(StreamId(account), (Moved(amount=amount),)),))
        case Transfer(source=source, target=target, amount=amount):
            if view.read(ACCOUNT, StreamId(source)).balance < amount:
                return refuse(TooPoor())
            view.read(ACCOUNT, StreamId(target))
            return Decision(
                writes=(
                    Write(StreamId(source), (Moved(amount=-amount),)),
                    Write(StreamId(target), (Moved(amount=amount),)),
                )
            )
        case WithdrawIfOther(account=account, other=other):
            if view.read(ACCOUNT, StreamId(other)).balance < 1 or view.read(ACCOUNT, StreamId(account)).balance < 1:
                return refuse(TooPoor())
            return Decision(writes=(Write(StreamId(account), (Moved(amount=-1),)),))
        case Note(account=account, note=note):
            if note in view.read(ACCOUNT, StreamId(account)).notes:
                return Decision()
            return Decision(writes=(Write(StreamId(account), (Noted(note=note),)),))
        case Name(account=account, name=name):
            if view.key(FLEET, "name", name) is not None:
                return refuse(NameTaken())
            row = KeyRow(scope=FLEET, kind="name", name=name, stream=StreamId(account))
            return Decision(writes=(Write(StreamId(account), (Noted(note=name),)),), keys=(row,))
        case _:
            raise RuntimeError("a fault of ours")


def note_the_rich(cause: Cause, view: View) -> tuple[Derived, ...]:
    """A policy: whoever receives 100 or more at once is noted down."""
    assert isinstance(cause.event, Moved)
    if cause.event.amount < 100:
        return ()
    view.read(ACCOUNT, cause.stream)
    return (Derived(Note(account=cause.stream, note=f"rich@{cause.version}"), cause.stream, FLEET),)


RULES = Rules(dict.fromkeys((Move, Transfer, WithdrawIfOther, Note, Name, Explode), decide))
POLICIES = (Policy("note_the_rich", (Moved,), note_the_rich),)
REGISTRY = Registry([Moved, Noted, CommandRefused])
AGGREGATES = {"acct": ACCOUNT}
