"""Says in one line of words what a run has to do with others: runs, projects, versions, and people who remark."""

from typing import assert_never

from domain.run.child_events import ChildEvent, ChildStarted, LedgerAdopted, RunRolledBack
from domain.run.fork_events import PhaseAdopted
from domain.run.migrate_events import RunMigrated
from domain.run.need_events import (
    ExternalNeedRegistered,
    ExternalNeedResolved,
    NeedEvent,
    RunAwaited,
    UpstreamRevised,
)
from domain.run.remark_events import RemarkEvent, RunAnnotated, RunAttentionDismissed
from projections.timeline.task_words import with_detail

LinkedEvent = ChildEvent | NeedEvent | PhaseAdopted | RunMigrated | RemarkEvent


def linked(event: LinkedEvent) -> str:
    """The line, of any length."""
    match event:
        case ChildStarted():
            return f"{event.place}{_again(event.generation)}: done by {event.child}"
        case RunRolledBack():
            return with_detail(f"taken back by {event.rollback}", event.reason)
        case LedgerAdopted():
            return f"takes back what {event.source} did: {len(event.entries)} effects"
        case PhaseAdopted():
            return f"{event.place}: {event.outcome}, taken over of {event.run}"
        case RunMigrated():
            return with_detail(f"goes on by version {event.version} instead of {event.before}", event.reason)
        case ExternalNeedRegistered():
            return f"{event.place}{_again(event.generation)}: waits for {event.what}"
        case ExternalNeedResolved():
            return f"{event.place}{_again(event.generation)}: takes {event.source}, which has {event.outcome}"
        case UpstreamRevised():
            return f"{event.place}{_again(event.generation)}: {event.source} was {event.how.replace('_', ' ')} since"
        case RunAwaited():
            return f"{event.by_run} counts on how it ends"
        case RunAnnotated():
            return with_detail(f"{event.place}: remark" if event.place else "remark", event.text)
        case RunAttentionDismissed():
            what = f"{event.place}: {event.topic}" if event.place else event.topic
            return f"{what.replace('_', ' ')} was seen"
        case _:
            assert_never(event)


def _again(generation: int) -> str:
    return f" ({generation})" if generation > 1 else ""
