"""The turn of a run under its concurrency key: taken, waited for and given back in one append with the run."""

from collections.abc import Iterator
from typing import Final

from pydantic_core import from_json

from domain.kernel.change import replace
from domain.kernel.decider import View, Write, fold
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Stamp
from domain.kernel.pipeline.flow import Concurrency
from domain.kernel.pipeline.texts import filled
from domain.run.errors import NoTurn, TurnUnfit
from domain.run.evolve import RUN
from domain.run.state import TERMINAL, Run
from domain.turn.decider import LINE, WAITING_MAX, line_of, next_in, with_waiter
from domain.turn.events import HeldPlace, TurnAsked, TurnEvent, TurnLeft, TurnMissed, TurnTaken
from domain.turn.state import Line, Waiting

KEY_CHARACTERS_MAX: Final = 200
RANK_OF_ROLLBACK: Final = 101
"""Whoever only takes back is before every priority."""
HOLDERS_TOLD_MAX: Final = 8


def concurrency_of(pipeline: str, said: Concurrency | None, inputs: str) -> Concurrency | TurnUnfit | None:
    """What a definition says of its runs at a time, for a run with these inputs, as JSON text."""
    if said is None:
        return None
    key = filled(said.key, from_json(inputs) if inputs else {})
    if not 0 < len(key) <= KEY_CHARACTERS_MAX:
        reason = "it is empty" if not key else f"it has more than {KEY_CHARACTERS_MAX} characters"
        return TurnUnfit(pipeline=pipeline, reason=reason)
    return said.model_copy(update={"key": key})


