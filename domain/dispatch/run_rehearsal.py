"""What a verb would do to a run: decided like the verb itself, and then told instead of done."""

from collections.abc import Callable, Iterator
from typing import Final

from domain.kernel.decider import Decision
from domain.kernel.message import Answer, Command, Done, Event
from domain.run.commands import ForkRun, MigrateRun, ReworkPhases, RunVerb

OWN: Final = (ReworkPhases, ForkRun, MigrateRun)
"""Verbs that tell more than what would happen at once."""
WOULD_MAX: Final = 200


class Rehearsed(Answer):
    """Nothing was done."""

    done: bool
    """False."""
    would: tuple[str, ...]
    """What would happen at once, as stored names of events with their phase; the first 200."""


def rehearsing(decide: Callable[..., Decision]) -> Callable[..., Decision]:
    """The decision, which a dry run only tells; a refusal is the same."""

    def decided(command: Command, *args: object, **kwargs: object) -> Decision:
        decision = decide(command, *args, **kwargs)
        dry = isinstance(command, RunVerb) and command.dry_run and not isinstance(command, OWN)
        if not dry or decision.rejection is not None:
            return decision
        events = (event for write in decision.writes for event in write.events)
        told = Rehearsed(done=False, would=tuple(_words(events))[:WOULD_MAX])
        return Decision(answer=told if isinstance(decision.answer, Done) else decision.answer)

    return decided


def _words(events: Iterator[Event]) -> Iterator[str]:
    for event in events:
        place: object = getattr(event, "place", "")
        yield f"{event.TYPE} {place}".strip()
