"""The board of tasks: one row per task, as it stands."""
