"""A log that ends before what was recorded of it: it is not gone on with unasked, and begins anew where one asks."""

import asyncio
from contextlib import closing
from typing import Final

import structlog

from api.composition.keys_lost import refuse_living
from api.composition.ledger import open_ledger
from api.composition.stores import ROWS_FILE
from domain.kernel.ids import FLEET, SECOND, Instant, PrincipalId, StreamId, command_id_of, prefix
from domain.kernel.message import Stamp
from domain.node.decider import NODE
from domain.session.commands import EndSession
from domain.session.decider import POLICY_PREFIX
from infrastructure.local import UnsafeDataFolderError, kept_text, replace_text
from infrastructure.log.port import Log
from infrastructure.rows.port import RowStore
from infrastructure.runtime.node import Node
from infrastructure.settings import Settings
from projections.catalogue import PROJECTIONS

POLICY: Final = "log_restored"
ERA_FILE: Final = "era"
"""The last era that began here: a copy that is put back a second time knows nothing of the one that the first began."""
_DAY: Final = 86_400 * SECOND
_DAYS_TO_2026: Final = 20_454
_ERA_OF_A_DAY_MAX: Final = 8_000
"""Until 2047, and however wrong a clock is, tokens can be written as numbers of a browser."""
_logger = structlog.get_logger("signalbox.server")


class LogCutOffError(Exception):
    """Fault: what stands behind the end of the log was recorded, so it was acknowledged, and is gone."""

    def __init__(self, head: int, recorded: int, where: str) -> None:
        known = f"the log ends at @{head}, and the {where} beside it went up to @{recorded}"
        super().__init__(f"{known}: what was acknowledged between is gone")


def begin_era(log: Log, settings: Settings) -> tuple[str, ...]:
    """Tokens of the next era from now on, where the settings say that the log is an earlier copy; answers warnings.

    Read models in a file of their own are folded anew: they may know what the log does not. Killed on the way it may be
    asked again. Raises CannotDeclareError, UnsafeDataFolderError, StoreUnavailable, OutcomeUnknown.
    """
    if not settings.restored:
        return ()
    refuse_living(log, settings)
    era = _begun(log, settings)
    if settings.store_kind == "sqlite":
        rows = settings.sqlite_file.with_name(ROWS_FILE)
        for file in (rows, *(rows.with_name(rows.name + ending) for ending in ("-wal", "-shm"))):
            file.unlink(missing_ok=True)
    told = f"the log was put back: tokens are of era {era}, and all sessions ended; do not say so at the next start"
    _logger.warning("a new era of the log begins", era=era, head=log.head())
    return (told,)


def _begun(log: Log, settings: Settings) -> int:
    """Later than all before it: by the log, by the data folder, and, where that was put back as well, by the day."""
    file = settings.data / ERA_FILE
    kept = kept_text(file, lambda: str(log.era))
    if not kept.isdecimal():
        raise UnsafeDataFolderError(f"{file} holds no number of an era; restore it, or remove it")
    day = min(log.now() // _DAY - _DAYS_TO_2026, _ERA_OF_A_DAY_MAX)
    era = max(log.era + 1, int(kept) + 1, day)
    # Before the log has it: an era that is skipped harms nothing, one that is handed out twice does.
    replace_text(file, str(era))
    return log.begin_era(era)


def refuse_cut_off(log: Log, rows: RowStore, settings: Settings) -> None:
    """Raises LogCutOffError where the file of the read models, or in the first era of the ledger, knows more events
    than there are. In a later era a ledger that is ahead was spoken of before: it stands still, and tells so.

    What lies in one database of PostgreSQL is of one moment.
    """
    if settings.store_kind != "sqlite":
        return
    head = log.head()
    known = max((one.checkpoint for projection in PROJECTIONS for one in rows.generations(projection)), default=0)
    with closing(open_ledger(settings)) as ledger:
        signed = ledger.size() if log.era == 1 else 0
    if max(known, signed) > head:
        rows.close()
        raise LogCutOffError(head, max(known, signed), "read models" if known >= signed else "ledger")


async def end_sessions(node: Node, settings: Settings) -> None:
    """What an earlier copy takes for living went on with what the copy knows nothing of: let everybody begin anew."""
    if not settings.restored:
        return
    for lease in await asyncio.to_thread(node.log.leases):
        if lease.ended or prefix(lease.session) == NODE.prefix:
            continue
        command_id = command_id_of(POLICY, lease.session, node.log.era, lease.session)
        stamp = Stamp(
            command_id=command_id,
            project=FLEET,
            principal=PrincipalId(f"{POLICY_PREFIX}{POLICY}"),
            time=Instant(node.log.now()),
            correlation_id=command_id,
        )
        command = EndSession(session=StreamId(lease.session), incarnation=lease.incarnation)
        outcome = await node.committer.execute(command, stamp)
        if not outcome.ok:
            _logger.warning("a session did not end", session=lease.session, outcome=outcome.text.decode())
