"""Word of other projects: what a run waits for has come, or what it took does not hold any more."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from domain.dispatch.run_facts import left, resolved
from domain.dispatch.run_rework import rework_in, reworkable
from domain.dispatch.run_standing import Standing, standing
from domain.dispatch.run_verbs import find_run
from domain.dispatch.run_walk import RunWalk
from domain.fact.decider import TOPIC
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId, prefix
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import ExternalPhase
from domain.kernel.pipeline.expressions import Expressions
from domain.run.commands import ReworkPhases, TellNeed
from domain.run.events import RunPaused
from domain.run.loops import placed
from domain.run.need_events import ExternalNeedResolved, UpstreamRevised
from domain.run.state import TERMINAL, Run

OnRevised = Literal["ignore", "attention", "pause", "rework"]
REVISED = "what it took of another project does not hold any more"


class _Revised(NamedTuple):
    """A phase whose fact is another one now."""

    place: str
    policy: OnRevised
    event: UpstreamRevised


def tell_need(command: TellNeed, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Look at what another project says now; only that is believed."""
    run = find_run(view, command.run, stamp)
    if isinstance(run, UnknownThing):
        return refuse(run)
    walk = _heard(RunWalk(run, stamp, view, expressions), command, stamp, view)
    if prefix(command.source) == TOPIC.prefix and not view.read(TOPIC, StreamId(command.source)).withdrawn_alone:
        walk.go_on()  # what comes behind may wait for the next word of the same topic
        walk.also(*left(walk.run, StreamId(command.source), command.owner, stamp, view))
        return walk.decision()
    revised = tuple(_revised(run, command.source, stamp, view))
    if any(one.policy == "rework" for one in revised):
        heard = _heard(RunWalk(run, stamp, view, expressions), command, stamp, view)
        again = _reworked(heard, command, revised, stamp, view)
        if again.rejection is None:
            return again
        revised = tuple(_softened(one) for one in revised)
    walk.put(*(one.event for one in revised))
    if walk.run.status in ("queued", "running") and any(one.policy == "pause" for one in revised):
        walk.hold()
        walk.put(RunPaused(reason=REVISED, by=stamp.principal, at=stamp.time))
    walk.go_on()
    return walk.decision()


def _heard(walk: RunWalk, command: TellNeed, stamp: Stamp, view: View) -> RunWalk:
    """The run with what its phases waited for."""
    if walk.run.status not in TERMINAL:
        for place, phase in _needing(walk.run, command.source):
            told = resolved(walk.run, place, phase, stamp, view)
            walk.put(*told.events)
            walk.also(*told.writes)
    return walk


def _needing(run: Run, source: str) -> Iterator[tuple[str, ExternalPhase]]:
    """Phases that wait for the source, in the order of their places."""
    for place, state in sorted(run.phases.items()):
        phase = placed(run, place) if state.status == "waiting" and state.need is not None else None
        if isinstance(phase, ExternalPhase) and state.need is not None and state.need.registered.source == source:
            yield place, phase


def _revised(run: Run, source: str, stamp: Stamp, view: View) -> Iterator[_Revised]:
    """Phases that took from the source what it does not say any more."""
    now = standing(source, view)
    if now is None:
        return
    for place, state in sorted(run.phases.items()):
        fact = None if state.need is None else state.need.fact
        phase = None if fact is None else placed(run, place)
        if fact is None or state.need is None or fact.source != source or not isinstance(phase, ExternalPhase):
            continue
        event = _said(place, state.generation, fact, now, stamp, known=state.need.rolled_back)
        if event is not None:
            policy = phase.external.on_revised
            policy = "attention" if policy in ("pause", "rework") and run.status == "succeeded" else policy
            yield _Revised(place, policy, event.model_copy(update={"policy": policy}))


def _said(
    place: str, generation: int, fact: ExternalNeedResolved, now: Standing, stamp: Stamp, *, known: bool
) -> UpstreamRevised | None:
    rolled_back = now.is_taken_back and not known
    anew = now.settled_at is not None and now.settled_at != fact.settled_at
    if not rolled_back and not anew:
        return None
    return UpstreamRevised(
        place=place,
        generation=generation,
        source=fact.source,
        how="rolled_back" if rolled_back else "done_anew",
        settled_at=fact.settled_at if now.settled_at is None else now.settled_at,
        policy="attention",
        at=stamp.time,
    )


def _softened(revised: _Revised) -> _Revised:
    """A rework that may not be is what a person looks at."""
    if revised.policy != "rework":
        return revised
    return _Revised(revised.place, "attention", revised.event.model_copy(update={"policy": "attention"}))


def _reworked(walk: RunWalk, command: TellNeed, revised: tuple[_Revised, ...], stamp: Stamp, view: View) -> Decision:
    """The phases done anew, with all that took from them: the definition says so. Others keep what they have heard."""
    keys = dict.fromkeys(one.place.partition("/")[0] for one in revised if one.policy == "rework")
    asked = ReworkPhases(
        project=stamp.project, run=command.run, phases=tuple(keys), reason=REVISED, accept_repeat="on_revised: rework"
    )
    run = reworkable(asked, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    walk.put(*(one.event for one in revised))
    return rework_in(walk, asked, stamp, view)
