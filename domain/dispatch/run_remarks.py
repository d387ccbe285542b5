"""What people say of a run beside steering it: a remark, and that they have seen what it asked them to look at."""

from domain.dispatch.run_verbs import asked, found
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.run.errors import AnnotationsFull
from domain.run.remark_commands import ANNOTATIONS_MAX, AnnotateRun, DismissRunAttention
from domain.run.remark_events import RemarkEvent, RunAnnotated, RunAttentionDismissed
from domain.run.state import Run


def annotate(command: AnnotateRun, stamp: Stamp, view: View) -> Decision:
    """Keep what is said; also of a run that has ended."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if command.phase is not None and not _is_there(run, command.phase):
        return refuse(UnknownThing(kind="phase", name=command.phase))
    if run.annotations >= ANNOTATIONS_MAX:
        return refuse(AnnotationsFull(run=command.run, count=run.annotations))
    said = RunAnnotated(place=command.phase or "", text=command.text, by=stamp.principal, at=stamp.time)
    return _written(run, said, stamp)


def dismiss(command: DismissRunAttention, stamp: Stamp, view: View) -> Decision:
    """It has been seen; what does not ask, or not any more, stays as it is. Runs without their words ask, too."""
    run = found(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    place = command.phase or ""
    if command.topic == "run_budget":
        place, asks = "", run.account.noticed and not run.account.seen
    else:
        if not _is_there(run, place):
            return refuse(UnknownThing(kind="phase", name=place))
        need = run.phase(place).need
        asks = need is not None and need.asks
    if not asks:
        return Decision()
    seen = RunAttentionDismissed(topic=command.topic, place=place, by=stamp.principal, at=stamp.time)
    return _written(run, seen, stamp)


def _is_there(run: Run, place: str) -> bool:
    return any(place in run.places(phase.key) for phase in run.queued.definition.phases)


def _written(run: Run, event: RemarkEvent, stamp: Stamp) -> Decision:
    return Decision((Write(StreamId(run.queued.run), (event,), stamp.project),))
