"""How what a run needs of other projects folds."""

from typing import Final, assert_never

from domain.kernel.change import replace
from domain.run.need_events import ExternalNeedRegistered, ExternalNeedResolved, NeedEvent, RunAwaited, UpstreamRevised
from domain.run.state import Need, Run

ASKING: Final = ("attention", "pause")
"""What follows a revision that somebody has to see."""


def needing(run: Run, event: NeedEvent) -> Run:
    """The run after something happened to a need of it."""
    if isinstance(event, RunAwaited):
        return replace(run, awaited_by=run.awaited_by.set(event.by_run, event.project))
    phase = run.phase(event.place)
    match event:
        case ExternalNeedRegistered():
            phase = replace(phase, status="waiting", reason=event.what, need=Need(event))
        case ExternalNeedResolved():
            phase = phase if phase.need is None else replace(phase, need=replace(phase.need, fact=event))
        case UpstreamRevised():
            need, gone = phase.need, event.how == "rolled_back"
            if need is not None and need.fact is not None:
                fact = need.fact.model_copy(update={"settled_at": event.settled_at})
                phase = replace(phase, need=replace(need, fact=fact, rolled_back=gone, asks=event.policy in ASKING))
        case _:
            assert_never(event)
    return replace(run, phases=run.phases.set(event.place, phase))
