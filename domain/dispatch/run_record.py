"""What one decision says of a run and of others: gathered step by step, written in one append."""

from math import ceil
from typing import Final

from domain.dispatch.run_pins import pin_writes
from domain.dispatch.run_turns import Turn
from domain.kernel.decider import Decision, View, Write
from domain.kernel.ids import StreamId, prefix
from domain.kernel.message import Answer, Done, Event, KeyRow, Stamp
from domain.kernel.values import Spend
from domain.kernel.work import Budget
from domain.run.account import NOTHING, Share, spend_of
from domain.run.budget_events import RunBudgetSettled
from domain.run.budgets import Grant, Lack, is_over, keeps_account, loop_around, noticed, reserved
from domain.run.budgets import granted as grant_of
from domain.run.events import PhaseParked, RunQueued
from domain.run.evolve import RUN, Following, changed
from domain.run.state import TERMINAL, Run
from domain.task.decider import TASK
from domain.task.state import Task
from domain.task.waiting import folded


class RunRecord:
    """Gathers the events of a run, of its turn, of its account, and of others."""

    def __init__(self, run: Run, stamp: Stamp, view: View) -> None:
        self.run = run
        self._before: Final = run
        self._stamp: Final = stamp
        self._view: Final = view
        self._said: list[Event] = []
        self._others: list[Write] = []
        self._keys: list[KeyRow] = []
        self.turn: Final = Turn(run, stamp.time, view)
        self._keeps_account: Final = keeps_account(run)

    def put(self, *events: Following) -> None:
        """They happened."""
        for event in events:
            self.run = changed(self.run, event)
            self._said.append(event)

    def also(self, *writes: Write) -> None:
        """Others are told in the same append."""
        self._others += writes

    def decision(self, *first: Event, answer: Answer | None = None) -> Decision:
        """All of it in one append."""
        said = (*first, *self._said)
        own = (Write(StreamId(self.run.queued.run), said, self._stamp.project),) if said else ()
        before = None if any(isinstance(one, RunQueued) for one in first) else self._before
        pins = pin_writes(before, self.run, self._stamp, self._view)
        others = (*self._others, *self.turn.writes(self.run), *pins)
        folded = {own[0].stream: self.run} if own else {}
        return Decision((*own, *others), answer or Done(), keys=tuple(self._keys), folded=folded)

    def granted(self, place: str, own: Budget, *, sharing: int = 1) -> Grant | Lack | None:
        """What the work of a place may spend; None where nothing is counted."""
        return grant_of(self.run, place, own, sharing=sharing) if self._keeps_account else None

    def budget_for(self, place: str, own: Budget, sharing: int) -> Grant | Lack | None:
        """What the work of a place may spend; None where nothing is counted. Where all is spent the place is parked."""
        granted = self.granted(place, own, sharing=sharing)
        if isinstance(granted, Lack) and granted.how == "spent":
            said = {"place": place, "generation": self.run.phase(place).generation, "reason": granted.reason}
            self.put(PhaseParked.model_validate({**said, "kind": "budget", "at": self._stamp.time}))
        return granted

    def set_aside(self, payee: str, place: str, granted: Grant | None) -> None:
        """The task, or the run, may spend it."""
        if granted is not None:
            self.put(reserved(self.run, payee, place, granted.aside, self._stamp.time))

    def settle_shares(self) -> None:
        """What was set aside for what is over is free again, and counted as far as it was spent."""
        for payee, share in sorted(self.run.account.shares.items()) if self._keeps_account else ():
            if is_over(self.run, payee, share):
                spent = self._spent_by_run(payee, share) if prefix(payee) == RUN.prefix else self._spent_by_task(payee)
                if spent is not None:
                    self.spend(payee, share.place, share.loop, spent)

    def spend(self, payee: str, place: str, loop: str, spent: Spend) -> None:
        """So much was spent for it."""
        if self._keeps_account:
            at = self._stamp.time
            self.put(RunBudgetSettled(payee=payee, place=place, loop=loop, spent=spent, at=at))
            told = noticed(self.run, at)
            self.put(*(() if told is None else (told,)))

    def spend_undo(self, task: str, place: str) -> None:
        """What it took to take back an effect counts once that is over, however it went; it was never kept back."""
        self.spend(task, place, loop_around(self.run, place), self._spent_by_task(task))

    def spend_rollback(self, rollback: Run, place: str) -> None:
        """The same of a run that takes back what a run inside has done."""
        self.spend(rollback.queued.run, place, loop_around(self.run, place), rollback.account.whole.spent)

    def _spent_by_run(self, payee: str, share: Share) -> Spend | None:
        """Once that has ended; as if it had spent all where it goes on when this one has ended."""
        child = self._view.read(RUN, StreamId(payee))
        if isinstance(child, Run) and child.status not in TERMINAL:
            return spend_of(share.budget) if self.run.status in TERMINAL else None
        return child.account.whole.spent if isinstance(child, Run) else NOTHING

    def _spent_by_task(self, payee: str) -> Spend:
        """In its generation, with what this decision does to it."""
        task = self._view.read(TASK, StreamId(payee))
        for write in self._others:
            if write.stream == payee and isinstance(task, Task):
                task = folded(task, write.events)
        return spent_by(task) if isinstance(task, Task) else NOTHING

    def _tell(self, stream: StreamId, events: tuple[Event, ...]) -> None:
        if events:
            self._others.append(Write(stream, events, self._stamp.project))


def spent_by(task: Task) -> Spend:
    """What the ended attempts of a task have spent in this generation."""
    spent = task.spent
    return Spend(
        tokens=spent.input_tokens + spent.output_tokens,
        cost_microdollars=spent.cost_microdollars,
        wall_seconds=ceil(task.spent_seconds),
    )
