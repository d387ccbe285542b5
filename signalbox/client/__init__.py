"""The Python client: one transport, requests as values, a sync and an async way to ask; standard library only."""

from signalbox.client.async_sessions import AsyncSession, AsyncWork
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.endpoint import Endpoint, find_endpoint
from signalbox.client.errors import Refused, ServerFaultError, ServerUnavailable, SignalboxError
from signalbox.client.lease import NotOurs
from signalbox.client.sessions import Session, Work
from signalbox.client.synchronous import Client
from signalbox.client.work import LocksHeld

__all__ = [
    "AsyncClient",
    "AsyncSession",
    "AsyncWork",
    "Client",
    "Endpoint",
    "LocksHeld",
    "NotOurs",
    "Refused",
    "ServerFaultError",
    "ServerUnavailable",
    "Session",
    "SignalboxError",
    "Work",
    "find_endpoint",
]
