"""Facts between projects: published where a run ends, and told to whoever waits for them or has taken them."""

from collections.abc import Mapping
from typing import Final

from domain.fact.commands import PublishFact
from domain.fact.decider import TOPIC, topic_of
from domain.fact.events import FactPublished
from domain.kernel.decider import View
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.run.child_events import RunRolledBack
from domain.run.commands import TellNeed
from domain.run.events import RunSettled
from domain.run.evolve import RUN
from domain.run.state import Run


def publish(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command for each topic of the run; what only takes back is no fact."""
    run = view.read(RUN, cause.stream)
    if not isinstance(run, Run) or run.queued.rolls_back:
        return ()
    project, name = cause.project, run.queued.pipeline
    keys = dict.fromkeys(("", run.queued.correlation_key))
    return tuple(
        Derived(
            PublishFact(project=project, run=cause.stream, correlation_key=key), topic_of(project, name, key), project
        )
        for key in keys
    )


def tell(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command for each run that waits, or has taken it."""
    if isinstance(cause.event, FactPublished):
        return _told(view.read(TOPIC, cause.stream).awaited_by, cause)
    run = view.read(RUN, cause.stream)
    return _told(run.awaited_by, cause) if isinstance(run, Run) else ()


def _told(waiting: Mapping[str, str], cause: Cause) -> tuple[Derived, ...]:
    source, owner = cause.stream, cause.project
    return tuple(
        Derived(TellNeed(project=project, run=run, source=source, owner=owner), StreamId(run), ProjectId(project))
        for run, project in sorted(waiting.items())
    )


FACT_POLICIES: Final = (
    Policy("publish_facts", (RunSettled, RunRolledBack), publish),
    Policy("tell_needs", (FactPublished, RunSettled, RunRolledBack), tell),
)
