"""The Python client: one transport, requests as values, a sync and an async way to ask; standard library only."""

from signalbox.client.asynchronous import AsyncClient
from signalbox.client.endpoint import Endpoint, find_endpoint
from signalbox.client.errors import Refused, ServerFaultError, ServerUnavailable, SignalboxError
from signalbox.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "Client",
    "Endpoint",
    "Refused",
    "ServerFaultError",
    "ServerUnavailable",
    "SignalboxError",
    "find_endpoint",
]
