"""Refusals decide nothing; the state only counts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many were recorded."""

    count: int = 0
