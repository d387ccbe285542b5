"""After an upgrade rows may be of an earlier version: whoever asks for them hears what to do."""

import asyncio
from dataclasses import replace

import pytest

from api.composition.our_words import in_our_words
from api.ports import ServiceFault
from infrastructure.rows.memory import MemoryRows
from infrastructure.rows.reader import Reader
from projections.task_board.projection import TASK_BOARD
from projections.task_board.queries import TaskCounts, TaskPage


async def test_rows_of_an_earlier_version_are_named_with_what_mends_them() -> None:
    store = MemoryRows()
    store.open(replace(TASK_BOARD, version=TASK_BOARD.version - 1), "of then")
    reader = Reader(store)
    for question in (lambda: reader.query(TaskPage()), lambda: reader.count(TaskCounts())):
        with pytest.raises(ServiceFault) as told:
            await in_our_words(asyncio.to_thread(question))
        assert told.value.code == "read_model_outdated"
        assert "signalbox projections rebuild task_board" in told.value.advice
