"""Options that commands on locks share."""

from typing import Annotated

import typer

Session = Annotated[str, typer.Option("--session", envvar="SIGNALBOX_SESSION", help="Id of the session that holds.")]
Incarnation = Annotated[
    int, typer.Option("--incarnation", envvar="SIGNALBOX_INCARNATION", min=1, help="Which of its lives.")
]
Token = Annotated[str, typer.Argument(help="Token under which the locks were granted.")]
