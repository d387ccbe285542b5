"""What `status` says of a read model that needs somebody."""

from dataclasses import replace

import pytest

from api.composition.doctor import troubles_of
from infrastructure.runtime.projector import ProjectionStatus

FINE = ProjectionStatus("task_board", "following", 1, 9, drifted=False, parked_streams=0, error="")
PARKED = "2 parked; see `signalbox projections parked list`"
CHANGED = "its rows were begun by other code: rebuild it"


@pytest.mark.parametrize(
    ("drifted", "parked", "error", "told"),
    [
        (True, 0, "", f"projection task_board: following, {CHANGED}"),
        (False, 2, "", f"projection task_board: following, {PARKED}"),
        (True, 2, "", f"projection task_board: following, {PARKED}, {CHANGED}"),
        (True, 0, "rebuild it", "projection task_board: following, rebuild it"),
    ],
)
def test_why_a_read_model_is_warned_of_is_said(drifted: bool, parked: int, error: str, told: str) -> None:
    assert troubles_of([FINE, ProjectionStatus("task_board", "following", 1, 9, drifted, parked, error)]) == (told,)


def test_nothing_is_said_of_one_that_is_well() -> None:
    assert troubles_of([FINE, FINE]) == ()


def test_what_is_wrong_with_several_alike_is_said_once() -> None:
    alike = [replace(FINE, name=name, error="the disk is full") for name in ("one", "two", "three", "four", "five")]
    other = replace(FINE, name="six", error="rebuild it")
    assert troubles_of([*alike[:3], other, *alike[3:]]) == (
        "projections one, two, three and 2 more: following, the disk is full",
        "projection six: following, rebuild it",
    )
    assert troubles_of(alike[:2]) == ("projections one, two: following, the disk is full",)
