"""The list of projects: one row per project, as it stands."""
