"""Runs every bench_*.py, one after another, each in a process of its own: `python -m tests.benchmarks [NAME ...]`.

A benchmark is a module with `main(argv: list[str]) -> int` that prints a table and accepts `--json FILE`. Arguments
after `--` reach each of them. Results land in bench-results/, beside a description of the machine.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
RESULTS = ROOT / "bench-results"
RUN = "import sys; from importlib import import_module; sys.exit(import_module(sys.argv[1]).main(sys.argv[2:]))"


def main(argv: list[str]) -> int:
    wanted, passed_on = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    present = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    unknown = sorted(set(wanted) - set(present))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(present) or 'none'}", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    machine = describe_machine()
    (RESULTS / "machine.json").write_text(json.dumps(machine, indent=2) + "\n")
    print(" · ".join(str(value) for value in machine.values()), flush=True)
    failed = [name for name in wanted or present if run(name, passed_on) != 0]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, arguments: list[str]) -> int:
    """One benchmark in a fresh interpreter, so that none warms or burdens the next."""
    print(f"\n{name}", flush=True)
    module, result = f"{__package__}.bench_{name}", RESULTS / f"{name}.json"
    command = [sys.executable, "-c", RUN, module, "--json", str(result), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def describe_machine() -> dict[str, str | int]:
    return {
        "processor": _processor(),
        "cores": f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores",
        "memory": f"{_memory_bytes() / 2**30:.1f} GiB",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
