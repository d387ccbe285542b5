"""Resources that somebody listens to: one long request, and a word for each that reads otherwise than before.

Nothing is remembered beyond the request, and nothing is replayed: whoever listens again reads again.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from hashlib import blake2b
from time import monotonic
from typing import Any, Final, TypeVar

import orjson
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY, ResourceUpdated, event_to_notification
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)

from api.mcp.answers import Fields
from api.mcp.caller import PrincipalOf, caller_of
from api.mcp.service import ToolService
from domain.principal.allow import Principal

LISTENED_MAX: Final = 8
"""Resources of one stream."""
STREAMS_MAX: Final = 64
STREAMS_OF_ONE_MAX: Final = 8
PAUSE_SECONDS: Final = 1.0
"""Between two looks of one stream: what changes more often is told once."""
LOOK_SECONDS: Final = 10.0
"""So soon a stream ends whose key was revoked."""
STREAM_SECONDS_MAX: Final = 3_600.0
Context = ServerRequestContext[Any, Any]
T = TypeVar("T")


class Listening:
    """Serves ``subscriptions/listen`` for resources; of other kinds of change there are none."""

    def __init__(self, tools: ToolService, principal_of: PrincipalOf) -> None:
        self._tools = tools
        self._principal_of = principal_of
        self._streams: Counter[str] = Counter()

    async def __call__(self, context: Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        if context.request_id is None:
            raise MCPError(INVALID_REQUEST, "to listen is a request, which has an id")
        principal = caller_of(context, self._principal_of)
        uris = tuple(dict.fromkeys(params.notifications.resource_subscriptions or ()))
        if len(uris) > LISTENED_MAX:
            raise MCPError(INVALID_PARAMS, f"one stream listens to {LISTENED_MAX} resources at most; open another one")
        if self._streams.total() >= STREAMS_MAX or self._streams[principal.id] >= STREAMS_OF_ONE_MAX:
            raise MCPError(INTERNAL_ERROR, "too many listen already; end a stream, or read the resource now and then")
        self._streams[principal.id] += 1
        try:
            return await self._served(context, principal, uris)
        finally:
            self._streams[principal.id] -= 1

    async def _served(self, context: Context, principal: Principal, uris: tuple[str, ...]) -> SubscriptionsListenResult:
        events = self._tools.services.events
        meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: context.request_id}
        position, ends_at = events.head(), monotonic() + STREAM_SECONDS_MAX
        seen = {uri: await self._first(uri, principal) for uri in uris}
        honoured = SubscriptionFilter(resource_subscriptions=list(uris) or None)
        told = SubscriptionsAcknowledgedNotificationParams.model_validate({"notifications": honoured, "_meta": meta})
        await context.session.send_notification(
            SubscriptionsAcknowledgedNotification(params=told), related_request_id=context.request_id
        )
        while monotonic() < ends_at:
            reached = await self._unless_stopped(events.wait_beyond(position, LOOK_SECONDS))
            if reached is None or self._caller(context) is None:
                break
            if reached <= position:
                continue
            position = reached
            for uri in uris:
                done, answer = await self._tools.read(uri, principal)
                # Where it may not be read any more there is nothing to hear of it either.
                if done and (digest := _digest(answer)) != seen[uri]:
                    seen[uri] = digest
                    word = event_to_notification(ResourceUpdated(uri=uri), meta)
                    await context.session.send_notification(word, related_request_id=context.request_id)
            await self._unless_stopped(asyncio.sleep(PAUSE_SECONDS))
        return SubscriptionsListenResult.model_validate({"_meta": meta})

    async def _first(self, uri: str, principal: Principal) -> bytes:
        done, answer = await self._tools.read(uri, principal)
        if not done:
            raise MCPError(INVALID_PARAMS, f"{uri[:200]}: {answer['why']} {answer['next']}", answer)
        return _digest(answer)

    def _caller(self, context: Context) -> Principal | None:
        try:
            return caller_of(context, self._principal_of)
        except LookupError:
            return None

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What comes of it; None where the server goes down first."""
        task = asyncio.ensure_future(work)
        watch = asyncio.ensure_future(self._tools.stopping.wait())
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() and not self._tools.stopping.is_set() else None
        finally:
            task.cancel()
            watch.cancel()


def _digest(answer: Fields) -> bytes:
    return blake2b(orjson.dumps(answer, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
