"""`signalbox completion`: a script for the shell that completes commands, options, and names of projects."""

import os
from typing import Annotated, Final, Literal

import typer

PATIENCE_SECONDS: Final = 0.5
"""How long the server may take; a shell that hangs is worse than one that knows no names."""
NAMES_MAX: Final = 200


def register(app: typer.Typer) -> None:
    app.command("completion")(completion)


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="The shell to complete in.")],
) -> None:
    """Print the script that completes `signalbox`. For bash: eval "$(signalbox completion bash)"."""
    from api.cli.main import COMPLETE_VARIABLE, application

    os.environ[COMPLETE_VARIABLE] = f"source_{shell}"
    application()(prog_name="signalbox")


def project_names(context: typer.Context, incomplete: str) -> list[str]:
    """Names of projects that begin so; none where the server is away or the key opens nothing."""
    from api.cli.queries import PROJECTS
    from api.cli.reading import listing
    from signalbox.client.endpoint import find_endpoint
    from signalbox.client.errors import SignalboxError
    from signalbox.client.synchronous import Client

    given = context.params
    try:
        endpoint = find_endpoint(url=given.get("server_url"), key=given.get("api_key"), data=given.get("data_folder"))
        client = Client(endpoint, patience_seconds=PATIENCE_SECONDS)
        try:
            names = [str(row.get("name")) for row in listing(client, PROJECTS, {}, NAMES_MAX).rows]
        finally:
            client.close()
    except SignalboxError:
        return []
    return [name for name in names if name.startswith(incomplete)]