class Turn:
    """The line that one decision about a run looks at, with what the decision changes there."""

    def __init__(self, run: Run, now: Instant, view: View) -> None:
        self._wanted: Final = run.queued.concurrency
        self._name: Final = run.queued.run
        self._project: Final = ProjectId(run.queued.project)
        self._now: Final = now
        self._view: Final = view
        self._said: list[TurnEvent] = []

    def refusal(self, run: Run, action: str) -> Rejection | None:
        """Why the run can neither have its turn now nor wait for it; None where it can."""
        wanted = self._wanted
        if wanted is None or self._place(run):
            return None
        line = self._line()
        if len(line.waiting) >= WAITING_MAX or (wanted.when_full == "refuse" and not run.queued.rolls_back):
            return self._taken_by_others(wanted, line, action)
        return self._circle(run, wanted, line, action)

    def closes_circle(self, run: Run, action: str) -> Rejection | None:
        """Why a run that comes back to the line would wait there for what waits for it; others have come meanwhile."""
        if self._wanted is None or run.paused_from != "queued" or self._place(run):
            return None
        return self._circle(run, self._wanted, self._line(), action)

    def take(self, run: Run) -> bool:
        """Whether the run has its turn; where others are before it, it waits in line from here on."""
        if self._wanted is None:
            return True
        line, place = self._line(), self._place(run)
        if self._name in line.place_of:
            return True
        if place:
            self._put(TurnTaken(run=self._name, place=place, at=self._now))
            return True
        if line.waiter(self._name) is None:
            self._put(self._asked(run, self._wanted))
        return False

    def retake(self, run: Run, action: str) -> Rejection | None:
        """The same of a run that had ended: it has its turn at once, or not at all."""
        if self._wanted is None:
            return None
        if not self._place(run):
            return self._taken_by_others(self._wanted, self._line(), action)
        self.take(run)
        return None

    def writes(self, run: Run) -> tuple[Write, ...]:
        """What the decision changes in the line. Whoever has ended, or is paused before its start, leaves it."""
        if self._wanted is None:
            return ()
        waits = run.status == "paused" and run.paused_from == "queued"
        if run.status in TERMINAL or waits:
            line = self._line()
            over = run.status in TERMINAL and self._name in line.missed
            if over or self._name in line.place_of or line.waiter(self._name) is not None:
                self._put(TurnLeft(run=self._name, at=self._now))
        return (Write(self._stream, tuple(self._said), self._project),) if self._said else ()

    @property
    def _stream(self) -> StreamId:
        return line_of(self._project, "" if self._wanted is None else self._wanted.key)

    def _line(self) -> Line:
        return fold(LINE, tuple(self._said), self._view.read(LINE, self._stream))

    def _put(self, event: TurnEvent) -> None:
        self._said.append(event)

    def _place(self, run: Run) -> str:
        """The place that the run may have now, of its own or of a run around it; empty for none."""
        line = self._line()
        if self._wanted is None or self._name in line.place_of:
            return line.place_of.get(self._name, "")
        names = (one.queued.run for one in around(run, self._view))
        shared = next((name for name in names if name in line.place_of), "")
        if shared:
            return line.place_of[shared]
        own = line.waiter(self._name) or _waiting(self._asked(run, self._wanted), line)
        joined = line if line.waiter(self._name) else replace(line, waiting=with_waiter(line, own))
        return self._name if self._name in next_in(joined) else ""

    def _asked(self, run: Run, wanted: Concurrency) -> TurnAsked:
        queued = run.queued
        return TurnAsked(
            run=self._name,
            limit=wanted.limit,
            rank=RANK_OF_ROLLBACK if queued.rolls_back else queued.priority,
            since=queued.start_at,
            holds=tuple(HeldPlace(line=line, place=place) for line, place in self._held(run)),
            replaces=wanted.when_full == "replace" and not queued.rolls_back,
            at=self._now,
        )

    def _held(self, run: Run) -> Iterator[tuple[StreamId, str]]:
        """Places that runs around it have under other keys, with the streams of those."""
        for one in around(run, self._view):
            key = one.queued.concurrency
            stream = None if key is None else line_of(self._project, key.key)
            place = "" if stream is None else self._view.read(LINE, stream).place_of.get(one.queued.run, "")
            if stream is not None and place:
                yield stream, place

    def _circle(self, run: Run, wanted: Concurrency, line: Line, action: str) -> Rejection | None:
        """Whether all who have the places wait themselves for what runs around this one keep until it has ended."""
        held: dict[StreamId, set[str]] = {}
        for stream, place in self._held(run):
            held.setdefault(stream, set()).add(place)
        looked: set[StreamId] = set()
        while fresh := sorted(held.keys() - looked):
            for stream in fresh:
                other = self._view.read(LINE, stream)
                if set(other.places) - held[stream]:
                    looked.add(stream)  # somebody who has a place there will end
                    continue
                looked.add(stream)
                for one in (held_by for waiter in other.waiting for held_by in waiter.holds):
                    places = held.setdefault(StreamId(one.line), set())
                    if one.place not in places:
                        places.add(one.place)
                        looked.discard(StreamId(one.line))
        stuck = held.get(self._stream, set())
        if not stuck or set(line.places) - stuck:
            return None
        return self._taken_by_others(wanted, line, f"{action}, for they wait for what runs around it keep,")

    def _taken_by_others(self, wanted: Concurrency, line: Line, action: str) -> NoTurn:
        return NoTurn(run=self._name, key=wanted.key, limit=wanted.limit, holders=told(line), action=action)


def missed_turn(run: Run, stamp: Stamp, view: View) -> Write | None:
    """That a run may not go on yet, so that it is told once somebody leaves; None where that is known."""
    if run.queued.concurrency is None:
        return None
    stream = line_of(run.queued.project, run.queued.concurrency.key)
    if run.queued.run in view.read(LINE, stream).missed:
        return None
    missed = TurnMissed(run=run.queued.run, at=stamp.time)
    return Write(stream, (missed,), ProjectId(run.queued.project))


def around(run: Run, view: View) -> Iterator[Run]:
    """The runs that this one is inside of, the nearest first."""
    above = run.queued.parent
    while above is not None:
        found = view.read(RUN, StreamId(above.run))
        if not isinstance(found, Run):
            return
        yield found
        above = found.queued.parent


def told(line: Line) -> str:
    """Who has the places, in words."""
    names = line.in_order()
    more = len(names) - HOLDERS_TOLD_MAX
    shown = ", ".join(names[:HOLDERS_TOLD_MAX]) + (f" and {more} more" if more > 0 else "")
    return shown or "nobody, but others wait"


def _waiting(asked: TurnAsked, line: Line) -> Waiting:
    return Waiting(asked.run, asked.limit, asked.rank, asked.since, line.asked, asked.holds, replaces=asked.replaces)
