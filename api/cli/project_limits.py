"""What bounds a project, and how much of that is in use; `project set` sets the bounds."""

from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from api.cli.queries import COUNTS, PROJECT_ACCOUNT
from api.cli.reading import single
from api.cli.tables import Column
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, objects, optional_object

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

Name = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.")]
UNITS: Final = ("tokens", "cost_microdollars", "wall_seconds")
COLUMNS: Final = (
    Column("UNIT", "unit"),
    Column("SPENT", "spent", right=True),
    Column("SET ASIDE", "reserved", right=True),
    Column("SOFT BOUND", "soft", right=True),
    Column("HARD BOUND", "hard", right=True),
    Column("LEFT", "left", right=True),
)


def budget(terminal: Terminal, project: Name) -> None:
    """What the project has spent and set aside of its budget, by unit; `project set` changes the bounds."""
    found = _found(terminal.client, project)
    account, settings = optional_object(found, "account"), optional_object(found, "settings")
    spent, reserved = optional_object(account, "spent"), optional_object(account, "reserved")
    soft, hard = optional_object(settings, "budget_soft"), optional_object(settings, "budget_hard")
    rows: list[dict[str, object]] = []
    for unit in UNITS:
        gone, aside, most = integer(spent, unit), integer(reserved, unit), cast("int | None", hard.get(unit))
        left = None if most is None else max(0, most - gone - aside)
        rows.append(
            {"unit": unit, "spent": gone, "reserved": aside, "soft": soft.get(unit), "hard": most, "left": left}
        )
    terminal.table("budget", rows, COLUMNS, "nothing")


def limits(terminal: Terminal, project: Name) -> None:
    """How many attempts of the project may be under way and are, and its share of common sessions."""
    settings = optional_object(_found(terminal.client, project), "settings")
    counts = objects(single(terminal.client, COUNTS, {"project": project}), "counts")
    running = sum(integer(one, "total") for one in counts if one.get("status") in ("ASSIGNED", "RUNNING"))
    told = {"running": running, "running_max": settings.get("running_max"), "weight": settings.get("weight")}
    most = "any number" if told["running_max"] is None else f"{told['running_max']}"
    terminal.show(
        {"project": project, **told},
        f"under way  {running} attempts, of {most}",
        f"weight     {told['weight']}, its share of sessions that serve several projects",
    )


def _found(client: "Client", project: str) -> Fields:
    found = optional_object(single(client, PROJECT_ACCOUNT, {"name": project}), "project")
    if not found:
        raise Refused("unknown_thing", f"There is no project {project} here.", "See `signalbox project list`.")
    return found
