"""Why a run, or one phase of it, is where it is: what it waits for, and what would make it go on."""

from collections.abc import Iterator
from typing import Final

from domain.dispatch.explain_pause import paused
from domain.dispatch.explain_phase import TellTask, explain_phase
from domain.dispatch.explanation import Explanation, Reason, explained
from domain.dispatch.run_turns import told
from domain.kernel.decider import View
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, ProjectId, StreamId, is_type_id
from domain.run.evolve import RUN
from domain.run.fork import outdated
from domain.run.loops import graph_now
from domain.run.state import SETTLED, TERMINAL, Effect, Run
from domain.run.undo_order import due_undos
from domain.turn.decider import LINE, line_of

TOLD_MAX: Final = 10
"""Phases of one reason."""
SOURCES_MAX: Final = 16
"""Runs that are looked at one behind the other: forks of forks."""


def explain_run(
    name: str, place: str, project: ProjectId, now: Instant, view: View, tell_task: TellTask
) -> Explanation | UnknownThing:
    """The run of an id, or one place in it, why it does not go on, and what would make it.

    ``tell_task`` explains a task by its id: work is explained as its task is.
    """
    run = view.read(RUN, StreamId(name)) if is_type_id(name, RUN.prefix) else RUN.initial
    if not isinstance(run, Run) or run.queued.project != project:
        return UnknownThing(kind="run", name=name)
    known = [one for key in graph_now(run).order if "/" not in key for one in run.places(key)]
    if place and place not in known:
        return UnknownThing(kind="phase", name=place)
    blocked, noted = list(_of_run(run, now, view)), list(_noted(run, view))
    for one in [place] if place else _open(run, known):
        stands, told = explain_phase(run, one, now, view, tell_task)
        blocked += stands
        noted += told
    return explained(
        "run",
        name,
        project=project,
        name=f"{run.queued.pipeline}{f', {place}' if place else ''}",
        status=run.phase(place).status if place else run.status,
        blocked=blocked,
        noted=noted,
    )


def _open(run: Run, known: list[str]) -> list[str]:
    """What has begun and not settled; what only comes after others goes on with them."""
    if run.status not in ("running", "paused", "cancelling"):
        return []
    return [one for one in known if run.phase(one).status not in SETTLED and run.phase(one).status != "pending"]


def _of_run(run: Run, now: Instant, view: View) -> Iterator[Reason]:
    if run.status == "queued" and run.queued.start_at > now:
        words, unblock = "it must not begin before its time", "Time; it begins by itself."
        yield Reason(code="not_before", words=words, unblock=unblock, until=run.queued.start_at)
    elif run.status == "queued":
        yield from _in_line(run, view)
    if run.status == "paused":
        yield paused(run, now, view)
    if run.held and run.status not in TERMINAL:
        words = f"its effects are not taken back by itself: {', '.join(run.held)} was passed"
        yield Reason(code="held", words=words, unblock="Force the rollback with a reason, or cancel the run.")
    if run.status == "compensating":
        yield from _taking_back(run)


def _in_line(run: Run, view: View) -> Iterator[Reason]:
    """Who has the places that it waits for, and how many are before it."""
    wanted = run.queued.concurrency
    if wanted is None:
        return
    line = view.read(LINE, line_of(run.queued.project, wanted.key))
    ahead = next((index for index, one in enumerate(line.waiting) if one.run == run.queued.run), None)
    if ahead is None:
        return
    places = line.in_order()
    words = (
        f"it waits for its turn: under the key {wanted.key} there may be {wanted.limit} at a time, which now are"
        f" {told(line)}; {ahead} wait before it"
    )
    yield Reason(
        code="turn",
        words=words,
        unblock="It starts by itself once one of them has ended and its turn has come.",
        about=places[0] if places else run.queued.run,
        data={"key": wanted.key, "limit": wanted.limit, "holders": places[:16], "ahead": ahead},
    )


def _taking_back(run: Run) -> Iterator[Reason]:
    """The effects whose turn it is; those behind them wait for that."""
    for entry in (run.ledger[key] for key in run.owed if key in run.ledger):
        if entry.undo == "failed" and not run.queued.definition.best_effort:
            words = f"taking back {entry.place} has failed, and nothing further is taken back"
            unblock = "Try it once more, or say that it is done or left: `signalbox run resolve-undo`."
            yield Reason(code="undo_failed", words=words, unblock=unblock, about=entry.place)
        elif entry.undo == "undoing":
            yield _undoing(entry)
    if due_undos(run):
        yield Reason(code="undo_due", words="the next effect is due", unblock="It is taken back by itself.")


def _undoing(entry: Effect) -> Reason:
    how = "another run" if entry.is_run else "its undo task"
    words, unblock = f"{entry.place} is taken back by {how}", f"That {how} has to end; explain it for more."
    return Reason(code="undoing", words=words, unblock=unblock, about=entry.undo_task)


def _noted(run: Run, view: View) -> Iterator[Reason]:
    if run.status == "cancelling":
        words = f"it ends as soon as nobody works for it any more: {run.cancel_reason}"
        yield Reason(code="cancelling", words=words, unblock="The attempts end, or their grace is over.")
    if run.rolled_back_by:
        words = f"run {run.rolled_back_by} takes back what it did, or has"
        yield Reason(
            code="rolled_back", words=words, unblock="Nothing; it keeps its outcome.", about=run.rolled_back_by
        )
    yield from _moved_on(run, view)
    if run.status in TERMINAL:
        because = f" because of {', '.join(run.because)}" if run.because else ""
        unblock = "Nothing; it is over." if run.status == "succeeded" else "Rework what failed: `signalbox run rework`."
        yield Reason(code="settled", words=f"it has {run.status}{because}", unblock=unblock)


def _moved_on(run: Run, view: View) -> Iterator[Reason]:
    """What was taken over and is not so any more where it was done."""
    by_source: dict[str, list[str]] = {}
    for place, source in sorted(_outdated(run, view, SOURCES_MAX).items()):
        by_source.setdefault(source, []).append(place)
    for source, places in sorted(by_source.items()):
        some = f"{', '.join(places[:TOLD_MAX])}{' and others' if len(places) > TOLD_MAX else ''}"
        words = f"it took over {some}, which run {source} has taken back or done anew since"
        unblock = "Nothing by itself; fork once more where it should not count on that."
        yield Reason(code="source_moved_on", words=words, unblock=unblock, about=source)


def _outdated(run: Run, view: View, depth: int) -> dict[str, str]:
    """By place that was taken over and holds no longer, the run that did it."""
    source = view.read(RUN, StreamId(run.queued.forked_from)) if run.queued.forked_from and depth else None
    if not isinstance(source, Run):
        return {}
    found = dict.fromkeys(outdated(run, source), source.queued.run)
    above = {place: by for place, by in _outdated(source, view, depth - 1).items() if run.phase(place).adopted_from}
    return above | found
