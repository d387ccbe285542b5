"""The map and the queue of locks: rows come, change and go with what happens in the lock space."""

from collections.abc import Sequence
from typing import Any

from domain.dispatch.lock_answers import LockAnswer
from domain.kernel.decider import Recorded
from domain.kernel.ids import SECOND, StreamId
from domain.lock.commands import AcceptLocks, DowngradeLocks, TransferLocks, UpgradeLocks
from domain.session.commands import EndSession
from infrastructure.rows.memory import MemoryRows
from infrastructure.runtime.projector_fold import Folder
from projections.catalogue import AnyProjection
from projections.kernel.replay import replay
from projections.kernel.requests import Order, select
from projections.lock_map.projection import LOCK_MAP
from projections.lock_map.rows import LockMapRow, claims_of
from projections.lock_queue.projection import LOCK_QUEUE
from projections.lock_queue.rows import LockQueueRow
from tests.decisions.test_lock_waiting import PROJECT, Fleet, token


def locks(fleet: Fleet) -> list[LockMapRow]:
    return sorted(replay(LOCK_MAP, fleet.log).values(), key=lambda row: row.token)


def queue(fleet: Fleet) -> list[LockQueueRow]:
    return sorted(replay(LOCK_QUEUE, fleet.log).values(), key=lambda row: row.served_as_of)


def cold(projection: AnyProjection, log: Sequence[Recorded]) -> dict[str, Any]:
    """What a projector writes that forgets all rows behind each event, as a restart does."""
    store = MemoryRows()
    generation = store.open(projection, "")
    for recorded in log:
        folder = Folder(store, generation)
        change = folder.fold([recorded], recorded.position, lambda: None)
        assert store.write([change])
        folder.accept(change)
        generation = folder.generation
    selection = select(projection, (), order=Order(), limit=200, cursor=None, as_of=None)
    return {row.key: row for row in store.select(selection).rows}


def act(fleet: Fleet, command: Any, session: StreamId, held: str, **more: Any) -> LockAnswer:
    made = command(project=PROJECT, session=session, incarnation=1, token=held, **more)
    answer = fleet.when(made, fleet.agent()).answer
    assert isinstance(answer, LockAnswer)
    return answer


def test_a_request_stands_in_the_queue_until_it_is_granted() -> None:
    fleet = Fleet()
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a"))
    fleet.ask(two, "a", seconds=60)
    fleet.ask(three, "a/b", priority="raised")
    first, second = queue(fleet)
    assert (first.session, first.request, first.served_as_of) == (three, 2, fleet.now - 30 * SECOND)
    assert (second.session, second.expires_at) == (two, fleet.now + 60 * SECOND)
    fleet.release(one, held)
    assert [row.session for row in locks(fleet)] == [three]
    assert [row.session for row in queue(fleet)] == [two]


def test_a_change_of_mode_and_of_hands_moves_the_row_to_its_new_token() -> None:
    fleet = Fleet()
    one, two = fleet.open(), fleet.open()
    held = token(fleet.ask(one, "a", mode="update"))
    written = act(fleet, UpgradeLocks, one, held).token or ""
    (row,) = locks(fleet)
    assert (str(row.token), claims_of(row)[0].mode) == (written, "exclusive")
    act(fleet, DowngradeLocks, one, written, mode="shared")
    assert claims_of(locks(fleet)[0])[0].mode == "shared"
    given = act(fleet, TransferLocks, one, written, receiver=two)
    (row,) = locks(fleet)
    assert (str(row.token), row.session, row.accept_until) == (given.token, two, given.expires_at)
    act(fleet, AcceptLocks, two, given.token or "")
    assert locks(fleet)[0].accept_until is None
    assert cold(LOCK_MAP, fleet.log) == replay(LOCK_MAP, fleet.log)
    assert cold(LOCK_QUEUE, fleet.log) == replay(LOCK_QUEUE, fleet.log)


def test_a_quarantine_is_told_without_an_end() -> None:
    fleet = Fleet()
    one = fleet.open()
    fleet.ask(one, "a", on_loss="quarantine")
    fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    (row,) = locks(fleet)
    assert (row.lingers_because, row.lingers_until) == ("ended", None)
