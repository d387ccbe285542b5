"""Declares that the keys of what was said are lost for good, beside a log that no server has open."""

import secrets
from contextlib import closing
from typing import Final, NamedTuple

from api.composition.archive import shelf_of
from api.composition.erasure import open_seeds, taken_over
from api.composition.stores import open_log
from domain.catalogue import AGGREGATES, REGISTRY, SEALINGS, rules
from domain.dispatch.ready import ReadyIndex
from domain.kernel.decider import StreamsMissing
from domain.kernel.ids import FLEET, SECOND, Instant, command_id_of, is_type_id
from domain.kernel.message import Stamp
from domain.node.commands import DeclareKeysLost
from domain.node.decider import NODE, SUBJECT_KEYS
from domain.node.state import KEYS_STREAM
from domain.principal.allow import Principal
from infrastructure.archive.reading import archived_log
from infrastructure.erasure.belonging import ForeignKeysError, bind, check_belonging, mark_of
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import SubjectKeys
from infrastructure.erasure.lost import losses, lost_through
from infrastructure.erasure.memory import MemorySeeds
from infrastructure.erasure.port import SeedStore
from infrastructure.erasure.seed_tree import SEED_BYTES
from infrastructure.keys import Keys, key_of
from infrastructure.local import KEY_FILE, local_key, server_secret
from infrastructure.log.mapper import recorded
from infrastructure.log.port import Appended, Log
from infrastructure.runtime.group import Group, GroupDecider, Pending
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import body_of
from infrastructure.runtime.view import GroupView
from infrastructure.settings import Settings

LOADS_MAX: Final = 8
"""Times that the decision may ask for further states: it reads one."""


class CannotDeclareError(Exception):
    """Nothing was declared; the message says why, ``advice`` what to do."""

    def __init__(self, code: str, message: str, advice: str) -> None:
        super().__init__(message)
        self.code: Final = code
        self.advice: Final = advice


class KeysLost(NamedTuple):
    """What was declared."""

    position: int
    """Of the event."""
    through: int
    """Position up to which words read as erased from now on."""
    lost: str
    new: str


def declare(settings: Settings, reason: str) -> KeysLost:
    """Say that the keys are lost, and give the log others. Killed at any step it may be asked again.

    Raises CannotDeclareError, StoreInUse, StoreUnavailable, EventsArchived.
    """
    _refuse_nothing(settings)
    with closing(archived_log(open_log(settings), shelf_of(settings))) as log, closing(open_seeds(settings)) as seeds:
        by = _administrator(log, settings)
        refuse_living(log, settings)
        # Read before the keys are looked for: whoever gives the log others meanwhile seals behind it.
        before = log.head()
        if seeds.seed("") is not None or seeds.destroyed():
            return _gone_on_with(log, seeds)
        _refuse_needless(log, seeds)
        lost, root, planned = log.keys_mark(), secrets.token_bytes(SEED_BYTES), MemorySeeds()
        planned.begin(root)
        keys = SubjectKeys(planned)
        command = DeclareKeysLost(lost=lost, new=mark_of(keys), through=before, reason=reason)
        position = _appended(log, command, by)
        # What is said and never planted harms nothing: it counts only once the log goes by other keys.
        seeds.begin(root)
        if seeds.seed("") != root:
            raise _beaten()
        bind(log, keys, instead_of=lost)
        return KeysLost(position, before, lost, command.new)


def _refuse_nothing(settings: Settings) -> None:
    """Opening a store makes one where there is none, and asking for a key makes that."""
    if settings.store_kind == "memory" or (settings.store_kind == "sqlite" and not settings.sqlite_file.is_file()):
        raise CannotDeclareError("no_log", f"there is no log in {settings.data}", "Name its data folder with --data.")
    if not (settings.data / KEY_FILE).is_file():
        raise _not_permitted(settings)


def _gone_on_with(log: Log, seeds: SeedStore) -> KeysLost:
    """What was declared and not carried out, where the keys that are there are those that were declared."""
    last = next(iter(reversed(losses(log))), None)
    bound = log.keys_mark()
    if last is not None and last.lost == bound and taken_over(log, seeds) == last.new:
        return KeysLost(last.position, last.through, last.lost, last.new)
    if not bound or mark_of(SubjectKeys(seeds)) == bound:
        raise CannotDeclareError("keys_there", "the keys of the log are there", "Start the server; nothing is lost.")
    advice = "Put them aside, if those of this log are gone for good, and ask again."
    raise CannotDeclareError("keys_foreign", "keys of another log lie in the place of the lost ones", advice)


def _refuse_needless(log: Log, seeds: SeedStore) -> None:
    keys = SubjectKeys(seeds)
    try:
        through = lost_through(log, log.keys_mark())
        check_belonging(log, seeds, keys, Envelopes(SEALINGS, keys, lost_through=through))
    except ForeignKeysError:
        return
    words = "nothing in the log is under keys that are missing"
    raise CannotDeclareError("nothing_sealed", words, "Start the server: it makes keys of its own.")


def refuse_living(log: Log, settings: Settings) -> None:
    """Raises CannotDeclareError while a server may have it open; a file of SQLite says so itself."""
    if settings.store_kind == "sqlite":
        return
    now = log.now()
    for lease in log.leases():
        lives = not lease.ended and now < lease.renewed_at + lease.ttl_seconds * SECOND
        if lives and is_type_id(lease.session, NODE.prefix):
            words = f"the server {lease.session} has the database open, or had it within {lease.ttl_seconds} s"
            advice = "Stop every server of the database, wait for so long, and ask again."
            raise CannotDeclareError("server_lives", words, advice)


def _administrator(log: Log, settings: Settings) -> Principal:
    """Who holds the local key of the data folder, as a server of it would know him."""
    secret = settings.secret.get_secret_value().encode() if settings.secret else server_secret(settings.data)
    keys = Keys(secret)
    own = local_key(settings.data, keys.mint)
    for row in log.events_of(key_of(own) or ""):
        keys.observe(row.stream, recorded(row, REGISTRY).event)
    found = keys.authenticate(own, Instant(log.now()))
    if found is None or found.role not in ("owner", "admin"):
        raise _not_permitted(settings)
    return found


def _not_permitted(settings: Settings) -> CannotDeclareError:
    words = f"{settings.data} holds no key of somebody who administers this log"
    return CannotDeclareError("not_permitted", words, "Name the data folder of a server of this log with --data.")


def _appended(log: Log, command: DeclareKeysLost, by: Principal) -> int:
    """Decided and appended as a server does it, by the one who has the log to himself."""
    identifier = command_id_of(command.NAME, KEYS_STREAM, log.head() + 1, KEYS_STREAM)
    at = Instant(log.now())
    stamp = Stamp(command_id=identifier, project=FLEET, principal=by.id, time=at, correlation_id=identifier)
    hot, group = HotStates(log, AGGREGATES, REGISTRY), Group()
    view = GroupView(hot, AGGREGATES, log.era)
    decider = GroupDecider(rules(ReadyIndex()), (), frozenset({SUBJECT_KEYS.prefix}))
    for _ in range(LOADS_MAX):
        try:
            decider.decide(Pending(command, stamp, body_of(command), b""), view, group)
        except StreamsMissing as missing:
            hot.adopt(*hot.load(missing.streams, missing.keys))
            continue
        break
    (result,) = log.append([group.decided[0].member], now=log.now())
    if not isinstance(result, Appended):
        raise _beaten()
    return result.position


def _beaten() -> CannotDeclareError:
    return CannotDeclareError("declared_elsewhere", "somebody else declares it at this moment", "Ask again.")
