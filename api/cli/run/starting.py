"""A run begins: its inputs, when, and in which turn."""

import json
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import Project
from api.cli.files import file_text
from api.cli.queries import RUN_STATUS
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from signalbox.client.errors import SignalboxError
from signalbox.client.fields import optional_object

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

INSTANTS: Final = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


class WhenFull(Enum):
    """What becomes of a run that finds no place."""

    WAIT = "wait"
    REFUSE = "refuse"
    REPLACE = "replace"


INPUT_HELP: Final = "NAME=VALUE, where the value is JSON, or else a text; repeatable."


def start(
    terminal: Terminal,
    pipeline: Annotated[str, typer.Argument(help="Name of a published pipeline.")],
    *,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Else the latest that is published.")] = None,
    inputs: Annotated[list[str] | None, typer.Option("--input", "-i", help=INPUT_HELP)] = None,
    inputs_file: Annotated[Path | None, typer.Option("--inputs", help="File with a JSON object of inputs.")] = None,
    idempotency_key: Annotated[
        str, typer.Option("--idempotency-key", help="Asked again under it, the run that it began is answered.")
    ] = "",
    correlation_key: Annotated[
        str, typer.Option("--correlation-key", help="What other projects find the run by.")
    ] = "",
    priority: Annotated[int, typer.Option("--priority", min=-100, max=100, help="Added to that of its tasks.")] = 0,
    label: Annotated[list[str] | None, typer.Option("--label", help="Of the run and its tasks; repeatable.")] = None,
    start_at: Annotated[
        datetime | None, typer.Option("--start-at", formats=INSTANTS, help="Not before; UTC where it says no other.")
    ] = None,
    concurrency_key: Annotated[
        str, typer.Option("--concurrency-key", help="Of the runs with it so many begin at a time, the others in turn.")
    ] = "",
    concurrency_limit: Annotated[int, typer.Option("--concurrency-limit", min=1, max=10_000, help="So many.")] = 1,
    when_full: Annotated[
        WhenFull, typer.Option("--when-full", help="What follows where no place is free.")
    ] = WhenFull.WAIT,
    tokens: Annotated[int | None, typer.Option("--tokens", min=1, help="That it may spend, in and out.")] = None,
    cost: Annotated[int | None, typer.Option("--cost-microdollars", min=1, help="That it may spend.")] = None,
    project: Project = None,
) -> None:
    """Begin a run."""
    chosen = project_of(terminal.client, project)
    turn = {"key": concurrency_key, "limit": concurrency_limit, "when_full": when_full.value}
    answer = terminal.client.command(
        "start_run",
        project=chosen,
        pipeline=pipeline,
        version=version,
        inputs=json.dumps(inputs_of(inputs_file, inputs or [])),
        idempotency_key=idempotency_key,
        correlation_key=correlation_key,
        priority=priority,
        labels=label or [],
        start_at=None if start_at is None else _microseconds(start_at),
        concurrency=turn if concurrency_key else None,
        budget={"tokens": tokens, "cost_microdollars": cost},
    )
    run = str(answer.answer.get("run"))
    status = _status(terminal.client, run, answer.position)
    told = {**answer.answer, "status": status or None, "position": answer.position}
    state = "started" if answer.answer.get("created") else "was started before"
    if status == "queued":
        state = f"is there, and waits; why: `signalbox run explain {run}`"
    terminal.show(told, f"{run} {state}")


def _status(client: "Client", run: str, position: int | None) -> str:
    """How the run stands behind its start; empty where nobody can say it now: it was started all the same."""
    try:
        found = optional_object(client.graphql(RUN_STATUS, {"id": run, "after": position}), "found")
    except SignalboxError:
        return ""
    return str(optional_object(found, "run").get("status") or "").lower()


def _microseconds(at: datetime) -> int:
    known = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int(known.timestamp()) * 1_000_000


def inputs_of(file: Path | None, said: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    if file is not None:
        try:
            read: object = json.loads(file_text(file))
        except (ValueError, RecursionError) as error:
            raise typer.BadParameter(f"{file} holds no JSON: {error}", param_hint="--inputs") from error
        if not isinstance(read, dict):
            raise typer.BadParameter(f"{file} holds no JSON object", param_hint="--inputs")
        found |= read
    for one in said:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{one} is not NAME=VALUE", param_hint="--input")
        found[name] = _value(value)
    return found


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
