"""Whether a run that begins to wait for another project would wait for itself, over runs of whatever projects."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from domain.fact.decider import TOPIC, topic_of
from domain.kernel.decider import View
from domain.kernel.ids import StreamId
from domain.run.evolve import RUN
from domain.run.need_events import ExternalNeedRegistered
from domain.run.state import TERMINAL, Run

LOOKED_AT_MAX: Final = 500
"""Runs; a circle over more of them is not found here."""


def circle(run: Run, need: ExternalNeedRegistered, view: View) -> tuple[str, ...]:
    """The way from the run back to it, each waiting for the next; empty where there is none.

    Only a newcomer closes a circle, so whoever waits for it is known: itself, runs that wait for how it
    ends, its parent, and so on from each of them. One of them that would give what is needed closes it. A task never
    waits for a run, and nobody knows who will publish a result or a signal: a need of those closes none.
    """
    if need.kind not in ("run", "latest"):
        return ()
    ways: deque[tuple[Run, tuple[str, ...]]] = deque([(run, (_name(run),))])
    seen = {run.queued.run}
    while ways:
        here, way = ways.popleft()
        if _gives(here, need):
            return (_name(run), *way) if here is not run else (_name(run), _name(run))
        for other in _waiting_for(here, view):
            if other.queued.run not in seen and len(seen) < LOOKED_AT_MAX:
                seen.add(other.queued.run)
                ways.append((other, (_name(other), *way)))
    return ()


def _gives(run: Run, need: ExternalNeedRegistered) -> bool:
    """Whether how the run ends is what is needed."""
    queued = run.queued
    if need.kind == "run":
        return queued.run == need.source
    keys = ("", queued.correlation_key)
    return any(need.source == topic_of(queued.project, queued.pipeline, key) for key in keys)


def _waiting_for(run: Run, view: View) -> Iterator[Run]:
    """Runs that cannot end before this one has."""
    queued = run.queued
    sources = {queued.run, *(topic_of(queued.project, queued.pipeline, key) for key in ("", queued.correlation_key))}
    topics = sorted(sources - {queued.run})
    names = [*sorted(run.awaited_by), *(one for topic in topics for one in _awaiting(topic, view))]
    for name in dict.fromkeys(names):
        other = view.read(RUN, StreamId(name))
        if isinstance(other, Run) and other.status not in TERMINAL and _waits(other, sources):
            yield other
    if queued.parent is not None:
        parent = view.read(RUN, StreamId(queued.parent.run))
        if isinstance(parent, Run) and parent.phase(queued.parent.place).child == queued.run:
            yield parent


def _awaiting(topic: str, view: View) -> tuple[str, ...]:
    return tuple(sorted(view.read(TOPIC, StreamId(topic)).awaited_by))


def _waits(run: Run, sources: set[str]) -> bool:
    needs = (one.need for one in run.phases.values() if one.status == "waiting")
    return any(need is not None and need.registered.source in sources for need in needs)


def _name(run: Run) -> str:
    return f"{run.queued.pipeline} {run.queued.run}"
