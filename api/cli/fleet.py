"""One look at the fleet: its measures, its projects, who works on what, what is locked; as data and as a picture."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from api.cli import lock_commands, session_commands, task_commands
from api.cli.queries import FLEET_METRICS, LOCKS, PROJECTS, SESSIONS, TASKS, counts_of
from api.cli.reading import head_of, listing, project_of
from api.cli.tables import Column, Grid
from api.cli.task_commands import lowered
from api.cli.words import count, printable
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, objects, optional_object

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from signalbox.client.synchronous import Client

ROWS_SHOWN_MAX: Final = 12
PROJECTS_MAX: Final = 100
AT_ONCE_MAX: Final = 25
"""Projects whose tasks one request counts; a document may hold 30 aliases."""
LIVE: Final = ("WORKING", "BUSY_IN_TOOL", "WAITING_FOR_PERSON", "QUOTA_BLOCKED", "IDLE", "SUSPECT", "DRAINING")
COUNTED: Final = ("ready", "assigned", "running", "pending", "backoff", "parked", "completed", "failed", "cancelled")
MINUTES_FROM_SECONDS: Final = 600
RARE: Final = frozenset({"assigned", "backoff", "cancelled"})
COLUMNS: Final = (
    Column("PROJECT", "name"),
    *(Column(one.upper(), one, right=True, spare=one in RARE) for one in COUNTED),
)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is seen at one moment."""

    metrics: Fields
    projects: tuple[Fields, ...]
    """Name, whether frozen, and the number of tasks in each status."""
    tasks: tuple[Fields, ...]
    sessions: tuple[Fields, ...]
    locks: tuple[Fields, ...]
    read_seconds: float
    """What reading it took."""

    def document(self) -> dict[str, object]:
        """For programs."""
        return {
            "metrics": lowered(self.metrics),
            "projects": list(self.projects),
            "tasks": [lowered(row) for row in self.tasks],
            "sessions": [lowered(row) for row in self.sessions],
            "locks": [lowered(row) for row in self.locks],
        }


def fleet_of(client: "Client", project: str | None, hours: int, at: str | None = None) -> Fleet:
    """Read it: of one project, or of all that the key sees, now or at a point. Raises what asking raises."""
    began = time.monotonic()
    after = head_of(client)
    chosen, metrics = _metrics(client, project, {"hours": hours, "at": at, "after": after})
    # A time ago is one position for all that is read.
    then = {"at": f"@{integer(metrics, 'position')}"} if at else {}
    names = [chosen] if chosen else [str(row.get("name")) for row in listing(client, PROJECTS, then, PROJECTS_MAX).rows]
    moving = {"project": chosen, "status": ["ASSIGNED", "RUNNING", "PARKED"]}
    return Fleet(
        metrics=metrics,
        projects=tuple(_counted(client, names, {**then, "after": after})),
        tasks=listing(client, TASKS, {"where": moving, **then}, ROWS_SHOWN_MAX).rows,
        sessions=listing(client, SESSIONS, {"project": chosen, "status": list(LIVE), **then}, ROWS_SHOWN_MAX).rows,
        locks=listing(client, LOCKS, {"project": chosen, **then}, ROWS_SHOWN_MAX).rows,
        read_seconds=time.monotonic() - began,
    )


def _metrics(client: "Client", project: str | None, asked: Mapping[str, object]) -> tuple[str | None, Fields]:
    """The measures, and of which project; a key that does not see all is shown its only one."""
    try:
        found = client.graphql(FLEET_METRICS, {"project": project, **asked})
    except Refused as refused:
        if project is not None or refused.code != "not_permitted":
            raise
        project = project_of(client, None)
        found = client.graphql(FLEET_METRICS, {"project": project, **asked})
    return project, optional_object(found, "fleetMetrics")


