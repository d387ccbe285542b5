"""How long an agent waits for the hook: process start to verdict, beside a bare interpreter.

``held``: the lock is remembered. ``confirmed``: remembered, and the server is asked once more. ``taken``: a fresh file,
locked by the server. Each with the isolated command that `connect` writes; ``by name`` is the console script.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signalbox.client import Client, Endpoint
from tests.support.command_line import CommandLine, end
from tests.support.hooks import Agent, repository

RUNS: Final = 60
HELD_FACTOR_MAX: Final = 2.0
TRIP_MILLISECONDS_MAX: Final = 60.0


@dataclass(frozen=True)
class Row:
    """One way of running, in milliseconds."""

    name: str
    p50: float
    p95: float
    least: float
    cpu_least: float
    """Processor time of the process alone, which a busy machine lengthens less."""


def measured(name: str, runs: int, run: Callable[[int], None]) -> Row:
    """Wall time of each run, one after the other."""
    times: list[float] = []
    spent: list[float] = []
    for number in range(runs):
        began, before = time.perf_counter(), _processor_seconds()
        run(number)
        times.append(1_000 * (time.perf_counter() - began))
        spent.append(1_000 * (_processor_seconds() - before))
    times.sort()
    return Row(name, statistics.median(times), times[int(0.95 * (len(times) - 1))], times[0], min(spent))


def _processor_seconds() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def served(folder: Path) -> Iterator[Agent]:
    """An agent in a repository of a real server."""
    process = CommandLine(folder).serve()
    try:
        told = json.loads((folder / ".signalbox" / "server.json").read_text())
        key = (folder / ".signalbox" / "local.key").read_text().strip()
        with Client(Endpoint(told["url"], key)) as client:
            client.command("create_project", name="shop")
        yield Agent("claude", "bench", repository(folder / "app"), folder / "cache", ("--project=shop",))
    finally:
        end(process)


def rows(agent: Agent, runs: int) -> list[Row]:
    """Every way, with the exit code insisted on."""
    by_name = Agent(agent.client, agent.session, agent.folder, agent.cache, agent.options, (
        str(Path(sys.executable).with_name("signalbox")), "hook",
    ))  # fmt: skip

    def edit(path: str, who: Agent = agent) -> None:
        said = who.edit(path)
        assert said.code == 0, said

    def stale(_: int) -> None:
        memory = next(agent.cache.glob("*.json"))
        memory.write_text(json.dumps(json.loads(memory.read_text()) | {"trusted_seconds": 0.0}))
        edit("src/a.py")

    def bare(_: int) -> None:
        subprocess.run([sys.executable, "-c", "pass"], check=True, input=b"", capture_output=True, env=os.environ)

    edit("src/a.py")
    found = [
        measured("bare interpreter", runs, bare),
        measured("held", runs, lambda _: edit("src/a.py")),
        measured("held, by name", runs, lambda _: edit("src/a.py", by_name)),
    ]
    return [
        *found,
        measured("confirmed", runs, stale),
        measured("taken", runs, lambda number: edit(f"src/fresh{number}.py")),
    ]


def main(argv: list[str]) -> int:
    """Print a table; code 1 where a bound is missed by the least of the runs, which noise moves least."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as agent:
        found = rows(agent, said.runs)
    print(f"{'':20}{'p50 ms':>9}{'p95 ms':>9}{'least ms':>9}{'cpu ms':>9}")
    for row in found:
        print(f"{row.name:20}{row.p50:9.1f}{row.p95:9.1f}{row.least:9.1f}{row.cpu_least:9.1f}")
    by_name = {row.name: row for row in found}
    factor = by_name["held"].cpu_least / by_name["bare interpreter"].cpu_least
    trip = max(by_name[name].least for name in ("confirmed", "taken")) - by_name["held"].least
    print(
        f"held: {factor:.2f} bare starts (at most {HELD_FACTOR_MAX:g}); with a round trip {trip:.1f} ms more", end=" "
    )
    print(f"(at most {TRIP_MILLISECONDS_MAX:g})")
    if said.json is not None:
        said.json.write_text(json.dumps({"rows": [vars(row) for row in found], "factor": factor, "trip_ms": trip}))
    return int(factor > HELD_FACTOR_MAX or trip > TRIP_MILLISECONDS_MAX)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
