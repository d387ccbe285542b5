"""One request against 10,000 live claims: what the glob overlap of the lock service costs."""

import argparse
import json
import random
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from domain.lock.blocking import BLOCKERS_COUNTED_MAX
from domain.lock.claim_index import ClaimIndex
from domain.lock.errors import TooComplex
from domain.lock.overlap import StepBudget, overlap
from domain.lock.resource import Resource, parse

LIVE_CLAIMS = 10_000
LIMIT_MS = 10.0
ROUNDS = 200

AREAS = ["api", "core", "docs", "infra", "tests", "tools", "web", "worker"]
SUFFIXES = ["py", "ts", "md", "sql", "yaml"]
REQUESTS = {
    "one file": "path:repo//core/module_17/part_3/file_5.py",
    "one directory": "path:repo//core/module_17/**",
    "glob in a directory": "path:repo//core/module_17/part_*/*.py",
    "glob over directories": "path:repo//core/*/part_3/*_test.py",
    "glob from the root": "path:repo//*/module_1?/part_*/*.py",
    "hostile stars": "path:repo//*o*r*/*m*d*l*7/*p*r*t*/*f*i*e*y",
    "any depth from the root": "path:repo//**/*.py",
}


def resource(text: str) -> Resource:
    """A resource of the corpus; a refusal is a mistake of this file."""
    parsed = parse(text)
    if not isinstance(parsed, Resource):
        raise TypeError(parsed.message())
    return parsed


def live_claims() -> list[tuple[str, Resource]]:
    """A typical tree: mostly files, some directories, some globs. The same at every run."""
    chance = random.Random(7)
    return [(f"claim_{number:05}", resource(f"path:repo//{_pattern(chance)}")) for number in range(LIVE_CLAIMS)]


def _pattern(chance: random.Random) -> str:
    place = f"{chance.choice(AREAS)}/module_{chance.randrange(200)}"
    part, suffix = f"part_{chance.randrange(20)}", chance.choice(SUFFIXES)
    shapes = [f"{place}/{part}/file_{chance.randrange(50)}.{suffix}"] * 6
    shapes += [f"{place}/{part}/**", f"{place}/{part}/", f"{place}/{part}/*.{suffix}", f"{place}/*/test_*.{suffix}"]
    return chance.choice(shapes)


def milliseconds(work: Callable[[int], object], rounds: int = ROUNDS) -> dict[str, float]:
    """Median and 99th percentile of many single runs."""
    taken: list[float] = []
    for number in range(rounds):
        start = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - start) * 1000)
    return {"median_ms": statistics.median(taken), "p99_ms": statistics.quantiles(taken, n=100)[98]}


def ask(index: ClaimIndex, asked: Resource) -> dict[str, float]:
    """What one request costs that is refused: it counts no more than so many blockers."""

    def count(_: int) -> None:
        found = index.oldest_overlapping(asked, StepBudget())
        if not isinstance(found, TooComplex):
            deque(islice(found, BLOCKERS_COUNTED_MAX), maxlen=0)

    return milliseconds(count)


def ask_all(index: ClaimIndex, asked: Resource) -> dict[str, float]:
    """What it costs to know them all."""
    return milliseconds(lambda _: index.overlapping(asked, StepBudget()))


def measure() -> list[dict[str, object]]:
    """One row for each kind of request, then what an index change and a single pair cost."""
    claims = live_claims()
    index = ClaimIndex.of(claims)
    rows: list[dict[str, object]] = []
    for name, text in REQUESTS.items():
        asked = resource(text)
        answer = index.overlapping(asked, StepBudget())
        size = "too complex" if isinstance(answer, TooComplex) else len(answer)
        rows.append({"name": f"request: {name}", "overlapping": size, **ask(index, asked), "limit_ms": LIMIT_MS})
    wide = resource(REQUESTS["any depth from the root"])
    rows.append({"name": "all of it", "overlapping": LIVE_CLAIMS, **ask_all(index, wide)})
    extra = [resource(f"path:repo//core/module_17/part_3/new_{number}.py") for number in range(ROUNDS)]
    rows.append({"name": "index: add one", "overlapping": 1, **milliseconds(lambda n: index.add("new", extra[n]))})
    rows.append({"name": "index: remove one", "overlapping": 1, **milliseconds(lambda n: index.remove(*claims[n]))})
    file = resource(REQUESTS["one file"])
    pairs = milliseconds(lambda n: overlap(file, claims[n][1], StepBudget()))
    rows.append({"name": "one pair", "overlapping": 1, **pairs})
    return rows


def main(argv: list[str]) -> int:
    """Print the table; with ``--json FILE`` write it too."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args(argv)
    rows = measure()
    print(f"glob overlap of one request against {LIVE_CLAIMS:,} live claims, limit {LIMIT_MS:g} ms")
    print(f"{'what':34} {'overlapping':>12} {'median ms':>10} {'p99 ms':>10}")
    for row in rows:
        print(f"{row['name']:34} {row['overlapping']:>12} {row['median_ms']:>10.4f} {row['p99_ms']:>10.4f}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps({"benchmark": "overlap", "live_claims": LIVE_CLAIMS, "rows": rows}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
