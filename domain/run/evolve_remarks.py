"""How what people say of a run folds."""

from typing import assert_never

from domain.kernel.change import replace
from domain.run.remark_events import RemarkEvent, RunAnnotated, RunAttentionDismissed
from domain.run.state import Run


def remarked(run: Run, event: RemarkEvent) -> Run:
    """The run after the event."""
    match event:
        case RunAnnotated():
            return replace(run, annotations=run.annotations + 1)
        case RunAttentionDismissed():
            if event.topic == "run_budget":
                return replace(run, account=replace(run.account, seen=True))
            phase = run.phase(event.place)
            if phase.need is None:
                return run
            seen = replace(phase, need=replace(phase.need, asks=False))
            return replace(run, phases=run.phases.set(event.place, seen))
        case _:
            assert_never(event)
