"""Notify gate: whoever a rung of a gate's ladder names, and who is a session, finds a message in its inbox."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import StreamId, is_type_id
from domain.kernel.policy import Cause, Derived, Policy
from domain.note.commands import NOTE_CHARACTERS_MAX, SendMessage
from domain.run.evolve import RUN
from domain.run.gate_events import GateEscalated
from domain.run.state import Run
from domain.session.decider import SESSION


def react(cause: Cause, view: View) -> tuple[Derived, ...]:
    """A message to each; people are told where everything is that needs attention."""
    event, run = cause.event, view.read(RUN, cause.stream)
    if not isinstance(event, GateEscalated) or not isinstance(run, Run):
        return ()
    if run.phase(event.place).gate is None:
        return ()
    # Its question stays where it is: it goes with the run when that is erased.
    words = f"The gate {event.place} of run {cause.stream} waits for an answer: see `signalbox gate show`."
    named = dict.fromkeys(one for one in event.notify if is_type_id(one, SESSION.prefix))
    said = ((name, SendMessage(project=cause.project, to=name, text=words[:NOTE_CHARACTERS_MAX])) for name in named)
    return tuple(Derived(message, StreamId(name), cause.project) for name, message in said)


NOTIFY_GATE: Final = Policy("notify_gate", (GateEscalated,), react)
