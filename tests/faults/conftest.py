"""Fixtures of the tests that break something."""

from tests.support.patience import patient_reads

__all__ = ["patient_reads"]
