"""Which sessions are due for suspicion, recovery or loss: a pure reading of lease rows, never early."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, assert_never

from domain.kernel.ids import Instant
from domain.session.commands import LoseSession, RecoverSession, SessionCommand, SuspectSession
from domain.session.decider import lease_ends, silence_tells
from domain.session.state import Status


class Pulse(Protocol):
    """The liveness row of one (session, incarnation) that is not ended, as the log's store keeps it."""

    @property
    def session(self) -> str: ...
    @property
    def incarnation(self) -> int: ...
    @property
    def ttl_seconds(self) -> int: ...
    @property
    def renewed_at(self) -> int:
        """Instant of the last renewal that was answered."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a session from its events; it may lag behind, the decision looks again."""

    incarnation: int
    status: Status
    tool_until: Instant | None = None
    """The lease does not run out before this, because a tool keeps the session silent."""


def due(
    pulses: Iterable[Pulse],
    standings: Mapping[str, Standing],
    outage_ended_at: Instant,
    now: Instant,
    *,
    most: int = 500,
) -> tuple[SessionCommand, ...]:
    """At most ``most`` commands that are due at ``now``, in the order of the rows.

    Suspicion after TTL / 2 of silence, loss after one TTL, both counted from the last renewal or from the end of the
    latest outage, whichever is later, and no loss while a started tool holds the lease; recovery as soon as a suspect
    was heard less than TTL / 2 ago. A row whose session is not known yet counts as live; one of another incarnation
    than the known one is left alone.
    """
    found: list[SessionCommand] = []
    for pulse in pulses:
        if len(found) == most:
            break
        command = _due(pulse, standings.get(pulse.session), outage_ended_at, now)
        if command is not None:
            found.append(command)
    return tuple(found)


def next_at(pulses: Iterable[Pulse], outage_ended_at: Instant) -> Instant | None:
    """The earliest instant at which silence alone makes a live session a suspect; None without rows."""
    instants = (silence_tells(pulse.ttl_seconds, _heard(pulse, outage_ended_at)) for pulse in pulses)
    return min(instants, default=None)


def _due(pulse: Pulse, standing: Standing | None, outage_ended_at: Instant, now: Instant) -> SessionCommand | None:
    known = standing or Standing(pulse.incarnation, "live")
    if known.incarnation != pulse.incarnation:
        return None
    heard = _heard(pulse, outage_ended_at)
    match known.status:
        case "lost" | "ended":
            return None
        case "live" | "suspect" if now >= lease_ends(pulse.ttl_seconds, heard, known.tool_until):
            return LoseSession(session=pulse.session, incarnation=pulse.incarnation, renewed_at=pulse.renewed_at)
        case "live" if now >= silence_tells(pulse.ttl_seconds, heard):
            return SuspectSession(session=pulse.session, incarnation=pulse.incarnation, renewed_at=pulse.renewed_at)
        case "suspect" if now < silence_tells(pulse.ttl_seconds, Instant(pulse.renewed_at)):
            return RecoverSession(session=pulse.session, incarnation=pulse.incarnation)
        case "live" | "suspect":
            return None
        case _:
            assert_never(known.status)


def _heard(pulse: Pulse, outage_ended_at: Instant) -> Instant:
    return Instant(max(pulse.renewed_at, outage_ended_at))
