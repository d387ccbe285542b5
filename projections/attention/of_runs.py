"""Why a run needs a person: a phase that is parked, a question that stands, an effect that could not be taken back."""

from typing import Final, NamedTuple, assert_never

from domain.run.budget_events import RunBudgetAdjusted, RunBudgetNoticed
from domain.run.events import (
    PhaseBlocked,
    PhaseInvalidated,
    PhaseParked,
    PhaseReleased,
    PhaseSettled,
    PhaseSkipped,
    RunReworked,
    RunSettled,
)
from domain.run.gate_events import GateDecided, GateEscalated, GateOpened, GateReminded
from domain.run.need_events import UpstreamRevised
from domain.run.remark_events import RunAttentionDismissed
from domain.run.undo_events import RunCompensationStarted, RunHeld, UndoFailed, UndoResolved, UndoStarted
from projections.attention.rows import AttentionTopic

_Gone = PhaseInvalidated | PhaseReleased | PhaseSettled | PhaseSkipped | PhaseBlocked | GateDecided
_Undo = UndoFailed | UndoStarted | UndoResolved
_Whole = RunHeld | RunCompensationStarted | RunReworked | RunSettled
_Budget = RunBudgetNoticed | RunBudgetAdjusted
RunEvent = _Budget | _Whole | _Undo | GateOpened | PhaseParked | UpstreamRevised | _Gone


GateTurn = GateReminded | GateEscalated
Seen = RunAttentionDismissed
_SINCE: Final = " · "


class Raised(NamedTuple):
    """What somebody has to look at."""

    topic: AttentionTopic
    why: str


def more_urgent(why: str, event: GateTurn) -> str:
    """The same with what has happened since: how often one was reminded, or whom the gate asks by now."""
    words = why.partition(_SINCE)[0]
    match event:
        case GateReminded():
            return f"{words}{_SINCE}reminder {event.number}"
        case GateEscalated():
            asks = f", asks {', '.join(event.notify)}" if event.notify else ""
            return f"{words}{_SINCE}on rung {event.rung}{asks}"
        case _:
            assert_never(event)


def seen_keys(stream: str, event: Seen) -> tuple[str, ...]:
    """The row of what somebody has seen; it may be about something else by now."""
    return (f"{stream}/phase/{event.place}" if event.topic == "revised_fact" else f"{stream}/budget",)


def run_keys(stream: str, event: RunEvent | GateTurn) -> tuple[str, ...]:
    """One row for each phase, and one for each effect that is taken back; what is not there any more asks nobody."""
    if isinstance(event, _Budget):
        return (f"{stream}/budget",)
    if isinstance(event, _Whole):
        return (f"{stream}/whole", f"{stream}/budget") if isinstance(event, RunSettled) else (f"{stream}/whole",)
    if isinstance(event, _Undo):
        return (f"{stream}/undo/{event.place}@{event.generation}",)
    gone = event.gone if isinstance(event, PhaseInvalidated) else ()
    return tuple(f"{stream}/phase/{place}" for place in (event.place, *gone))


def raised_by(event: RunEvent) -> Raised | None:
    """What the event raises; None where what stood has passed. Work that is parked says so itself, as its task."""
    match event:
        case GateOpened():
            return Raised("open_gate", f"{event.place}: {event.question}")
        case PhaseParked():
            return None if event.kind == "task" else Raised("parked_phase", f"{event.place}: {event.reason}")
        case UpstreamRevised():
            why = f"{event.place}: {event.source} was {event.how.replace('_', ' ')} since"
            return Raised("revised_fact", why) if event.policy in ("attention", "pause") else None
        case UndoFailed():
            return Raised("failed_undo", f"{event.place}: {event.reason}")
        case RunHeld():
            behind = ", ".join(event.behind)
            return Raised("held_run", f"its effects are not taken back by itself: {behind} was passed")
        case RunBudgetNoticed():
            return Raised("run_budget", event.reason)
        case (
            RunBudgetAdjusted()
            | RunCompensationStarted()
            | RunReworked()
            | RunSettled()
            | UndoStarted()
            | UndoResolved()
            | GateDecided()
            | PhaseInvalidated()
            | PhaseReleased()
            | PhaseSettled()
            | PhaseSkipped()
            | PhaseBlocked()
        ):
            return None
        case _:
            assert_never(event)
