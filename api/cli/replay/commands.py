"""`signalbox replay VERB`: the verbs of looking at the past."""

import typer

from api.cli.command import SERVER, command, group
from api.cli.replay import again, comparing, exported, log_verb, scratch, streams, why_verb


def register(app: typer.Typer) -> None:
    verbs = group("The past: what happened, how things stood, and why. Never writes the log.")
    command(verbs, "log", without=SERVER)(log_verb.log)
    command(verbs, "show", without=SERVER)(streams.show)
    command(verbs, "diff", without=SERVER)(comparing.diff)
    command(verbs, "step", without=SERVER)(streams.step)
    command(verbs, "bisect", without=SERVER)(comparing.bisect)
    command(verbs, "blame", without=SERVER)(streams.blame)
    command(verbs, "why", without=SERVER)(why_verb.why)
    command(verbs, "run", without=SERVER)(scratch.run)
    command(verbs, "fork", without=SERVER)(scratch.fork)
    command(verbs, "export", without=(*SERVER, "data_folder"))(exported.replay_export)
    command(verbs, "redecide", without=SERVER)(again.redecide)
    command(verbs, "explain-refusal", without=SERVER)(again.explain_refusal)
    app.add_typer(verbs, name="replay")
