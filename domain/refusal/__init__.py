"""Refused commands that matter for audit, one append-only stream per project."""
