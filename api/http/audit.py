"""The doors of the audit ledger: checkpoints, hashes, events as they are stored, proofs, keys."""

import base64
from collections.abc import Awaitable
from dataclasses import asdict
from typing import Annotated, Final

import orjson
from pydantic import Field

from api.edge import Edge
from api.http.answers import Reply, fault_problem, json_reply, problem_reply
from api.http.body import Refused
from api.http.reading import POSITION_MAX, any_project, read_query, require
from api.http.request import Query, Request, read_wish
from api.ledger_port import LedgerPort, SignedNote
from api.ports import ServiceFault
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import ProjectId
from domain.kernel.message import Message
from domain.principal.allow import Principal, allow

EVENTS_MAX: Final = 5_000
HASH_TILES_MAX: Final = 256
CHECKPOINTS_MAX: Final = 1_000
OVERLAP_SECONDS_MAX: Final = 365 * 86_400
BODY_BYTES_MAX: Final = 4_096
POLICY_BYTES_MAX: Final = 65_536
LINES_TYPE: Final = b"application/x-ndjson"
BYTES_TYPE: Final = b"application/octet-stream"
LeftOut = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern="^(@(actor|command_id|correlation_id|causation_id|traceparent)|[^@].*)$",
        description="a field of the state; or @actor, @command_id, @correlation_id, @causation_id, @traceparent",
    ),
]
Policy = Annotated[
    dict[Annotated[str, Field(max_length=200)], Annotated[tuple[LeftOut, ...], Field(max_length=200)]],
    Field(min_length=1, max_length=1_000),
]
"""Patterns of stored names of events, and what is left out of those that fit."""


class CheckpointsQuery(Query):
    """What `GET /v1/audit/checkpoints` takes."""

    size: int = Field(default=0, ge=0, le=POSITION_MAX)
    limit: int = Field(default=100, ge=1, le=CHECKPOINTS_MAX)


class HashesQuery(Query):
    """What `GET /v1/audit/hashes` takes: numbers of tiles."""

    first: int = Field(default=0, ge=0, le=POSITION_MAX)
    count: int = Field(default=1, ge=1, le=HASH_TILES_MAX)


class StoredEventsQuery(Query):
    """What `GET /v1/audit/events` takes."""

    project: str | None = Field(default=None, max_length=200)
    after: int = Field(default=0, ge=0, le=POSITION_MAX)
    limit: int = Field(default=EVENTS_MAX, ge=1, le=EVENTS_MAX)


class KeptEventsQuery(Query):
    """What `GET /v1/audit/kept` takes."""

    after: int = Field(default=0, ge=0, le=POSITION_MAX)
    limit: int = Field(default=EVENTS_MAX, ge=1, le=EVENTS_MAX)


class LostEventsQuery(Query):
    """What `GET /v1/audit/lost` takes."""

    limit: int = Field(default=100, ge=1, le=EVENTS_MAX)


class ProofQuery(Query):
    """What `GET /v1/audit/proof` takes: a position or `stream@version`."""

    event: str = Field(max_length=100)
    size: int | None = Field(default=None, ge=1, le=POSITION_MAX)


class ConsistencyQuery(Query):
    """What `GET /v1/audit/consistency` takes: two numbers of events."""

    old: int = Field(ge=1, le=POSITION_MAX)
    new: int = Field(ge=1, le=POSITION_MAX)


class StatementWish(Message):
    """What `POST /v1/audit/statement` takes: which events will be exported."""

    first: int = Field(ge=1, le=POSITION_MAX)
    last: int = Field(ge=0, le=POSITION_MAX)
    project: str | None = Field(default=None, max_length=200)
    redaction: Policy | None = None


class RedactedWish(Message):
    """What `POST /v1/audit/redacted` takes: a page of events, and what is to be left out of them."""

    after: int = Field(ge=0, le=POSITION_MAX)
    limit: int = Field(default=EVENTS_MAX, ge=1, le=EVENTS_MAX)
    project: str | None = Field(default=None, max_length=200)
    redaction: Policy


class RotationWish(Message):
    """What `POST /v1/audit/rotate` takes."""

    overlap_seconds: int = Field(ge=0, le=OVERLAP_SECONDS_MAX)


