"""How a fleet did, computed from the event log: makespan and its bound, retries, idle share, assignment latency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from api.plan.analysis import analyse
from domain.task.commands import PlannedTask
from signalbox.client.fields import Fields, as_fields, integer, text

MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Quantiles:
    """In milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in seconds unless the name says otherwise."""

    completed: int
    completed_twice: int
    attempts: int
    retries: int
    """Attempts beyond the first of each task."""
    sessions_lost: int
    makespan_seconds: float
    """From the first claim to the last completion."""
    bound_seconds: float
    """No schedule of these durations is shorter: the larger of critical path and work / workers."""
    critical_path_seconds: float
    """Longest chain of needs, by the duration of the attempts that completed."""
    work_seconds: float
    """Sum of these durations."""
    estimate_seconds: float
    """What a planner that knew all durations and scopes before would have reached by longest path first."""
    idle_percent: float
    """Of the workers' time within the makespan, how much they had no task."""
    assignment: Quantiles
    """From ready to assigned, the wait for a free worker and for free locks included."""
    handover: Quantiles
    """From the end of a worker's attempt to its next one, waits for work included."""


@dataclass(slots=True)
class Span:
    """One attempt, in microseconds of the server's clock."""

    task: str
    session: str
    began: int
    ended: int | None = None
    completed: bool = False


@dataclass(slots=True)
class Chronicle:
    """A fold of the events; feed it pages in the order of the log."""

    keys: dict[str, str] = field(default_factory=dict[str, str])
    """Keys of tasks by their id."""
    spans: dict[int, Span] = field(default_factory=dict[int, Span])
    """Attempts by their token."""
    lives: dict[tuple[str, int], tuple[int, int | None]] = field(
        default_factory=dict[tuple[str, int], tuple[int, int | None]]
    )
    """Beginning and end of each incarnation."""
    completions: list[str] = field(default_factory=list[str])
    """Keys, in the order in which they were completed."""
    claims: list[str] = field(default_factory=list[str])
    """Keys, in the order in which they were claimed."""
    waits: list[int] = field(default_factory=list[int])
    lost: int = 0
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Names of sessions by their id."""
    _ready: dict[str, int] = field(default_factory=dict[str, int])

    def absorb(self, recorded: Fields) -> None:
        """One entry of GET /v1/events."""
        stream, event = text(recorded, "stream"), as_fields(recorded.get("event"), "event")
        match text(recorded, "type"):
            case "task.planned.v1":
                self.keys[stream] = text(event, "key")
            case "task.readied.v1":
                self._ready[stream] = integer(event, "at")
            case "task.claimed.v1":
                self._claimed(stream, event)
            case "task.completed.v1":
                self._ended(event, completed=True)
                self.completions.append(self.keys[stream])
            case "task.attempt_ended.v1":
                self._ended(event, completed=False)
            case "session.opened.v1":
                self.names[stream] = text(event, "name")
                self.lives[stream, integer(event, "incarnation")] = (integer(event, "at"), None)
            case "session.ended.v1":
                self._life_ended(stream, event, integer(event, "at"))
            case "session.lost.v1":
                self.lost += 1
                self._life_ended(stream, event, integer(event, "renewed_at"))
            case _:
                return

    def durations(self) -> dict[str, float]:
        """Seconds of the attempt that completed each task, by key."""
        return {
            self.keys[span.task]: (span.ended - span.began) / MICROSECONDS
            for span in self.spans.values()
            if span.completed and span.ended is not None
        }

    def lost_with(self, name: str) -> tuple[str, ...]:
        """Keys of the tasks that sessions of that name held and did not complete."""
        spans = (span for span in self.spans.values() if self.names.get(span.session) == name)
        return tuple(self.keys[span.task] for span in spans if not span.completed)

    def _claimed(self, stream: str, event: Fields) -> None:
        at = integer(event, "at")
        self.spans[integer(event, "token")] = Span(stream, text(event, "session"), at)
        self.claims.append(self.keys[stream])
        if stream in self._ready:
            self.waits.append(at - self._ready[stream])

    def _ended(self, event: Fields, *, completed: bool) -> None:
        span = self.spans[integer(event, "token")]
        span.ended, span.completed = integer(event, "at"), completed

    def _life_ended(self, stream: str, event: Fields, at: int) -> None:
        life = (stream, integer(event, "incarnation"))
        self.lives[life] = (self.lives[life][0], at)


def figures_of(chronicle: Chronicle, tasks: Sequence[PlannedTask], workers: int) -> Figures:
    """Everything there is to say once a fleet is done; a fleet that completed nothing took no time."""
    spans = list(chronicle.spans.values())
    first = min((span.began for span in spans), default=0)
    last = max((span.ended or 0 for span in spans if span.completed), default=first)
    analysis = analyse(tasks, chronicle.durations())
    best = analysis.makespan(workers)
    return Figures(
        completed=len(set(chronicle.completions)),
        completed_twice=len(chronicle.completions) - len(set(chronicle.completions)),
        attempts=len(spans),
        retries=len(spans) - len({span.task for span in spans}),
        sessions_lost=chronicle.lost,
        makespan_seconds=(last - first) / MICROSECONDS,
        bound_seconds=best.bound,
        critical_path_seconds=analysis.critical_weight,
        work_seconds=analysis.total_weight,
        estimate_seconds=best.estimate,
        idle_percent=_idle_percent(chronicle, first, last),
        assignment=quantiles(chronicle.waits),
        handover=quantiles(_pauses(spans)),
    )


def quantiles(microseconds: Sequence[int]) -> Quantiles:
    """By nearest rank."""
    ordered = sorted(microseconds) or [0]

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1_000

    return Quantiles(at(0.50), at(0.95), at(0.99))


def _idle_percent(chronicle: Chronicle, first: int, last: int) -> float:
    there, busy = 0, 0
    ends: Mapping[str, int] = {
        session: last if end is None else min(end, last) for (session, _), (_, end) in sorted(chronicle.lives.items())
    }
    for began, end in chronicle.lives.values():
        there += max(0, min(last, last if end is None else end) - max(first, began))
    for span in chronicle.spans.values():
        # What a killed worker held ended for the server when it lost the session, for the worker much earlier.
        until = min(last if span.ended is None else span.ended, ends.get(span.session, last))
        busy += max(0, until - span.began)
    return 100 * (1 - busy / there) if there > 0 else 0.0


def _pauses(spans: Sequence[Span]) -> list[int]:
    latest: dict[str, int] = {}
    pauses: list[int] = []
    for span in sorted(spans, key=lambda span: span.began):
        if span.session in latest:
            pauses.append(max(0, span.began - latest[span.session]))
        if span.ended is not None:
            latest[span.session] = span.ended
    return pauses
