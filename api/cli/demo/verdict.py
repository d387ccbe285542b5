"""The judgement on a run: what was promised, whether it held, and everything as one object for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from api.cli.demo.figures import Figures, Quantiles
from api.cli.demo.findings import Findings
from api.cli.demo.fleet import Crash

FINDINGS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One promise."""

    promise: str
    broken: tuple[str, ...]
    """How it was broken; empty where it held."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the demo, as it went."""

    tasks: int
    workers: int
    seed: int
    guarded: bool
    findings: Findings
    figures: Figures
    crashes: Sequence[Crash]
    kills: int
    conflicts: tuple[str, ...]
    """Rebases that met a conflict, as the attempts noted them."""
    moved: tuple[str, ...]
    """Surveys whose files changed while they were read."""
    found: int
    """Attempts that found their work already pushed by a killed predecessor."""
    pushes_repeated: int
    """Pushes that came second and were repeated after a rebase."""
    failures: tuple[str, ...]
    """Workers that did not end as they should."""


def checks_of(run: Run) -> tuple[Check, ...]:
    """From the repository and from what the attempts noted; the last two say that the fleet itself did its part."""
    findings = run.findings
    return (
        Check(f"every line exactly once ({findings.lines} lines)", findings.lost_lines + findings.doubled_lines),
        Check("no lost update", findings.wrong_counters + findings.overwritten),
        Check("files and commits in order, needs first", findings.disordered),
        Check("no rebase conflict", run.conflicts),
        Check("nothing changed under a shared lock", run.moved),
        Check(f"all {run.tasks} tasks completed, each once", _uncompleted(run)),
        Check(f"{run.kills} workers killed, all others ended by themselves", (*_unkilled(run), *run.failures)),
    )


def holds(run: Run) -> bool:
    """Guarded: every promise held. Unguarded: the harm that locks prevent was there to be seen, and nothing else."""
    if run.guarded:
        return not any(check.broken for check in checks_of(run))
    harm = run.conflicts or run.findings.lost_lines or run.findings.updates_lost
    return bool(harm) and not run.failures and len(run.crashes) == run.kills


def report_of(run: Run) -> dict[str, object]:
    """The run as one JSON object."""
    return {
        "mode": "guarded" if run.guarded else "without_locks",
        "ok": holds(run),
        "tasks": run.tasks,
        "workers": run.workers,
        "seed": run.seed,
        "kills": [asdict(crash) for crash in run.crashes],
        "checks": [
            {"promise": check.promise, "held": not check.broken, "broken": list(check.broken)}
            for check in checks_of(run)
        ],
        "rebase_conflicts": len(run.conflicts),
        "lost_lines": len(run.findings.lost_lines),
        "doubled_lines": len(run.findings.doubled_lines),
        "lost_updates": run.findings.updates_lost,
        "overwriting_commits": len(run.findings.overwritten),
        "found_already_pushed": run.found,
        "pushes_repeated": run.pushes_repeated,
        "figures": asdict(run.figures),
    }


def words_of(run: Run) -> list[str]:
    """The run for people."""
    return [*_verdict_words(run), "", *_figure_words(run)]


def _verdict_words(run: Run) -> list[str]:
    lines: list[str] = []
    for check in checks_of(run):
        lines.append(f"  {'held  ' if not check.broken else 'BROKEN'}  {check.promise}")
        lines += [f"            {one}" for one in check.broken[:FINDINGS_SHOWN_MAX]]
        if len(check.broken) > FINDINGS_SHOWN_MAX:
            lines.append(f"            … {len(check.broken)} in all")
    if run.guarded:
        return [*lines, "", "Every promise held." if holds(run) else "A PROMISE WAS BROKEN."]
    harm = (
        f"{len(run.conflicts)} rebase conflicts, {len(run.findings.lost_lines)} lines lost, "
        f"{run.findings.updates_lost} updates lost, {len(run.findings.overwritten)} commits that took others' lines"
    )
    if holds(run):
        return [*lines, "", f"Without locks, as expected: {harm}."]
    return [*lines, "", f"Without locks the harm was to be shown, but: {harm}; see above for the rest."]


def _figure_words(run: Run) -> list[str]:
    figures = run.figures
    rows = (
        ("makespan", f"{figures.makespan_seconds:.1f} s, first claim to last completion"),
        ("critical-path bound", f"{figures.bound_seconds:.1f} s, the larger of these two:"),
        ("  chain of needs", f"{figures.critical_path_seconds:.1f} s"),
        ("  work / workers", f"{figures.work_seconds / run.workers:.1f} s"),
        ("planner's estimate", f"{figures.estimate_seconds:.1f} s, had it known all durations and scopes before"),
        ("retries", f"{figures.retries} of {figures.attempts} attempts; {figures.sessions_lost} sessions lost"),
        ("found pushed", f"{run.found} attempts found that their killed predecessor had got through"),
        ("idle share", f"{figures.idle_percent:.1f} % of the workers' time"),
        ("ready -> assigned", f"{_quantiles(figures.assignment)} (waits for workers and locks included)"),
        ("end -> next task", f"{_quantiles(figures.handover)} for each worker"),
        ("pushes repeated", f"{run.pushes_repeated}, because another clone was first"),
    )
    return [f"{name:<20} {value}" for name, value in (*rows, *map(_crash_row, run.crashes))]


def _crash_row(crash: Crash) -> tuple[str, str]:
    lost = ", ".join(crash.lost) or "nothing"
    return f"killed {crash.worker}", f"last seen at {crash.step}; {lost} had to be taken back from it"


def _quantiles(times: Quantiles) -> str:
    return f"p50 {times.p50:.0f} ms, p95 {times.p95:.0f} ms, p99 {times.p99:.0f} ms"


def _uncompleted(run: Run) -> tuple[str, ...]:
    figures, broken = run.figures, list[str]()
    if figures.completed != run.tasks:
        broken.append(f"{figures.completed} tasks were completed")
    if figures.completed_twice:
        broken.append(f"{figures.completed_twice} tasks were completed more than once")
    return tuple(broken)


def _unkilled(run: Run) -> tuple[str, ...]:
    return () if len(run.crashes) == run.kills else (f"{len(run.crashes)} were killed",)
