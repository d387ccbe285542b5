"""What `status` says of a read model that needs somebody."""

import pytest

from api.composition.doctor import trouble_of
from infrastructure.runtime.projector import ProjectionStatus

FINE = ProjectionStatus("task_board", "following", 1, 9, drifted=False, parked_streams=0, error="")
PARKED = "2 parked; see `signalbox projections parked list`"
CHANGED = "its rows were begun by other code: rebuild it"


@pytest.mark.parametrize(
    ("drifted", "parked", "error", "told"),
    [
        (False, 0, "", ""),
        (True, 0, "", f"projection task_board: following, {CHANGED}"),
        (False, 2, "", f"projection task_board: following, {PARKED}"),
        (True, 2, "", f"projection task_board: following, {PARKED}, {CHANGED}"),
        (True, 0, "rebuild it", "projection task_board: following, rebuild it"),
    ],
)
def test_why_a_read_model_is_warned_of_is_said(drifted: bool, parked: int, error: str, told: str) -> None:
    assert trouble_of(ProjectionStatus("task_board", "following", 1, 9, drifted, parked, error)) == told


def test_nothing_is_said_of_one_that_is_well() -> None:
    assert trouble_of(FINE) == ""
