"""Runs seeds: ``python -m tests.simulation --seed 17`` has one run again, ``--seeds 0:2000`` looks for trouble."""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from multiprocessing import get_context
from typing import Final

import structlog

from domain.dispatch.strategies import STRATEGIES
from tests.simulation.bugs import BUGS
from tests.simulation.run import Result, simulate

HASH_SEED: Final = "0"
"""Python orders sets of text by it: with another one, a seed is another run."""
WRONG_SHOWN_MAX: Final = 10


def main(argv: list[str]) -> int:
    """Exit code 1 where something was wrong, which is what is hoped for with ``--bug``."""
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        again = [sys.executable, "-m", "tests.simulation", *argv]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": HASH_SEED})
    chosen = _arguments(argv)
    structlog.configure(processors=[_drop])
    first, _, last = chosen.seeds.partition(":")
    seeds = range(chosen.seed, chosen.seed + 1) if chosen.seed is not None else range(int(first), int(last))
    began, results = time.monotonic(), list[Result]()
    for result in _results(seeds, chosen.processes, chosen.bug, chosen.strategy):
        results.append(result)
        if result.wrong:
            break
    options = (("bug", chosen.bug), ("strategy", chosen.strategy))
    _tell(results, time.monotonic() - began, "".join(f" --{name} '{value}'" for name, value in options if value))
    return int(any(result.wrong for result in results))


def run(seed: int, bug: str | None, strategy: str | None = None) -> Result:
    """One seed, with a bug planted where one is named."""
    with BUGS[bug]() if bug else nullcontext():
        return simulate(seed, strategy)


def _results(seeds: Iterable[int], processes: int, bug: str | None, strategy: str | None) -> Iterator[Result]:
    if processes == 1:
        yield from (run(seed, bug, strategy) for seed in seeds)
        return
    with get_context("fork").Pool(processes) as pool:
        yield from pool.imap(partial(run, bug=bug, strategy=strategy), seeds)


def _tell(results: list[Result], seconds: float, options: str) -> None:
    for result in results:
        if result.wrong:
            lines = [f"seed {result.seed}:", *(f"  {one}" for one in result.wrong[:WRONG_SHOWN_MAX])]
            lines.append(f"again: .venv/bin/python -m tests.simulation --seed {result.seed}{options}")
            sys.stdout.write("\n".join(lines) + "\n")
    sums = {name: sum(getattr(one, name) for one in results) for name in _SUMMED}
    longest = max(result.virtual_seconds for result in results)
    words = ", ".join(f"{round(value)} {name.replace('_', ' ')}" for name, value in sums.items())
    sys.stdout.write(f"{len(results)} seeds in {seconds:.1f} s: {words}; the longest took {longest:.0f} virtual s,\n")
    median = statistics.median(result.events for result in results)
    sys.stdout.write(f"{median:.0f} events in the median; the last log is {results[-1].digest}\n")


_SUMMED: Final = ("commands", "events", "virtual_seconds", "kills", "pauses", "store_faults", "lost_sessions")


def _drop(*_: object) -> dict[str, object]:
    raise structlog.DropEvent


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="run this one only")
    parser.add_argument("--seeds", default="0:100", help="FIRST:LAST, the last one not included")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--strategy", choices=STRATEGIES, help="give work out like this; else as the seed says")
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant this bug")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