class AuditDoors:
    """Every answer can be checked by whoever has a public key; none has to be believed."""

    def __init__(self, ledger: LedgerPort, edge: Edge) -> None:
        self._ledger = ledger
        self._edge = edge

    async def checkpoints(self, request: Request) -> Reply:
        """Signed checkpoints of at least a size, and the last one."""
        asked = read_query(CheckpointsQuery, request)
        _require_reader(request.who)
        try:
            found = await self._ledger.checkpoints(asked.size, asked.limit)
            latest = await self._ledger.latest()
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))
        return json_reply({"checkpoints": [asdict(one) for one in found], "latest": _shown(latest)})

    async def checkpoint(self, request: Request) -> Reply:
        """A checkpoint of everything in the log now."""
        await read_wish(request, Message, BODY_BYTES_MAX)
        _require_reader(request.who)
        return await _answer(self._checkpoint())

    async def keys(self, request: Request) -> Reply:
        """The ledger's public keys and their periods."""
        _require_reader(request.who)
        return await _answer(self._keys())

    async def rotate(self, request: Request) -> Reply:
        """Begin a new key."""
        wish = await read_wish(request, RotationWish, BODY_BYTES_MAX)
        require(allow(request.who, "rotate_ledger_key", None))
        return await _answer(self._rotated(wish.overlap_seconds))

    async def hashes(self, request: Request) -> Reply:
        """Leaf hashes, 32 bytes each, of so many tiles of 256; the last may be shorter."""
        asked = read_query(HashesQuery, request)
        _require_reader(request.who)
        try:
            return Reply(200, await self._ledger.hashes(asked.first, asked.count), BYTES_TYPE)
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))

    async def events(self, request: Request) -> Reply:
        """Events as lines of JSON, as in a bundle, and a last line with the position up to which was looked."""
        asked = read_query(StoredEventsQuery, request)
        project = await self._project(request.who, asked.project)
        return await _lines(self._ledger.rows(asked.after, asked.limit, project))

    async def kept(self, request: Request) -> Reply:
        """The same of what the database itself keeps: of archived ranges the last events of their streams, and
        everything behind."""
        asked = read_query(KeptEventsQuery, request)
        await self._project(request.who, None)
        return await _lines(self._ledger.kept(asked.after, asked.limit))

    async def lost(self, request: Request) -> Reply:
        """Last events of archived streams that the database should keep and does not."""
        asked = read_query(LostEventsQuery, request)
        await self._project(request.who, None)
        return await _answer(self._lost(asked.limit))

    async def redacted(self, request: Request) -> Reply:
        """What a policy leaves of events, as lines of JSON, and a last line with the position reached and a signed
        note of what stands there."""
        wish = await read_wish(request, RedactedWish, POLICY_BYTES_MAX)
        project = await self._project(request.who, wish.project)
        try:
            lines, position, note = await self._ledger.redacted(
                wish.after, wish.limit, project, wish.redaction, request.who.id
            )
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))
        end = orjson.dumps({"position": position, "note": note}, option=orjson.OPT_APPEND_NEWLINE)
        return Reply(200, lines + end, LINES_TYPE)

    async def proof(self, request: Request) -> Reply:
        """The audit path of an event."""
        asked = read_query(ProofQuery, request)
        _require_reader(request.who)
        return await _answer(self._proof(request.who, asked))

    async def consistency(self, request: Request) -> Reply:
        """That the log of ``old`` events is the beginning of that of ``new``."""
        asked = read_query(ConsistencyQuery, request)
        _require_reader(request.who)
        return await _answer(self._consistency(asked))

    async def statement(self, request: Request) -> Reply:
        """A signed note that these events were asked for."""
        wish = await read_wish(request, StatementWish, POLICY_BYTES_MAX)
        project = await self._project(request.who, wish.project)
        return await _answer(self._statement(wish, project, request.who))

    async def _checkpoint(self) -> object:
        return {"checkpoint": _shown(await self._ledger.checkpoint())}

    async def _keys(self) -> object:
        return {"keys": [asdict(one) for one in await self._ledger.keys()]}

    async def _lost(self, limit: int) -> object:
        return {"lost": [asdict(one) for one in await self._ledger.lost(limit)]}

    async def _rotated(self, overlap_seconds: int) -> object:
        return {"keys": [asdict(one) for one in await self._ledger.rotate(overlap_seconds)]}

    async def _proof(self, who: Principal, asked: ProofQuery) -> object:
        absent = Refused(UnknownThing(kind="event", name=asked.event))
        row = await self._ledger.find(asked.event)
        # A bare position tells nothing that the hashes do not; the name of a stream would.
        named = "@" in asked.event[1:] and who.projects is not None
        if row is None or (named and row.project not in (who.projects or ())):
            raise absent
        found = await self._ledger.inclusion(row, asked.size)
        if found is None:
            raise Refused(UnknownThing(kind="checkpoint", name=str(asked.size or 0)))
        return {
            "position": row.position,
            "leaf": _text(found.leaf),
            "path": [_text(one) for one in found.path],
            "checkpoint": _shown(found.checkpoint),
        }

    async def _consistency(self, asked: ConsistencyQuery) -> object:
        found = await self._ledger.consistency(asked.old, asked.new)
        if found is None:
            raise Refused(UnknownThing(kind="tree of the sizes", name=f"{asked.old} and {asked.new}"))
        return {
            "old": found.old,
            "new": found.new,
            "old_root": _text(found.old_root),
            "new_root": _text(found.new_root),
            "path": [_text(one) for one in found.path],
        }

    async def _statement(self, wish: StatementWish, project: ProjectId | None, who: Principal) -> object:
        note = await self._ledger.statement(wish.first, wish.last, project, wish.redaction, who.id)
        return {"note": note, "project": project}

    async def _project(self, who: Principal, name: str | None) -> ProjectId | None:
        project = None if name is None else await self._edge.visible(who, name)
        if isinstance(project, UnknownThing):
            raise Refused(project)
        require(allow(who, "read.ledger", project))
        require(allow(who, "read.events", project, own=False))
        return project


def _require_reader(who: Principal) -> None:
    """What tells nothing of any event is read under whichever project one sees. Raises Refused."""
    require(allow(who, "read.ledger", any_project(who)))


async def _lines(page: Awaitable[tuple[bytes, int]]) -> Reply:
    try:
        lines, position = await page
    except ServiceFault as fault:
        return problem_reply(fault_problem(fault))
    return Reply(200, lines + orjson.dumps({"position": position}, option=orjson.OPT_APPEND_NEWLINE), LINES_TYPE)


async def _answer(work: Awaitable[object]) -> Reply:
    try:
        return json_reply(await work)
    except ServiceFault as fault:
        return problem_reply(fault_problem(fault))


def _shown(checkpoint: SignedNote | None) -> dict[str, object] | None:
    return None if checkpoint is None else asdict(checkpoint)


def _text(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode()
