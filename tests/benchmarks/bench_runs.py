"""What decisions about runs cost: folding one, a report among a thousand items, starting hundreds of phases.

Processor time of pure functions: no store, no server, so that other programs on the machine disturb little.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from domain.kernel.decider import fold
from domain.kernel.message import Event
from domain.kernel.pipeline.definition import MapPhase
from domain.kernel.pipeline.flow import Edge, Map
from domain.kernel.pipeline.words import ValueField
from domain.run.commands import TellRun
from domain.run.evolve import RUN
from tests.support.runs import Railway, join, work

FOLD_MILLISECONDS: Final = 20.0
REPORT_RATIO: Final = 2.0
JOINS_SECONDS: Final = 0.2
ROUNDS: Final = 7


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--json", type=Path)
    chosen = options.parse_args(argv)
    results: dict[str, Any] = {}
    measure_fold(results)
    measure_reports(results)
    measure_joins(results)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))
    return 0


def measure_fold(results: dict[str, Any]) -> None:
    """A run of 15 phases, one of them a map of 200 items, from its first event to its last."""
    railway = mapped(200, behind=13)
    railway.succeed(*items_of(railway))
    railway.succeed(*(f"s{number}" for number in range(13)))
    assert railway.stands() == "succeeded"
    of_run = events_of(railway)
    took = milliseconds(lambda: fold(RUN, of_run))
    results["fold"] = {"events": len(of_run), "milliseconds": took}
    print(f"fold of 15 phases with 200 items, {len(of_run)} events: {took:.1f} ms (to reach: {FOLD_MILLISECONDS:g})")


def measure_reports(results: dict[str, Any]) -> None:
    """The decision that follows when one item is done, with few and with many others open, and a whole map."""
    found: dict[int, float] = {}
    for count in (50, 200, 1_000):
        railway = mapped(count)
        began = time.process_time()
        took = [reported(railway, place) for place in items_of(railway)]
        found[count] = statistics.median(took) * 1_000
        results[f"map_{count}"] = {"report_milliseconds": found[count], "seconds": time.process_time() - began}
        seconds = results[f"map_{count}"]["seconds"]
        print(f"map of {count:>5,} items: {found[count]:6.2f} ms for one report, {seconds:6.1f} s for all its work")
    ratio = found[1_000] / found[50]
    results["report_ratio"] = ratio
    print(f"  one report of 1,000 items costs {ratio:.1f}x one of 50 (to reach: {REPORT_RATIO:g})")


def measure_joins(results: dict[str, Any]) -> None:
    """400 joins in a row, each decidable as soon as the one before is: all of them in the decision that starts."""
    joins = [join(f"j{number}", *([f"j{number - 1}"] if number else [])) for number in range(400)]
    took = milliseconds(lambda: Railway(*joins), rounds=3) / 1_000
    results["joins"] = {"seconds": took}
    print(f"start of 400 joins in a row: {took:.2f} s (to reach: {JOINS_SECONDS:g})")


def mapped(count: int, behind: int = 1) -> Railway:
    """A run that found so many things and maps over them, with a chain behind."""
    over = "phases.find.output.files"
    each = {
        "kind": "work",
        "task": {"title": "Do ${item}"},
        "inputs": [{"name": "item", "value": "item"}],
    }
    item_map = Map.model_validate({"over": over, "each": each, "max_parallel": 10_000}, strict=False)
    chain = (work(f"s{number}", f"s{number - 1}" if number else "each") for number in range(behind))
    files = (ValueField(name="files", type="list"),)
    mapping = MapPhase(key="each", needs=(Edge(phase="find"),), map=item_map)
    railway = Railway(work("find", outputs=files), mapping, *chain)
    names = [f"f{number}" for number in range(count)]
    railway.succeed("find", output=orjson.dumps({"files": names}).decode())
    return railway


def items_of(railway: Railway) -> list[str]:
    return [item.place for item in railway.run.phase("each").items]


def reported(railway: Railway, place: str) -> float:
    """Seconds that the run takes to hear of a finished item."""
    token = railway.begin(place)
    task = railway.task_of(place)
    assert railway.complete(task, token).rejection is None
    began = time.process_time()
    decision = railway.ask(TellRun(project="shop", run=railway.run_id, task=task))
    took = time.process_time() - began
    assert decision.writes
    railway.answered = len(railway.log)
    return took


def events_of(railway: Railway) -> tuple[Event, ...]:
    return tuple(one.event for one in railway.log if one.stream == railway.run_id)


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Processor time of the quickest of some rounds: what disturbs only makes them longer."""
    found: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append((time.process_time() - began) * 1_000)
    return min(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
