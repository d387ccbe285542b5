"""Fixtures of the tests that go through the doors."""

from tests.support.patience import patient_reads

__all__ = ["patient_reads"]
