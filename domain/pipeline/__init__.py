"""Definitions of pipelines: published under a name, never changed afterwards."""
