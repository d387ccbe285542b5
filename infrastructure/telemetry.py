"""What an operator sees: structured logs without secrets, and figures for Prometheus without names of single things."""

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from infrastructure.keys import PREFIX
from infrastructure.run_figures import RunFigures
from infrastructure.runtime.following import WokenBy

GROUP_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SECONDS_BUCKETS: Final = (0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_KEY: Final = re.compile(rf"{PREFIX}_([0-9a-z]{{26}})_[0-9a-z_]+")
_LEVELS: Final[Mapping[str, int]] = logging.getLevelNamesMapping()

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["console", "json"]
EventDict = MutableMapping[str, Any]


def set_up_logging(level: Level, form: Format) -> None:
    """Send every log line, also those of libraries, to standard error in one form. Once per process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_keys,
                *_rendering(form),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level.upper()])
    # They tell of every start, stop and odd request; what matters of that is told by us.
    for chatty in ("uvicorn", "mcp"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def without_keys(_: object, __: str, event: EventDict) -> EventDict:
    """A processor that leaves nothing of an API key but its id."""
    for name, value in event.items():
        if isinstance(value, str) and PREFIX in value:
            event[name] = _KEY.sub(rf"{PREFIX}_\1_***", value)
    return event


def _rendering(form: Format) -> list[structlog.typing.Processor]:
    if form == "json":
        return [structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


class Metrics:
    """The figures of one node. Labels are command names, outcomes, projections and statuses: short, closed lists."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[tuple[str, str], Counter] = {}
        self._commands = Counter(
            "signalbox_commands", "Commands answered", ("type", "outcome"), registry=self._registry
        )
        self._heartbeats = Counter("signalbox_heartbeats", "Heartbeats answered", ("status",), registry=self._registry)
        self._cached_verdicts = Counter(
            "signalbox_cached_verdicts",
            "Edits that hooks of agents let through by what they remembered, as their heartbeats tell",
            registry=self._registry,
        )
        self._group = Histogram(
            "signalbox_group_size", "Commands appended in one call", registry=self._registry, buckets=GROUP_BUCKETS
        )
        self._refusals = Counter(
            "signalbox_refusals_counted",
            "Refusals for the record that were counted only: their like was recorded within the minute, or enough was",
            ("code",),
            registry=self._registry,
        )
        self._append = Histogram(
            "signalbox_append_seconds", "Time of one append", registry=self._registry, buckets=SECONDS_BUCKETS
        )
        self._conflicts = Counter(
            "signalbox_stream_conflicts",
            "Commands decided again because a stream that they read had moved on",
            registry=self._registry,
        )
        # Names of their own, not a label: the one is to be many and the other few.
        self._woken = {
            "notify": Counter(
                "signalbox_notify_wakeups", "Times that word of other nodes' events came", registry=self._registry
            ),
            "poll": Counter(
                "signalbox_poll_wakeups", "Times that other nodes' events were found unasked", registry=self._registry
            ),
        }
        self._waited = Gauge(
            "signalbox_projection_lag_seconds",
            "Since the oldest event was recorded that the projection has not taken in; 0 where it has them all",
            ("projection",),
            registry=self._registry,
        )
        self.runs: Final = RunFigures(self._registry)

    def command(self, name: str, outcome: str) -> None:
        """One command was answered: `accepted`, `repeated`, or the code of its refusal or fault."""
        counter = self._counters.get((name, outcome))
        if counter is None:
            # The library takes a lock and builds a key at each look-up; this runs once per command.
            counter = self._counters[name, outcome] = self._commands.labels(name, outcome)
        counter.inc()

    def heartbeat(self, status: str) -> None:
        """One heartbeat was answered."""
        self._heartbeats.labels(status).inc()

    def cached_verdicts(self, total: int) -> None:
        """Hooks of agents let so many edits through without asking."""
        self._cached_verdicts.inc(total)

    def appended(self, commands: int, seconds: float) -> None:
        """One group went to the log."""
        self._group.observe(commands)
        self._append.observe(seconds)

    def moved(self) -> None:
        """A command is decided again, since a stream had moved on."""
        self._conflicts.inc()

    def woken(self, by: WokenBy) -> None:
        """Events of other nodes were found: told of, or by looking."""
        self._woken[by].inc()

    def projections_waited(self, seconds: Mapping[str, float]) -> None:
        """So long have events waited for these projections."""
        for name, waited in seconds.items():
            self._waited.labels(name).set(waited)

    def refusal_counted(self, code: str) -> None:
        """A refusal that matters was not recorded, because its like was within the minute."""
        self._refusals.labels(code).inc()

    def watch(
        self, *, head: Callable[[], int], projections: Callable[[], Mapping[str, int]], waiters: Callable[[], int]
    ) -> None:
        """Read these whenever the figures are asked for: head, checkpoint of each projection, waiting claims."""
        Gauge("signalbox_head", "Position of the last event", registry=self._registry).set_function(head)
        Gauge("signalbox_waiters", "Claims that wait for work", registry=self._registry).set_function(waiters)
        self._registry.register(_Lag(head, projections))

    def text(self) -> bytes:
        """The Prometheus text."""
        return generate_latest(self._registry)


class _Lag(Collector):
    """Events that each projection has still to take in."""

    def __init__(self, head: Callable[[], int], projections: Callable[[], Mapping[str, int]]) -> None:
        self._head = head
        self._projections = projections

    def collect(self) -> list[GaugeMetricFamily]:
        lag = GaugeMetricFamily(
            "signalbox_projection_lag", "Events that the projection is behind the head", labels=["projection"]
        )
        head = self._head()
        for name, position in sorted(self._projections().items()):
            lag.add_metric([name], max(0, head - position))
        return [lag]
