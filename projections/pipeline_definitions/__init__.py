"""Definitions of pipelines: every version with its content and its state."""
