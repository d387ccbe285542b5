"""The edges between tasks: one row per need."""
