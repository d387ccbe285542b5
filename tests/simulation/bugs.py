"""Bugs that are planted to see whether the simulation finds them; each is a patch for the time of a run."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from domain.dispatch import report
from domain.dispatch.lookup import find_task
from domain.kernel.decider import LeaseChange
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


BUGS: Final[dict[str, Plant]] = {
    "no fence": _no_fence,
    "no receipts": _no_receipts,
    "no taint": _no_taint,
    "unchecked reads": _unchecked_reads,
    "expiry beside renewal": _expiry_beside_renewal,
    "answer before commit": _answer_before_commit,
    "another answer": _repeat_with_another_answer,
}
