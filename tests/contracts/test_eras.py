"""An era of the log is over where the log was put back: the next one has tokens that none before it had."""

from infrastructure.log.port import Log
from tests.contracts.stores import STORES, Place


def test_the_next_era_begins_each_time_and_stays(log_store: Log, store_name: str, store_place: Place) -> None:
    assert log_store.era == 1
    assert log_store.begin_era() == 2
    assert log_store.begin_era() == log_store.era == 3
    assert log_store.begin_era(2) == log_store.era == 4
    assert log_store.begin_era(331) == log_store.era == 331
    log_store.close()
    if store_name != "memory":
        again = STORES[store_name](store_place)
        assert again.era == 331
        again.close()
