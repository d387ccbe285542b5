"""Definitions of pipelines as data, of which the aggregates of definitions and of runs both speak."""
