"""What became of a run, said under the topics that other projects look at, and what is known there."""

from domain.fact.commands import PublishFact
from domain.fact.decider import TOPIC, topic_of
from domain.fact.events import FactPublished
from domain.kernel.decider import Decision, View, Write
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.run.evolve import RUN
from domain.run.needs import Fact
from domain.run.state import Run


def publish_fact(command: PublishFact, stamp: Stamp, view: View) -> Decision:
    """What the run itself says now; the same again, or of a run that was followed by others, changes nothing."""
    run = view.read(RUN, StreamId(command.run))
    fact = fact_of(run) if isinstance(run, Run) and run.queued.project == stamp.project else None
    if fact is None or not isinstance(run, Run):
        return Decision()
    stream = topic_of(stamp.project, run.queued.pipeline, command.correlation_key)
    latest = view.read(TOPIC, stream).latest
    if latest is not None and said(latest) == fact:
        return Decision()
    if fact.rolled_back and (latest is None or latest.run != fact.source):
        return Decision()
    if latest is not None and latest.run != fact.source and fact.settled_at < latest.settled_at:
        return Decision()  # heard late: that one ended behind it
    published = FactPublished(
        pipeline=run.queued.pipeline,
        correlation_key=command.correlation_key,
        run=fact.source,
        outcome=fact.outcome,
        output=fact.output,
        settled_at=fact.settled_at,
        rolled_back=fact.rolled_back,
        at=stamp.time,
    )
    return Decision((Write(stream, (published,), stamp.project),))


def fact_of(run: Run) -> Fact | None:
    """What a run that has ended says."""
    if run.settled_at is None or run.status not in ("succeeded", "failed", "cancelled"):
        return None
    return Fact(run.queued.run, run.status, run.outputs, run.settled_at, bool(run.rolled_back_by))


def said(published: FactPublished) -> Fact:
    """The same as it was published."""
    return Fact(published.run, published.outcome, published.output, published.settled_at, published.rolled_back)
