"""Runs: one walk through a pipeline's definition, from its inputs to an outcome."""
