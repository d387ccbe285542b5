"""A log that was put back to an earlier state: nobody goes on with it unasked, and tokens are handed out once."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from api.cli.exits import Exit
from api.composition.keys_lost import CannotDeclareError
from api.composition.restored import LogCutOffError
from tests.support.command_line import CommandLine
from tests.support.waiting import SECONDS_MAX, happens, soon
from tests.support.whole_server import Caller, WholeServer, whole_server

ERA = 1 << 40
LOCKS = "{ locks(first: 20) { edges { node { token } } } }"
LOG, ROWS = "signalbox.db", "rows.db"


async def opened(owner: Caller) -> str:
    """A session."""
    made = await owner.done("open_session", projects=["shop"], tool="human", ttl_seconds=600)
    return str(made["session"])


async def locked(owner: Caller, session: str, what: str) -> int:
    """The token of a lock."""
    return int((await owner.done("acquire_locks", **asked(session, what)))["token"])


def asked(session: str, what: str) -> dict[str, Any]:
    """What takes a lock."""
    return {"project": "shop", "session": session, "incarnation": 1, "claims": [{"claim": what}]}


async def lived(folder: Path, store: str) -> tuple[str, int]:
    """A first life of a store, up to where a copy of it is taken: a session, and its token."""
    async with whole_server(folder, store) as server:
        await server.owner.done("create_project", name="shop")
        session, given = await opened(server.owner), await opened(server.owner)
        passed_on = {"token": str(await locked(server.owner, session, "env:given")), "receiver": given}
        await server.owner.done("transfer_locks", project="shop", session=session, incarnation=1, **passed_on)
        return session, await locked(server.owner, session, "env:one")


async def gone_on(folder: Path, store: str, session: str) -> int:
    """What happens behind the copy: a further token is out in the world."""
    async with whole_server(folder, store) as server:
        token = await locked(server.owner, session, "env:two")
        await opened(server.owner)
        assert await server.services.ledger.checkpoint() is not None
        await server.in_order()
        return token


async def test_a_file_that_lost_its_end_is_not_gone_on_with_unasked_and_begins_new_tokens_where_one_asks(
    tmp_path: Path,
) -> None:
    data = tmp_path / ".signalbox"
    session, first = await lived(data, "sqlite")
    shutil.copy(data / LOG, tmp_path / "copy")
    lost = await gone_on(data, "sqlite", session)
    shutil.copy(tmp_path / "copy", data / LOG)
    with pytest.raises(LogCutOffError, match="the read models beside it went up to"):
        await begin(data)
    told = CommandLine(tmp_path)("up", "--bind", "127.0.0.1:0", code=Exit.REFUSED).err
    assert "what was acknowledged between is gone" in told
    assert "--restored" in told
    (data / ROWS).unlink()
    with pytest.raises(LogCutOffError, match="the ledger beside it went up to"):
        await begin(data)

    async with whole_server(data, "sqlite", restored=True) as server:
        assert "tokens are of era " in str(server.services.health.health().warnings)
        again = await owns_nothing(server.owner, session)
        assert first < lost < 2 * ERA < again
        found = await asked_of(server)
        assert found == [str(again)], "read models are those of this log"
    async with whole_server(data, "sqlite") as server:
        warnings = server.services.health.health().warnings
        assert all(one.startswith("ledger: LedgerAheadOfLog") for one in warnings), warnings
        assert (await server.owner.command("acquire_locks", asked(await opened(server.owner), "env:two"))).code
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    for name in ("ledger.db", "ledger-keys", "checkpoints"):
        (data / name).rename(evidence / name)
    async with whole_server(data, "sqlite") as server:
        begun = await server.services.ledger.checkpoint()
        assert begun is not None
        assert begun.size == server.head
        assert server.services.health.health().warnings == ()
        assert await locked(server.owner, await opened(server.owner), "env:four") == again + 1
    shutil.copy(tmp_path / "copy", data / LOG)
    async with whole_server(data, "sqlite", restored=True) as server:
        once_more = await locked(server.owner, await opened(server.owner), "env:two")
        assert once_more // ERA > again // ERA, "the same copy knows nothing of the era that began behind it"
    told = CommandLine(tmp_path)("replay", "redecide", "--json").json
    assert told["different"] == 0, "each command is decided in the era that it was asked in"


async def begin(data: Path) -> None:
    async with whole_server(data, "sqlite"):
        raise AssertionError("it began")


async def owns_nothing(owner: Caller, former: str) -> int:
    """The token of somebody who begins anew where the copy knew another to hold what he takes."""
    assert (await owner.command("acquire_locks", asked(former, "env:three"))).code == "session_has_ended"
    return await locked(owner, await opened(owner), "env:two")


async def has_joined(server: WholeServer) -> None:
    """The others see it."""
    while True:
        if await server.services.health.told():
            return
        await asyncio.sleep(0.02)


async def asked_of(server: WholeServer) -> list[Any]:
    """Tokens of what is locked, as the read models have it once they are level."""
    await happens(lambda: server.services.health.health().projected >= server.head)
    found = await server.owner.ask(LOCKS)
    return [edge["node"]["token"] for edge in found["data"]["locks"]["edges"]]


async def test_a_database_that_was_put_back_begins_new_tokens_where_no_server_has_it_open(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither lost nor without a goodbye, however busy the machine is.
    monkeypatch.setattr("infrastructure.runtime.presence.LEASE_SECONDS", 60)
    monkeypatch.setattr("infrastructure.runtime.presence.GOODBYE_SECONDS_MAX", SECONDS_MAX)
    session, first = await lived(tmp_path, postgres_url)
    async with whole_server(tmp_path, postgres_url) as server:
        server.services.health.announce("http://127.0.0.1:9")
        await soon(has_joined(server))
        with pytest.raises(CannotDeclareError, match="has the database open"):
            async with whole_server(tmp_path / "other", postgres_url, restored=True):
                raise AssertionError("it began beside another, which hands out tokens of the former era")
    async with whole_server(tmp_path, postgres_url, restored=True) as server:
        assert first < 2 * ERA < await owns_nothing(server.owner, session)
