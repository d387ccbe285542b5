"""The map of locks: one row per token that holds or still shuts something."""
