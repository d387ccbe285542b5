"""What the doctor asks of the server: whether it is there, ready, durable, and has about the same time."""

import time
from typing import Final

from api.cli.connect.finding import Finding
from api.cli.queries import CLOCKS
from api.cli.terminal import Terminal
from signalbox.client.asks import status
from signalbox.client.errors import Refused, SignalboxError
from signalbox.client.fields import integer, objects, optional_object, texts

SKEW_SECONDS_MAX: Final = 60
"""Nothing is decided by the client's clock; what it says to people is off by so much."""


def server_findings(terminal: Terminal) -> list[Finding]:
    """One line for each thing that matters; never raises."""
    try:
        endpoint = terminal.endpoint
        told = terminal.client.ask(status())
        warnings = texts(told, "warnings")
        clock = _clock(terminal)
    except SignalboxError as error:
        return [Finding(False, error.message, error.next)]
    ready = told.get("ready") is True
    found = [
        Finding(ready, f"{endpoint.url} is {'ready' if ready else 'not ready'}, version {told.get('version')}"),
        Finding(True, f"store: {told.get('store')}, which keeps what was acknowledged")
        if not warnings
        else Finding(None, f"store: {told.get('store')}"),
    ]
    mend = "see what `signalbox up` said when it started"
    return [*found, *(Finding(None, f"the server warns: {one}", mend) for one in warnings), *clock]


def _clock(terminal: Terminal) -> list[Finding]:
    """How far the clocks are apart; nothing where the key may not ask about servers."""
    try:
        page = optional_object(terminal.client.graphql(CLOCKS), "nodes")
    except Refused:
        return []
    nodes = [optional_object(edge, "node") for edge in objects(page, "edges")]
    said = [integer(now, "at") for node in nodes if (now := optional_object(node, "now"))]
    if not said:
        return []
    skew = int(abs(time.time() - max(said) / 1_000_000))
    if skew <= SKEW_SECONDS_MAX:
        return [Finding(True, "the clocks agree")]
    return [Finding(None, f"the server's clock and this one are {skew} s apart", "set the clock of this machine")]
