"""Bugs that are planted to see whether the simulation finds them; each is a patch for the time of a run."""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from api.composition import heard
from api.ports import HeldNow
from domain.dispatch import family, fit, market, report, strategies
from domain.dispatch.lookup import find_task
from domain.dispatch.market import Market
from domain.dispatch.strategies import Auction, bid_score
from domain.kernel.decider import LeaseChange
from domain.policies import timers
from domain.task import decider
from domain.task.decider import live_attempt
from infrastructure.log import walk
from infrastructure.log.port import Appended, Lease, Member, MemberResult, Repeated
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import Settler
from tests.simulation.store import NodeLog, SharedLog

Plant = Callable[[], AbstractContextManager[Any]]


def _no_fence() -> AbstractContextManager[Any]:
    """A report counts for whichever attempt is current, whatever token it carries."""
    held = report._held

    def believed(command: Any, stamp: Any, view: Any) -> Any:
        found = find_task(view, stamp.project, command.task)
        attempt = live_attempt(found[1]) if isinstance(found, tuple) else None
        return held(
            command if attempt is None else command.model_copy(update={"token": str(attempt.token)}), stamp, view
        )

    return patch.object(report, "_held", believed)


def _no_receipts() -> AbstractContextManager[Any]:
    """After a doubt the command is carried out again, as if its id said nothing."""
    held = SharedLog._held

    def forgetful(self: SharedLog, things: Any, now: int) -> Any:
        return replace(held(self, things, now), receipts={})

    return patch.object(SharedLog, "_held", forgetful)


def _no_taint() -> AbstractContextManager[Any]:
    """A member that stands on what a repeated or fallen one would have written is appended where versions agree."""
    return patch.object(walk._Walk, "_taint", lambda _self, _member: None)


def _unchecked_reads() -> AbstractContextManager[Any]:
    """Only what a member writes is checked, not what its decision relied on besides."""
    step = walk._Walk.step

    def blind(self: Any, member: Member) -> None:
        written = {event.stream for event in member.events}
        step(self, member._replace(reads=tuple(one for one in member.reads if one[0] in written)))

    return patch.object(walk._Walk, "step", blind)


def _expiry_beside_renewal() -> AbstractContextManager[Any]:
    """An expiry ends a lease that was renewed since it was looked at."""
    after = walk.lease_after

    def careless(change: LeaseChange, row: Lease | None, at: int) -> Lease | None:
        if change.action == "expire" and row is not None and not row.ended:
            return replace(row, ended=True)
        return after(change, row, at)

    return patch.object(walk, "lease_after", careless)


def _answer_before_commit() -> AbstractContextManager[Any]:
    """Where the store is away the node answers as if it were not."""

    append = NodeLog.append

    def hopeful(self: NodeLog, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        if self._chance.random() < self._weather.lost_call:
            position = self._shared.head()
            found: list[MemberResult] = []
            for member in members:
                position += len(member.events)
                found.append(Appended(position, now))
            return found
        return append(self, members, now=now)

    return patch.object(NodeLog, "append", hopeful)


def _repeat_with_another_answer() -> AbstractContextManager[Any]:
    """A repeat is answered with what was decided this time instead of the first answer."""

    def repeated(self: Settler, settlement: Any, one: Any, result: Repeated) -> None:
        settlement.answers.append((one.pending, Outcome(one.member.outcome, result.receipt.position)))

    return patch.object(Settler, "_repeated", repeated)


def _auction_over_early() -> AbstractContextManager[Any]:
    """A task is given out before everybody had the time to bid for it."""
    return patch.object(market, "closed_before", lambda _settings, now: now)


def _lowest_bid_wins() -> AbstractContextManager[Any]:
    """The bids are taken in the wrong order."""
    pairs = Auction.pairs

    def turned(self: Auction, found: Market) -> Any:
        with patch.object(strategies, "bid_score", lambda bid: -bid_score(bid)):
            return pairs(self, found)

    return patch.object(Auction, "pairs", turned)


def _one_more_than_room() -> AbstractContextManager[Any]:
    """A session is given an attempt more than it has room for."""
    room_of = fit.room_of
    return patch.object(fit, "room_of", lambda session: room_of(session) + 1)


@contextmanager
def _delivery_lapses_early() -> Generator[None]:
    """What was given to a session is taken from it before it had the time to acknowledge it."""
    with patch.object(decider, "DELIVERY_SECONDS_MAX", 4), patch.object(timers, "DELIVERY_SECONDS_MAX", 4):
        yield


def _untold_graces() -> AbstractContextManager[Any]:
    """Heartbeats do not tell the holder that its task was cancelled."""

    def untold(*values: Any, **fields: Any) -> HeldNow:
        return replace(HeldNow(*values, **fields), revoked_seconds=None)

    return patch.object(heard, "HeldNow", untold)


@contextmanager
def _locks_left_behind() -> Generator[None]:
    """Whoever moves in the hierarchy is still judged by the family in which it took its locks."""

    def nothing(*_: Any) -> tuple[()]:
        return ()

    with patch.object(family, "move_locks", nothing), patch.object(family, "leave_locks_below", nothing):
        yield


def _unread_families() -> AbstractContextManager[Any]:
    """Whoever locks inside of another one's locks does not rely on standing below it still."""
    step = walk._Walk.step

    def blind(self: Any, member: Member) -> None:
        written = {event.stream for event in member.events}
        reads = tuple(one for one in member.reads if one[0] in written or not one[0].startswith("sess_"))
        step(self, member._replace(reads=reads))

    return patch.object(walk._Walk, "step", blind)


BUGS: Final[dict[str, Plant]] = {
    "no fence": _no_fence,
    "no receipts": _no_receipts,
    "no taint": _no_taint,
    "unchecked reads": _unchecked_reads,
    "expiry beside renewal": _expiry_beside_renewal,
    "answer before commit": _answer_before_commit,
    "another answer": _repeat_with_another_answer,
    "auction over early": _auction_over_early,
    "lowest bid wins": _lowest_bid_wins,
    "one more than room": _one_more_than_room,
    "delivery lapses early": _delivery_lapses_early,
    "untold graces": _untold_graces,
    "locks left behind": _locks_left_behind,
    "unread families": _unread_families,
}
