"""What is kept of refusals: the first of its kind within a minute, and only so many; the others are counted."""

import hashlib
from typing import Final

from immutables import Map

from domain.kernel.decider import Aggregate, Decision, View, Write, refuse
from domain.kernel.ids import FLEET, SECOND, SUFFIX_LENGTH, Instant, ProjectId, StreamId, with_prefix
from domain.kernel.message import Stamp
from domain.refusal.commands import RecordRefusal
from domain.refusal.errors import RefusalCounted
from domain.refusal.events import CommandRefused
from domain.refusal.state import Minute, Refusals

KEPT_PER_MINUTE_MAX: Final = 20
"""Records of one principal in one project within a minute: more is a program gone wild, and says nothing new."""
PRINCIPALS_MAX: Final = 1_000
"""Principals whose minute is remembered."""
_MINUTE: Final = 60 * SECOND


def record(command: RecordRefusal, stamp: Stamp, view: View) -> Decision:
    """One more refusal of the stamp's project; what was refused before a decision leaves no trace otherwise."""
    refused = CommandRefused(
        command=command.command,
        code=command.code,
        message=command.message,
        principal=command.principal,
        at=stamp.time,
    )
    stream = refusals_stream(stamp.project)
    if not is_kept(view.read(REFUSALS, stream), refused):
        return refuse(RefusalCounted(code_of_refusal=command.code))
    return Decision((Write(stream, (refused,), stamp.project),))


def is_kept(state: Refusals, refused: CommandRefused) -> bool:
    """Whether the refusal is recorded: its like was not within the minute, and the principal has room."""
    minute = _current(state, refused)
    return minute is None or (len(minute.kept) < KEPT_PER_MINUTE_MAX and _digest(refused) not in minute.kept)


def refusals_stream(project: ProjectId) -> StreamId:
    """The stream of a project's audited refusals; the fleet has one of its own."""
    return StreamId("refusals_" + "0" * SUFFIX_LENGTH) if project == FLEET else with_prefix("refusals", project)


def evolve(state: Refusals, event: CommandRefused) -> Refusals:
    """One more."""
    current = _current(state, event)
    since, kept = (event.at, ()) if current is None else (current.since, current.kept)
    minute = Minute(since, (*kept, _digest(event))[-KEPT_PER_MINUTE_MAX:])
    return Refusals(state.count + 1, _with_room(state.minutes, event.at).set(event.principal, minute))


def _current(state: Refusals, event: CommandRefused) -> Minute | None:
    minute = state.minutes.get(event.principal)
    return None if minute is None or not minute.since <= event.at < minute.since + _MINUTE else minute


def _with_room(minutes: Map[str, Minute], at: Instant) -> Map[str, Minute]:
    """Without the minutes that are over, where there are too many; without any, where that does not help."""
    if len(minutes) < PRINCIPALS_MAX:
        return minutes
    running = {principal: minute for principal, minute in minutes.items() if at < minute.since + _MINUTE}
    return Map(running) if len(running) < PRINCIPALS_MAX else Map()


def _digest(event: CommandRefused) -> str:
    text = f"{event.command}\x1f{event.code}\x1f{event.message}"
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


REFUSALS: Final[Aggregate[Refusals]] = Aggregate(
    prefix="refusals",
    initial=Refusals(),
    evolve=evolve,
    state_type=Refusals,
    snapshot_every=1_000,
    snapshot_version=2,
)