def _counted(client: "Client", names: list[str], asked: Mapping[str, object]) -> list[Fields]:
    rows: list[Fields] = []
    for start in range(0, len(names), AT_ONCE_MAX):
        some = names[start : start + AT_ONCE_MAX]
        variables = {**{f"p{place}": name for place, name in enumerate(some)}, **asked}
        found = client.graphql(counts_of(len(some)), variables)
        for place, name in enumerate(some):
            counts = objects(optional_object(found, f"c{place}"), "counts")
            by_status = {str(one.get("status")).lower(): integer(one, "total") for one in counts}
            rows.append({"name": name, **{status: by_status.get(status, 0) for status in COUNTED}})
    return rows


def picture(fleet: Fleet, trouble: str, *, live: bool) -> "Group":
    """For people; ``live`` where keys are heard."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [_headline(fleet, trouble, live=live), Text()]
    for title, rows, columns in (
        ("PROJECTS", list(fleet.projects), COLUMNS),
        ("SESSIONS", [session_commands.shown(row) for row in fleet.sessions], session_commands.COLUMNS),
        ("TASKS UNDER WAY", [task_commands.shown(row) for row in fleet.tasks], task_commands.COLUMNS),
        ("LOCKS", [lock_commands.shown(row) for row in fleet.locks], lock_commands.COLUMNS),
    ):
        parts += [Text(title, style="bold reverse"), Grid(rows, columns) if rows else Text("none"), Text()]
    return Group(*parts)


def _headline(fleet: Fleet, trouble: str, *, live: bool) -> "Text":
    from rich.text import Text

    line = Text("\n".join(f"{name:<10}{words}" for name, words in measures(fleet.metrics)), style="bold")
    line.append(f"\nlog       {fleet.metrics.get('position')}{'   q quits' if live else ''}", style="dim")
    return line if not trouble else Text(f"{printable(trouble)}\n", style="bold red") + line


def measures(told: Fields) -> list[tuple[str, str]]:
    """What is measured of the fleet, each kind with its words."""
    waits = cast("Mapping[str, object]", told.get("assignmentLatency") or {})
    span = cast("Mapping[str, object]", told.get("makespan") or {})
    drain, busy = told.get("workersToDrain"), f"{told.get('attemptsLive')} of {told.get('capacity')} places"
    queue = f"{told.get('queueDepth')} ready"
    percentiles = ", ".join(f"{name} {_seconds(waits.get(name))}" for name in ("p50", "p95", "p99"))
    retried, reassigned = _said(told.get("attemptsRetriedPercent"), " %"), _said(told.get("reassignedPerHundredTasks"))
    found = [
        ("sessions", f"{told.get('sessionsLive')} live, {busy} busy, idle {_said(told.get('idlePercent'), ' %')}"),
        ("queue", f"{queue}; {count(drain, 'worker')} would drain it in 10 min" if isinstance(drain, int) else queue),
        ("waits", f"ready to assigned {percentiles}"),
        ("attempts", f"{told.get('attempts')}, retried {retried}, lost {told.get('attemptsLost')}"),
        ("tasks", f"{told.get('completed')} completed, {told.get('failed')} failed, {reassigned} of 100 reassigned"),
        ("edits", count(integer(told, "conflictsAtEdit"), "conflict")),
    ]
    if span:
        whole = f"{_seconds(span.get('seconds'))}{'' if span.get('settled') else ' so far'}"
        chain = _seconds(span.get("criticalPathSeconds"))
        found.append(("makespan", f"{whole} over {count(integer(span, 'tasks'), 'task')}, critical path {chain}"))
    return found


def _said(value: object, unit: str = "") -> str:
    return "-" if value is None else f"{value}{unit}"


def _seconds(value: object) -> str:
    if not isinstance(value, int | float):
        return "-"
    if value >= MINUTES_FROM_SECONDS:
        return f"{value / 60:,.0f} min"
    return f"{value * 1_000:.3g} ms" if value < 1 else f"{value:.3g} s"
