"""What the doctor asks of the server: whether it is there, ready, durable, and has about the same time."""

from api.cli.connect.finding import Finding
from api.cli.terminal import Terminal
from signalbox.client.asks import status
from signalbox.client.errors import SignalboxError
from signalbox.client.fields import texts


def server_findings(terminal: Terminal) -> list[Finding]:
    """One line for each thing that matters; never raises."""
    try:
        endpoint = terminal.endpoint
        told = terminal.client.ask(status())
        warnings = texts(told, "warnings")
    except SignalboxError as error:
        return [Finding(False, error.message, error.next)]
    ready = told.get("ready") is True
    found = [
        Finding(ready, f"{endpoint.url} is {'ready' if ready else 'not ready'}, version {told.get('version')}"),
        Finding(True, f"store: {told.get('store')}"),
    ]
    mend = "see what `signalbox up` said when it started"
    found += [Finding(None, f"the server warns: {one}", mend) for one in warnings]
    return found
