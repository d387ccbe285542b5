"""`signalbox mcp`: the server's tools on standard input and output, for clients that start what they speak to."""

import os
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.command import command
from api.cli.mcp_shim import Shim
from api.cli.terminal import Terminal
from signalbox.client.endpoint import DATA_FOLDER, find_data_folder, find_endpoint
from signalbox.client.errors import ServerUnavailable
from signalbox.client.synchronous import headers_of
from signalbox.client.transport import HttpRequest, Transport

START_SECONDS_MAX: Final = 90.0
LOG_FILE: Final = "up.log"


def register(app: typer.Typer) -> None:
    command(app, "mcp")(mcp)


def mcp(
    terminal: Terminal,
    start: Annotated[bool, typer.Option("--start", help="Start a server here where none runs; it stays.")] = False,
) -> None:
    """Speak MCP on standard input and output. The session is that of SIGNALBOX_SESSION, where it is set."""
    if start:
        ensure_server(terminal.data)
    shim = Shim(lambda: _transport(terminal), sys.stdout.buffer, life_of_environment())
    shim.serve(sys.stdin.buffer)


def life_of_environment() -> dict[str, object]:
    """The session that whoever started the client has opened for it."""
    session, incarnation = os.environ.get("SIGNALBOX_SESSION"), os.environ.get("SIGNALBOX_INCARNATION", "")
    return {"session": session, "incarnation": int(incarnation)} if session and incarnation.isdigit() else {}


def ensure_server(data: Path | None) -> None:
    """Start a server on the data folder, unless one can be found. Raises ServerUnavailable."""
    if _is_there(data):
        return
    folder = find_data_folder(data=data) or Path.cwd() / DATA_FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOG_FILE).open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "signalbox", "up", "--data", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    ends_at = time.monotonic() + START_SECONDS_MAX
    # One of several that start at once takes the store, and the others end by themselves and find it.
    while not _is_there(folder):
        if time.monotonic() > ends_at:
            code = started.poll()
            told = "it is slow" if code is None else f"it ended with code {code}"
            raise ServerUnavailable("no_server", f"the server does not start: {told}", f"See {folder / LOG_FILE}.")
        time.sleep(0.05)


def _is_there(data: Path | None) -> bool:
    try:
        endpoint = find_endpoint(data=data)
        transport = Transport(endpoint.url, headers_of(endpoint))
        answer = transport.send(HttpRequest("GET", "/healthz"))
    except ServerUnavailable:
        return False
    transport.close()
    return answer.status == HTTPStatus.OK


def _transport(terminal: Terminal) -> Transport:
    endpoint = terminal.endpoint
    return Transport(endpoint.url, headers_of(endpoint))
