"""Rows that are changed quickly are changed as named tuples are."""

from typing import Any

import pytest

from projections.session_roster.rows import SessionRosterRow
from projections.task_board.rows import TaskBoardRow


@pytest.mark.parametrize("row", [TaskBoardRow, SessionRosterRow])
def test_a_changed_row_is_a_row_of_its_class_with_only_that_changed(row: Any) -> None:
    before = row._make(range(len(row._fields)))
    last = row._fields[-1]
    after = before._replace(**{"project": "p", last: "x"})
    assert type(after) is row
    assert after._asdict() == before._asdict() | {"project": "p", last: "x"}
    assert before == row._make(range(len(row._fields)))
    assert before._replace() == before
    with pytest.raises(KeyError):
        before._replace(no_such_column=1)
