"""The verbs of `signalbox run` and where each is."""

import typer

from api.cli.command import SERVER, command, group
from api.cli.explain_commands import explain_run
from api.cli.run import asking, budget, exporting, migrating, past, remarking, showing, starting, watching


def register(app: typer.Typer) -> None:
    nouns = group("Runs of pipelines: start, show, watch, pause, cancel.")
    command(nouns, "start")(starting.start)
    command(nouns, "list")(showing.list_runs)
    command(nouns, "show")(showing.show)
    command(nouns, "graph")(showing.graph)
    command(nouns, "watch")(watching.watch)
    command(nouns, "events")(past.list_events)
    command(nouns, "timeline")(past.timeline)
    command(nouns, "at")(past.at)
    command(nouns, "diff")(past.diff)
    command(nouns, "export")(exporting.export)
    command(nouns, "import", without=(*SERVER, "data_folder"))(exporting.import_run)
    command(nouns, "explain")(explain_run)
    command(nouns, "pause")(asking.pause)
    command(nouns, "resume")(asking.resume)
    command(nouns, "cancel")(asking.cancel)
    command(nouns, "skip")(asking.skip)
    command(nouns, "resolve")(asking.resolve)
    command(nouns, "signal")(asking.signal)
    command(nouns, "retry")(asking.retry)
    command(nouns, "rework")(asking.rework)
    command(nouns, "fork")(asking.fork)
    command(nouns, "migrate")(migrating.migrate)
    command(nouns, "budget")(budget.adjust)
    command(nouns, "cost")(budget.cost)
    command(nouns, "rollback")(asking.rollback)
    command(nouns, "resolve-undo")(asking.resolve_undo)
    command(nouns, "annotate")(remarking.annotate)
    app.add_typer(nouns, name="run")
